#include "http2/client.hpp"

#include "http2/relay.hpp"
#include "http2/translation.hpp"
#include "net/pipe.hpp"

namespace claviger::http2 {

using base::Result;
using net::Task;

namespace {

constexpr std::chrono::minutes kAnswerTime{15};

Task<void> relay_body(std::shared_ptr<Session> session, StreamPtr stream, http::Connection& h1, Beside& beside) {
    beside.complete = co_await body_to_http2(session, stream, h1);
    if (!beside.complete) session->reset(*stream, NGHTTP2_CANCEL);
    beside.done.set();
}

// Heads and body of the answer to `h1`; true when it came whole.
Task<bool> relay_answer(std::shared_ptr<Session> session, StreamPtr stream, http::Connection& h1, std::string method) {
    for (;;) {
        const net::Deadline wait = net::in(kAnswerTime);
        auto head = co_await next_head(stream, wait);
        if (!head) co_return false;
        const bool ended = stream->ended && stream->body.empty() && stream->trailers.items().empty();
        auto answer = answer_from(*head, ended, method);
        if (!answer) co_return false;
        const bool interim = answer->status < 200;
        const http::BodyFraming framing = answer->framing;
        const net::Deadline deadline = net::in(kWriteTime);
        auto written = co_await h1.write_head(std::move(*answer), std::string_view(), deadline);
        if (!written) co_return false;
        if (interim) continue;
        const bool whole = co_await body_to_http1(session, stream, h1, framing, true);
        co_return whole;
    }
}

// One request. Gives whether another may follow.
Task<bool> relay(std::shared_ptr<Session> session, http::Connection& h1, http::RequestHead head) {
    const bool has_body = !h1.body_complete();
    const auto stream = session->request(request_of(head), has_body);
    if (!stream) co_return false;
    Beside body(session->loop());
    if (has_body) session->loop().spawn("http2 body", relay_body(session, stream, h1, body));
    else body.done.set(), body.complete = true;
    const bool whole = co_await relay_answer(session, stream, h1, std::move(head.method));
    if (!whole || !body.done.is_set()) {
        // An answer before the request's end: what is left of the request is not read.
        session->reset(*stream, whole ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
        if (!whole) h1.close();
    }
    if (whole && !body.done.is_set()) {
        stream->closed = true;
        stream->changed.notify();
    }
    auto done = co_await body.done.wait(net::Deadline::max());
    (void)done;
    session->abandon(*stream);
    co_return whole && body.complete && h1.may_continue() && !session->closed();
}

Task<void> speak(std::shared_ptr<Session> session, net::StreamPtr end) {
    http::Connection h1(std::move(end), http::Limits());
    bool idle = true;
    h1.stream().on_hang_up([session] { session->close(); });
    session->on_close([&h1, &idle] {
        if (idle) h1.close();  // an exchange that goes on may have its whole answer here already
    });
    for (;;) {
        auto head = co_await h1.read_request_head(net::Deadline::max());
        if (!head) break;
        idle = false;
        const bool more = co_await relay(session, h1, std::move(*head));
        if (!more) break;
        idle = true;
    }
    session->on_close(nullptr);
    h1.close();
    session->close();
}

}  // namespace

Result<net::StreamPtr> as_http1(net::Loop& loop, net::StreamPtr stream) {
    TRY(session, Session::make(loop, std::move(stream), Session::Side::client, Limits()));
    auto ends = net::make_pipe(loop, "h2");
    loop.spawn("http2 connection", Session::run(session));
    loop.spawn("http2 requests", speak(session, std::move(ends.second)));
    return std::move(ends.first);
}

}  // namespace claviger::http2
