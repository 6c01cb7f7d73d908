// One HTTP/2 connection (RFC 9113) by libnghttp2, which frames, compresses, keeps the flow control and refuses what breaks
// the protocol; this adds streams that coroutines read and write, and budgets (PX-19). Nothing is remembered of a field for
// compression (RFC 7541 section 7.1.3), and the library's memory is wiped when it is freed, since fields carry credentials.
// Thread rule: on the Loop's thread. Shared by the coroutines of its streams.
#pragma once

#include <nghttp2/nghttp2.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "http/message.hpp"
#include "net/recurring_event.hpp"
#include "net/stream.hpp"

namespace claviger::http2 {

struct Limits {
    std::size_t header_bytes = 64 * 1024;
    std::size_t header_count = 128;
    std::size_t all_header_bytes = 256 * 1024;      // of all open streams together
    std::uint32_t streams = 100;                    // that the peer may have open
    std::chrono::milliseconds idle_time{60'000};    // without a stream
};

// One exchange of messages on a connection. Fields begin with the pseudo fields of RFC 9113 section 8.3.
struct Stream {
    Stream(net::Loop& loop, std::int32_t number) : id(number), changed(loop) {}

    std::int32_t id;
    // What comes. `heads`: of a request one, of an answer each interim one too.
    std::deque<http::Fields> heads{};
    std::size_t head_bytes = 0;
    http::Fields arriving{};    // being received
    http::Fields trailers{};
    base::WipedString body{};   // received and not yet taken; bounded by its flow-control window
    bool head_done = false;     // the final head is there: what comes now are trailers
    bool too_long = false;      // the head is beyond the limits, and nothing of it is kept
    bool refused = false;       // it is no request: it counts as one for nothing, whatever it was answered
    bool ended = false;         // all of it has come
    // What goes.
    base::WipedString outgoing{};
    http::Fields outgoing_trailers{};
    bool outgoing_ended = false;
    bool all_sent = false;       // END_STREAM included
    bool abandoned = false;      // nobody takes what still comes
    bool peer_reset = false;
    bool closed = false;         // the stream is no more, or its connection: nothing comes or goes
    net::RecurringEvent changed;
};
using StreamPtr = std::shared_ptr<Stream>;

class Session : public std::enable_shared_from_this<Session> {
public:
    enum class Side { server, client };
    // A server's. `request`: for each that came. `refused`: for each that broke a rule of HTTP and whose stream has been ended
    // for that, and once for a connection that was.
    struct Calls {
        std::function<void(std::shared_ptr<Session>, StreamPtr)> request;
        std::function<void(base::Error)> refused;
    };
    static base::Result<std::shared_ptr<Session>> make(net::Loop& loop, net::StreamPtr stream, Side side, Limits limits, Calls calls = {});
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Reads and writes until the connection ends. Once; whoever spawns it keeps a share.
    static net::Task<void> run(std::shared_ptr<Session> self);
    void close();
    [[nodiscard]] bool closed() const { return ended_.is_set(); }
    // Called once, when it is closed. Null: nobody.
    void on_close(std::function<void()> call) { on_close_ = std::move(call); }
    net::Loop& loop() { return loop_; }

    // A client's: a new request. Null when the connection takes none any more.
    StreamPtr request(const http::Fields& head, bool has_body);
    // A server's. `head` of an interim answer has no body.
    bool answer(Stream& stream, const http::Fields& head, bool interim, bool has_body);
    // Body bytes; done when they are with the kernel's or the window's care, so that a sender never runs ahead. False when
    // the stream is closed.
    static net::Task<bool> send(std::shared_ptr<Session> self, StreamPtr stream, std::string_view bytes, net::Deadline deadline);
    void end(Stream& stream, http::Fields trailers);
    // Until all of it, trailers included, is on its way.
    static net::Task<void> wait_until_sent(StreamPtr stream, net::Deadline deadline);
    // Nobody serves the stream any more: what comes of it is thrown away, and holds up no other.
    void abandon(Stream& stream);
    // Ends the stream at once: RST_STREAM; what was not sent yet is lost.
    void reset(Stream& stream, std::uint32_t error);
    // Received body bytes were taken: the peer may send as many more.
    void taken(Stream& stream, std::size_t bytes);

    class Key {
        friend class Session;
        Key() = default;
    };
    Session(Key, net::Loop& loop, net::StreamPtr stream, Side side, Limits limits, Calls calls);

private:
    base::Result<void> begin();
    struct Callbacks;
    static net::Task<void> write_all(std::shared_ptr<Session> self);
    static net::Task<void> watch_idleness(std::shared_ptr<Session> self);
    bool take(std::string_view bytes);  // false: nothing more can come
    void broken(base::Error why);  // the connection, by its peer

    net::Loop& loop_;
    net::StreamPtr stream_;
    Side side_;
    Limits limits_;
    Calls calls_;
    nghttp2_session* native_ = nullptr;
    std::map<std::int32_t, StreamPtr> streams_{};
    net::RecurringEvent to_write_;
    std::uint64_t resets_ = 0, empty_ = 0, completed_ = 0;  // of the peer
    std::uint64_t activity_ = 0;
    std::size_t head_bytes_ = 0;  // of open streams
    bool broken_ = false;
    net::Event ended_;
    std::function<void()> on_close_{};
};

}  // namespace claviger::http2
