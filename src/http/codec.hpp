// HTTP/1.1 on a Stream: strict reading (PX-15, PX-17), rebuilt writing (PX-16). The only file pair that knows
// Beast's basic_parser. One Connection per stream; thread rule of net/stream.hpp.
#pragma once

#include <memory>
#include <span>

#include "http/message.hpp"
#include "net/stream.hpp"

namespace claviger::http {

struct Limits {
    std::size_t request_line = 16 * 1024;
    std::size_t header_bytes = 64 * 1024;
    std::size_t header_count = 128;
    std::chrono::milliseconds header_time{10'000};
    std::chrono::milliseconds idle_time{60'000};
};

// One direction pair over a stream. After any error the connection must be closed: nothing is resynchronised.
class Connection {
public:
    Connection(net::StreamPtr stream, Limits limits);
    ~Connection();
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;

    // Server side. ErrorCode::cancelled when the peer closed between messages (not an error);
    // ErrorCode::protocol when the message breaks a rule (answer 400 and close); ErrorCode::limit for 414/431.
    net::Task<base::Result<RequestHead>> read_request_head(net::Deadline deadline);
    // Client side. `request_method` decides body presence (HEAD, CONNECT). Interim 1xx heads are returned too
    // (status < 200): read again, at most 16.
    net::Task<base::Result<ResponseHead>> read_response_head(std::string request_method, net::Deadline deadline);
    // Body bytes of the message whose head was read last; 0 = complete. Chunk framing is removed; trailers are
    // read, checked and dropped. Early end of a delimited body: ErrorCode::protocol.
    net::Task<base::Result<std::size_t>> read_body(std::span<char> into, net::Deadline deadline);
    [[nodiscard]] bool body_complete() const;
    // Whether the connection may carry another message after the current one (version, Connection field, framing).
    [[nodiscard]] bool may_continue() const;

    // Writes head (framing fields derived from head.framing; Host must be present in a request) and, in the same
    // system call when given, the first body bytes.
    net::Task<base::Result<void>> write_head(RequestHead head, std::string_view first_body, net::Deadline deadline);
    net::Task<base::Result<void>> write_head(ResponseHead head, std::string_view first_body, net::Deadline deadline);
    // Body bytes, framed as the head said. An empty write is ignored; finish_body ends a chunked body and checks
    // that a length was kept.
    net::Task<base::Result<void>> write_body(std::string_view bytes, net::Deadline deadline);
    net::Task<base::Result<void>> finish_body(net::Deadline deadline);

    net::Stream& stream();
    // Gives the stream back (CONNECT tunnels). Error (protocol) if the peer already sent bytes beyond the head.
    base::Result<net::StreamPtr> release();
    void close() noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Parses one complete head from text: for fuzzing and tables. Same rules as Connection.
base::Result<RequestHead> parse_request_head(std::string_view text, const Limits& limits);
base::Result<ResponseHead> parse_response_head(std::string_view text, std::string_view request_method, const Limits& limits);

}  // namespace claviger::http
