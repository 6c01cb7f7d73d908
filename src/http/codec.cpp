#include "http/codec.hpp"

#include "base/text.hpp"
#include "http/framing.hpp"
#include "http/message_reader.hpp"
#include "http/message_writer.hpp"

namespace claviger::http {

using base::ErrorCode;
using base::Result;
using net::Deadline;
using net::Task;

struct Connection::State {
    State(net::StreamPtr connected, Limits limits)
        : stream(std::move(connected)), reader(*stream, limits), writer(*stream) {}

    net::StreamPtr stream;
    MessageReader reader;
    MessageWriter writer;
    bool closed = false;

    Result<bool> begin(ResponseHead& head);
    Task<Result<void>> write(RequestHead head, std::string_view body, bool last, Deadline deadline);
    Task<Result<void>> write(ResponseHead head, std::string_view body, bool last, Deadline deadline);
};

Connection::Connection(net::StreamPtr stream, Limits limits)
    : state_(std::make_unique<State>(std::move(stream), limits)) {}
// Who is told that a body ends where the connection does must not take the end of this process for one.
Connection::~Connection() {
    if (state_ && state_->writer.would_end_by_closing()) close();
}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

// Adapts a response to the request it answers; false: nothing is to be sent.
Result<bool> Connection::State::begin(ResponseHead& head) {
    const bool interim = head.status < 200 && head.status != 101;
    const bool old_peer = reader.is_server() && reader.peer_is_1_0();
    if (interim && old_peer) return false;
    if (old_peer && head.framing.kind == BodyFraming::Kind::chunked) {
        head.framing = {BodyFraming::Kind::until_close, 0};
    }
    ResponseContext context;
    context.answers_head = reader.is_server() && reader.method() == "HEAD";
    context.answers_connect = reader.is_server() && reader.method() == "CONNECT";
    const bool switches = head.status == 101 || (context.answers_connect && head.status / 100 == 2);
    bool keeps_open = true;
    if (switches) {
        keeps_open = false;
    } else if (!interim) {
        const bool says_close = !keeps_alive(1, head.fields);
        const bool must_close = !reader.persistent() || head.framing.kind == BodyFraming::Kind::until_close;
        context.add_close = reader.is_server() && must_close && !says_close;
        keeps_open = !says_close && !must_close;
    }
    TRY_VOID(writer.begin(head, context, keeps_open));
    return true;
}

Task<Result<void>> Connection::State::write(RequestHead head, std::string_view body, bool last, Deadline deadline) {
    CO_TRY_VOID(writer.begin(head));
    auto written = co_await writer.send_head(body, last, deadline);
    co_return written;
}

Task<Result<void>> Connection::State::write(ResponseHead head, std::string_view body, bool last, Deadline deadline) {
    CO_TRY(send, begin(head));
    if (!send) co_return Result<void>();
    auto written = co_await writer.send_head(body, last, deadline);
    co_return written;
}

Task<Result<RequestHead>> Connection::read_request_head(Deadline deadline) {
    return state_->reader.request_head(deadline);
}
Task<Result<ResponseHead>> Connection::read_response_head(std::string request_method, Deadline deadline) {
    return state_->reader.response_head(std::move(request_method), deadline);
}
Task<Result<std::size_t>> Connection::read_body(std::span<char> into, Deadline deadline) {
    return state_->reader.body(into, deadline);
}

bool Connection::body_complete() const { return state_->reader.complete(); }
const Fields& Connection::trailers() const { return state_->reader.trailers(); }
bool Connection::body_at_hand() const { return !state_->reader.complete() && !state_->reader.nothing_unread(); }
bool Connection::may_continue() const {
    return !state_->closed && state_->stream != nullptr && state_->reader.persistent() && state_->writer.persistent();
}
bool Connection::clean() const {
    return may_continue() && state_->reader.complete() && state_->reader.nothing_unread() &&
           state_->writer.complete();
}
bool Connection::reusable() const { return clean() && state_->stream->idle_and_open(); }
bool Connection::received_any() const { return state_->reader.received_any(); }
int Connection::refusal_status() const { return state_->reader.refusal_status(); }
void Connection::rest() noexcept {
    state_->reader.rest();
    state_->writer.rest();
}

Task<Result<void>> Connection::write_head(RequestHead head, std::string_view first_body, Deadline deadline) {
    return state_->write(std::move(head), first_body, false, deadline);
}
Task<Result<void>> Connection::write_head(ResponseHead head, std::string_view first_body, Deadline deadline) {
    return state_->write(std::move(head), first_body, false, deadline);
}
Task<Result<void>> Connection::write_message(RequestHead head, std::string_view body, Deadline deadline) {
    return state_->write(std::move(head), body, true, deadline);
}
Task<Result<void>> Connection::write_message(ResponseHead head, std::string_view body, Deadline deadline) {
    return state_->write(std::move(head), body, true, deadline);
}
Task<Result<void>> Connection::write_body(std::string_view bytes, Deadline deadline) {
    return state_->writer.send_body(bytes, deadline);
}
Task<Result<void>> Connection::finish_body(Deadline deadline) { return state_->writer.finish(Fields(), deadline); }
Task<Result<void>> Connection::finish_body(Fields trailers, Deadline deadline) {
    return state_->writer.finish(std::move(trailers), deadline);
}

net::Stream& Connection::stream() { return *state_->stream; }

base::WipedString Connection::take_unread() { return state_->reader.take_unread(); }

Result<net::StreamPtr> Connection::release() {
    if (!state_->reader.nothing_unread()) {
        return base::fail(ErrorCode::protocol, "the peer sent bytes before the tunnel was open");
    }
    state_->closed = true;
    return std::move(state_->stream);
}

void Connection::close() noexcept {
    state_->closed = true;
    if (state_->stream == nullptr) return;
    if (state_->writer.would_end_by_closing()) state_->stream->abort();
    else state_->stream->close();
}

}  // namespace claviger::http
