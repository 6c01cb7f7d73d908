// The body of one request on its way upstream, beside the answer on its way back: a server may answer before it has read
// everything, and may stop reading then. A short body is kept meanwhile, so that the request can be sent again.
// Owned by the exchange. Thread rule: on the Loop's thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/secret.hpp"
#include "http/codec.hpp"
#include "net/loop.hpp"
#include "proxy/credential_source.hpp"

namespace claviger::proxy {

// PX-31: docs/formats/http-policy.md, "Limits", says why these are longer than what holds between requests.
constexpr std::chrono::minutes kBodyIdle{10};  // a model may pause for minutes between two pieces
constexpr std::chrono::minutes kWriteTime{5};

// So much of a body is read at once.
std::size_t piece_size(const http::BodyFraming& framing);

// Memory for the pieces of one body, no larger than the body; what was used of it is wiped.
class Piece {
public:
    static constexpr std::size_t kMost = 16 * 1024;
    explicit Piece(const http::BodyFraming& framing);
    ~Piece() { base::wipe(memory_.get(), used_); }
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;

    [[nodiscard]] std::span<char> space() { return {memory_.get(), size_}; }
    std::string_view filled(std::size_t n);

private:
    std::size_t size_, used_ = 0;
    std::unique_ptr<char[]> memory_;
};

// A copy of what the client sent, up to `most` bytes; beyond that it is given up and wiped. Never makes anybody wait.
class KeptBody {
public:
    explicit KeptBody(std::size_t most) : most_(most) {}
    void take(std::string_view bytes);
    void ended(const http::Fields& trailers) {
        ended_ = true;
        trailers_ = trailers;
    }
    // The whole body is here.
    [[nodiscard]] bool whole() const { return ended_ && !too_long_; }
    [[nodiscard]] bool too_long() const { return too_long_; }
    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    [[nodiscard]] const http::Fields& trailers() const { return trailers_; }
    // How it is sent again: trailers need chunks.
    [[nodiscard]] http::BodyFraming framing() const;

private:
    std::size_t most_;
    bool ended_ = false, too_long_ = false;
    base::WipedString bytes_;
    http::Fields trailers_;
};

// One sending of the body.
struct RequestBody {
    explicit RequestBody(net::Loop& loop) : done(loop), wanted(loop) {}
    net::Event done;
    net::Event wanted;  // a body that is held back is waited for, or called off
    bool started = false, complete = false;
    bool begun = false, called_off = false;  // of a body that is held back
    std::uint64_t bytes = 0;
    std::optional<base::Error> malformed{};  // the client broke a rule in it
};

bool has_body(const http::RequestHead& head);
// Whether reading a body failed by what the client sent, so that it can be told; else it left, or fell silent.
bool broke_a_rule(const http::Connection& client, const base::Error& error);
// The references outlive each of the tasks below; `credential` may be null.

// From the client to the upstream server and into `kept`. A broken body closes the upstream connection: a half-sent one
// must never look whole.
net::Task<void> pump_body(http::Connection& client, http::Connection& upstream, http::BodyFraming framing, RequestBody& body, KeptBody& kept,
                          CredentialPtr credential);
// The same for a client that holds its body back (RFC 9110 section 10.1.1), until the server wants it or both were silent
// for as long as clients usually wait.
net::Task<void> pump_held_back(http::Connection& client, http::Connection& upstream, http::BodyFraming framing, RequestBody& body,
                               KeptBody& kept, CredentialPtr credential);
// The answer has come: a body that is still held back is not sent. Returns when its task has ended.
net::Task<void> call_off(RequestBody& body);
// A kept body once more.
net::Task<void> send_kept(http::Connection& upstream, RequestBody& body, const KeptBody& kept, CredentialPtr credential);
// The client's whole body into `kept`, or as much of it as may be kept. `idle`: how long the client may be silent.
net::Task<base::Result<void>> read_whole(http::Connection& client, http::BodyFraming framing, KeptBody& kept, std::chrono::milliseconds idle);

}  // namespace claviger::proxy
