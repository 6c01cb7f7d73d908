#include "inject/caller_fields.hpp"
#include "proxy/answer_guard.hpp"
#include "proxy/exchange_state.hpp"

namespace claviger::proxy {

using base::Result;

namespace {

http::RequestHead outgoing_head(const http::RequestHead& received, const net::Url& url) {
    http::RequestHead head = received;
    http::remove_hop_by_hop(head.fields);
    head.fields.remove("Expect");  // answered by us
    head.fields.remove("Content-Length");
    head.fields.set("Host", url.authority());
    head.target = url.request_target();
    head.minor_version = 1;
    return head;
}

}  // namespace

Result<void> make_head(Exchange& it) {
    it.head = outgoing_head(it.request.head, it.request.url);
    if (!it.request.credential) return {};
    ask_uncoded(it.head.fields);
    inject::remove_placeholders(it.head, it.request.placeholders);
    const std::string nonce = it.with.nonces.of(it.server());
    const inject::Occasion occasion{it.with.clock.now(), it.with.random, it.kept.whole() ? it.kept.bytes() : std::string_view(), nonce};
    return it.request.credential->injection.apply(it.head, it.request.url, &occasion);
}

net::Task<Result<void>> let_body_come(Exchange& it) {
    if (it.request.head.fields.count("Expect") == 0 || !it.sends_body) co_return Result<void>();
    const net::Deadline deadline = net::in(kWriteTime);
    auto sent = co_await it.client.stream().write_all("HTTP/1.1 100 Continue\r\n\r\n", deadline);
    co_return sent;
}

net::Task<Result<MaybeProblem>> read_covered(Exchange& it) {
    if (it.request.head.framing.kind == http::BodyFraming::Kind::length && it.request.head.framing.length > kCoveredBody) {
        co_return MaybeProblem(body_too_long());
    }
    auto waiting = co_await let_body_come(it);
    if (!waiting) co_return base::fail(std::move(waiting).error());
    const http::BodyFraming framing = it.request.head.framing;
    auto read = co_await read_whole(it.client, framing, it.kept);
    if (!read) co_return base::fail(std::move(read).error());
    if (!it.kept.whole()) co_return MaybeProblem(body_too_long());
    co_return MaybeProblem();
}

net::Task<Result<http::ResponseHead>> ask(Exchange& it, http::Connection& upstream, RequestBody& body) {
    const std::string method = it.head.method;
    http::RequestHead head = it.head;
    const http::BodyFraming framing = head.framing;
    const net::Deadline deadline = net::in(kWriteTime);
    const bool again = it.sends_body && it.kept.whole();
    if (again) head.framing = {http::BodyFraming::Kind::length, it.kept.bytes().size()};
    if (again && it.kept.bytes().size() <= Piece::kMost) {  // no longer than what any socket takes at once
        auto sent = co_await upstream.write_message(std::move(head), it.kept.bytes(), deadline);
        if (!sent) co_return base::fail(std::move(sent).error());
        body.complete = true;
        body.bytes = it.kept.bytes().size();
    } else {
        auto sent = co_await upstream.write_head(std::move(head), std::string_view(), deadline);
        if (!sent) co_return base::fail(std::move(sent).error());
        body.started = it.sends_body;
        body.complete = !it.sends_body;
        if (again) it.with.loop.spawn("kept request body", send_kept(upstream, body, it.kept));
        else if (it.sends_body) it.with.loop.spawn("request body", pump_body(it.client, upstream, framing, body, it.kept));
    }
    auto answer = co_await read_final_head(upstream, method);
    co_return answer;
}

net::Task<void> settle(Exchange& it, http::Connection& upstream, RequestBody& body, bool answered_whole) {
    if (!body.started || body.done.is_set()) co_return;
    if (answered_whole) {
        const net::Deadline moment = net::in(kEarlyAnswerTime);
        auto waited = co_await body.done.wait(moment);
        if (waited) co_return;
    }
    it.client.close();
    upstream.close();
    auto finished = co_await body.done.wait(net::Deadline::max());
    (void)finished;
}

}  // namespace claviger::proxy
