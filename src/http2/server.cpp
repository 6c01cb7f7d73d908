#include "http2/server.hpp"

#include "http2/relay.hpp"
#include "http2/translation.hpp"
#include "net/pipe.hpp"

namespace claviger::http2 {

using base::Result;
using net::Task;
using Kind = http::BodyFraming::Kind;

namespace {

constexpr std::chrono::minutes kAnswerTime{15};  // longer than whoever serves it waits

// What a connection's requests share.
struct Served {
    Service service;
    http::Limits limits;
    std::size_t open = 0;
    net::RecurringEvent changed;
};
using ServedPtr = std::shared_ptr<Served>;

Task<void> relay_body(std::shared_ptr<Session> session, StreamPtr stream, http::Connection& h1, http::BodyFraming framing, Beside& beside) {
    beside.complete = co_await body_to_http1(session, stream, h1, framing);
    beside.done.set();
}

// A stream that its client broke off breaks off what serves it, wherever that waits.
Task<void> watch_end(StreamPtr stream, http::Connection& h1, Beside& watch, bool& over) {
    while (!stream->closed && !over) {
        const auto change = stream->changed.next();
        auto waited = co_await change->wait(net::Deadline::max());
        (void)waited;
    }
    if (stream->closed && !over) h1.close();
    watch.done.set();
}

// The answer to `method`; true when all of it is on its way.
Task<bool> relay_answer(std::shared_ptr<Session> session, StreamPtr stream, http::Connection& h1, std::string method) {
    for (;;) {
        const net::Deadline deadline = net::in(kAnswerTime);
        auto head = co_await h1.read_response_head(method, deadline);
        if (!head) co_return false;
        const bool interim = head->status < 200;
        if (!session->answer(*stream, answer_of(*head), interim, !interim && !h1.body_complete())) co_return false;
        if (interim) continue;
        if (h1.body_complete()) co_return true;
        const bool whole = co_await body_to_http2(session, stream, h1);
        co_return whole;
    }
}

// RFC 9113 section 8.1: NO_ERROR after an answer that came before the request's end.
Task<void> end_answered(std::shared_ptr<Session> session, StreamPtr stream, bool whole) {
    const net::Deadline last = net::in(kWriteTime);
    if (whole) co_await Session::wait_until_sent(stream, last);
    if (!whole || !stream->ended) session->reset(*stream, whole ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR);
}

// RFC 9113 section 8.1.1: an answer may say that a request is malformed, before its stream ends.
Task<void> refuse(ServedPtr served, std::shared_ptr<Session> session, StreamPtr stream, std::string method, base::Error why) {
    stream->refused = true;
    session->abandon(*stream);
    auto ends = net::make_pipe(session->loop(), "h2");
    session->loop().spawn("http2 refusal", served->service.refuse(std::move(ends.second), std::move(why)));
    http::Connection h1(std::move(ends.first), served->limits);
    const bool whole = co_await relay_answer(session, stream, h1, std::move(method));
    co_await end_answered(session, stream, whole);
}

Result<http::RequestHead> request_of(const Stream& stream, bool ended) {
    if (stream.too_long) return base::fail(base::ErrorCode::limit, "the header fields are too long");
    return request_from(stream.heads.front(), ended);
}

Task<void> relay(ServedPtr served, std::shared_ptr<Session> session, StreamPtr stream) {
    const bool ended = stream->ended && stream->body.empty() && stream->trailers.items().empty();
    auto request = request_of(*stream, ended);
    std::string method(stream->heads.front().find(":method").value_or(""));
    stream->heads.clear();
    if (!request) {
        co_await refuse(std::move(served), std::move(session), std::move(stream), std::move(method), std::move(request).error());
        co_return;
    }
    const http::BodyFraming framing = request->framing;
    if (framing.kind == Kind::length && framing.length == 0) {  // what comes all the same makes it malformed
        co_await wait_for_end(stream);
        if (!stream->ended) {
            if (stream->closed && !stream->peer_reset && !session->closed()) {
                auto why = base::Error::make(base::ErrorCode::protocol, "the request's body is longer than it says");
                session->loop().spawn("http2 refusal", served->service.refuse(nullptr, std::move(why)));
            }
            co_return session->reset(*stream, NGHTTP2_CANCEL);
        }
    }
    auto ends = net::make_pipe(session->loop(), "h2");
    session->loop().spawn("http2 request", served->service.serve(std::move(ends.second)));
    http::Connection h1(std::move(ends.first), served->limits);
    const bool has_body = framing.kind == Kind::chunked || framing.length > 0;
    Beside body(session->loop()), watch(session->loop());
    bool over = false;
    session->loop().spawn("http2 end", watch_end(stream, h1, watch, over));
    const net::Deadline deadline = net::in(kWriteTime);
    auto sent = co_await h1.write_head(std::move(*request), std::string_view(), deadline);
    if (sent && has_body) session->loop().spawn("http2 body", relay_body(session, stream, h1, framing, body));
    else body.done.set();
    bool whole = sent.has_value();
    if (whole) whole = co_await relay_answer(session, stream, h1, std::move(method));
    co_await end_answered(session, stream, whole);
    h1.close();
    over = true;
    stream->changed.notify();
    auto body_done = co_await body.done.wait(net::Deadline::max());
    auto watch_done = co_await watch.done.wait(net::Deadline::max());
    (void)body_done;
    (void)watch_done;
    session->abandon(*stream);
}

Task<void> relay_and_count(ServedPtr served, std::shared_ptr<Session> session, StreamPtr stream) {
    co_await relay(served, std::move(session), std::move(stream));
    --served->open;
    served->changed.notify();
}

}  // namespace

Task<void> serve_connection(net::Loop& loop, net::StreamPtr stream, Limits limits, Service service) {
    const auto served = std::make_shared<Served>(Served{std::move(service), {}, 0, net::RecurringEvent(loop)});
    Session::Calls calls;
    calls.request = [served](std::shared_ptr<Session> on, StreamPtr one) {
        ++served->open;
        on->loop().spawn("http2 stream", relay_and_count(served, on, std::move(one)));
    };
    calls.refused = [served, &loop](base::Error why) { loop.spawn("http2 refusal", served->service.refuse(nullptr, std::move(why))); };
    auto session = Session::make(loop, std::move(stream), Session::Side::server, limits, std::move(calls));
    if (!session) co_return;
    co_await Session::run(*session);
    while (served->open > 0) {
        const auto change = served->changed.next();
        auto waited = co_await change->wait(net::Deadline::max());
        (void)waited;
    }
}

}  // namespace claviger::http2
