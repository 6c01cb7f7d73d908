// The reading half of a Connection: heads, bodies, and what they say about the connection's future. Internal to
// http/. Owned by its Connection, whose stream it borrows. Thread rule: one task reads at a time.
#pragma once

#include <string>

#include "http/chunked.hpp"
#include "http/codec.hpp"
#include "http/head_parser.hpp"
#include "http/read_buffer.hpp"

namespace claviger::http {

class MessageReader {
public:
    static constexpr int kInterimResponses = 16;  // PX-17

    MessageReader(net::Stream& stream, Limits limits) : stream_(stream), limits_(limits) {}

    net::Task<base::Result<RequestHead>> request_head(net::Deadline deadline);
    net::Task<base::Result<ResponseHead>> response_head(std::string request_method, net::Deadline deadline);
    net::Task<base::Result<std::size_t>> body(std::span<char> into, net::Deadline deadline);

    [[nodiscard]] bool complete() const { return complete_; }
    [[nodiscard]] const Fields& trailers() const { return chunks_.trailers(); }
    [[nodiscard]] bool persistent() const { return persistent_ && !failed_; }
    [[nodiscard]] bool nothing_unread() const { return in_.empty(); }
    [[nodiscard]] bool received_any() const { return received_any_; }
    [[nodiscard]] int refusal_status() const { return refusal_status_; }
    base::WipedString take_unread();
    void rest() { in_.rest(); }

    // The request that was read last, for the writer that answers it. `method` is empty when it was refused.
    [[nodiscard]] bool is_server() const { return is_server_; }
    [[nodiscard]] const std::string& method() const { return method_; }
    [[nodiscard]] bool peer_is_1_0() const { return peer_is_1_0_; }

private:
    base::Result<void> begin_head();
    net::Task<base::Result<std::size_t>> head_block(net::Deadline deadline);
    net::Task<base::Result<std::size_t>> plain_body(std::span<char> into, net::Deadline deadline);
    net::Task<base::Result<std::size_t>> chunked_body(std::span<char> into, net::Deadline deadline);
    void begin_body(const BodyFraming& framing, bool present);
    base::Error refused(const Refusal& refusal);
    base::Error ended_early(const char* what);
    base::Error stream_failed(base::Error error);

    net::Stream& stream_;
    const Limits limits_;
    ReadBuffer in_;
    ChunkedDecoder chunks_;
    BodyFraming::Kind kind_ = BodyFraming::Kind::none;
    std::uint64_t remaining_ = 0;
    std::string method_;
    int refusal_status_ = 0;
    int interim_count_ = 0;
    bool complete_ = true;
    bool persistent_ = true;
    bool failed_ = false;
    bool received_any_ = false;
    bool is_server_ = false;
    bool peer_is_1_0_ = false;
};

}  // namespace claviger::http
