// HTTP/1.1 on a Stream: strict reading (PX-15, PX-17), rebuilt writing (PX-16), by RFC 9112. What is refused:
// docs/formats/http-policy.md. One Connection per stream; thread rule of net/stream.hpp: reading and writing may
// overlap, each by one task at a time. Views and spans that are passed in must outlive the awaited call.
#pragma once

#include <memory>
#include <span>

#include "http/message.hpp"
#include "net/stream.hpp"

namespace claviger::http {

struct Limits {
    std::size_t request_line = 16 * 1024;
    std::size_t header_bytes = 64 * 1024;  // all field lines, without the first line
    std::size_t header_count = 128;
    std::chrono::milliseconds header_time{10'000};  // from a head's first byte; enforced by Connection
    std::chrono::milliseconds idle_time{60'000};    // for callers: how long to wait for the first byte
};

// One direction pair over a stream. After any error the connection must be closed: nothing is resynchronised.
class Connection {
public:
    Connection(net::StreamPtr stream, Limits limits);
    ~Connection();
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;

    // Server side. ErrorCode::cancelled when the peer closed between messages (not an error);
    // ErrorCode::protocol when the message breaks a rule (answer 400 and close); ErrorCode::limit for 414/431;
    // refusal_status() has the exact status.
    net::Task<base::Result<RequestHead>> read_request_head(net::Deadline deadline);
    // Client side. `request_method` decides body presence (HEAD, CONNECT). Interim 1xx heads are returned too
    // (status < 200): read again, at most 16.
    net::Task<base::Result<ResponseHead>> read_response_head(std::string request_method, net::Deadline deadline);
    // Body bytes of the message whose head was read last; 0 = complete. Chunk framing is removed; what
    // came behind it is in trailers() then. Early end of a delimited body: ErrorCode::protocol. After a 101 the bytes are raw.
    net::Task<base::Result<std::size_t>> read_body(std::span<char> into, net::Deadline deadline);
    [[nodiscard]] bool body_complete() const;
    [[nodiscard]] const Fields& trailers() const;  // of that body, once it is complete; checked
    // Whether bytes of an incomplete body are here already, so that read_body() need not wait for its first.
    [[nodiscard]] bool body_at_hand() const;
    // Whether the connection may carry another message after the current one (version, Connection field, framing).
    [[nodiscard]] bool may_continue() const;
    // may_continue(), both messages complete, nothing unread: fit to be kept (PX-18).
    [[nodiscard]] bool clean() const;
    // clean(), and the peer is still there and silent: fit for another message. Costs a system call.
    [[nodiscard]] bool reusable() const;
    // Whether any byte of the message being read has arrived: a request whose answer has begun is never sent again.
    [[nodiscard]] bool received_any() const;
    // After an error of read_request_head or read_body: the status to answer (400, 408, 414, 431, 505), or 0 when
    // there is nobody to answer (the peer closed, the stream failed, nothing had arrived).
    [[nodiscard]] int refusal_status() const;
    // Frees the buffers of an idle connection; unread bytes are lost, so only when reusable().
    void rest() noexcept;

    // Writes head (framing fields derived from head.framing; Host must be present in a request) and, in the same
    // system call when given, the first body bytes. A response minds the request that was read: no body after HEAD,
    // no chunks and no 1xx for HTTP/1.0, "Connection: close" added when the connection will not continue.
    net::Task<base::Result<void>> write_head(RequestHead head, std::string_view first_body, net::Deadline deadline);
    net::Task<base::Result<void>> write_head(ResponseHead head, std::string_view first_body, net::Deadline deadline);
    // Head and whole body in one write where possible: write_head, then finish_body.
    net::Task<base::Result<void>> write_message(RequestHead head, std::string_view body, net::Deadline deadline);
    net::Task<base::Result<void>> write_message(ResponseHead head, std::string_view body, net::Deadline deadline);
    // Body bytes, framed as the head said. An empty write is ignored; finish_body ends a chunked body, with trailers if
    // there are any, and checks that a length was kept.
    net::Task<base::Result<void>> write_body(std::string_view bytes, net::Deadline deadline);
    net::Task<base::Result<void>> finish_body(net::Deadline deadline);
    net::Task<base::Result<void>> finish_body(Fields trailers, net::Deadline deadline);

    net::Stream& stream();
    // What the peer sent beyond the last message, for whoever takes the stream over.
    base::WipedString take_unread();
    // Gives the stream back (CONNECT tunnels). Error (protocol) if the peer already sent bytes beyond the head.
    base::Result<net::StreamPtr> release();
    // In the midst of a body whose only end is that of the connection this is Stream::abort(): half of it must not look
    // whole (RFC 9112 section 8).
    void close() noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Parses one complete head from text: for fuzzing and tables. Same rules as Connection.
base::Result<RequestHead> parse_request_head(std::string_view text, const Limits& limits);
base::Result<ResponseHead> parse_response_head(std::string_view text, std::string_view request_method, const Limits& limits);

}  // namespace claviger::http
