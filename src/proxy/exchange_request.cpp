#include "inject/caller_fields.hpp"
#include "proxy/answer_guard.hpp"
#include "proxy/exchange_state.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "proxy/websocket.hpp"

namespace claviger::proxy {

using base::Result;

namespace {

// RFC 9110 section 10.1.4: the client would read trailers. So would we: they are passed on.
bool takes_trailers(const http::Fields& fields) {
    const auto names_them = [](std::string_view list) {
        const auto elements = base::split(list, ',');
        return std::any_of(elements.begin(), elements.end(),
                           [](const std::string& one) { return base::equal_ignoring_case(base::trim(one), "trailers"); });
    };
    const auto lists = fields.all("TE");
    return std::any_of(lists.begin(), lists.end(), names_them);
}

// RFC 9110 section 7.6.2: absent, or no number and thus without meaning.
std::optional<std::uint64_t> forwards_left(const http::RequestHead& head) {
    const auto text = head.fields.find("Max-Forwards");
    if (head.method != "OPTIONS" || !text) return std::nullopt;
    std::uint64_t left = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), left);
    if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
    return left;
}

// Something that cannot be met.
bool expects_more(const http::RequestHead& head) {
    return head.minor_version >= 1 && head.fields.count("Expect") > (expects_continue(head) ? 1U : 0U);
}

http::RequestHead outgoing_head(const http::RequestHead& received, const net::Url& url) {
    http::RequestHead head = received;
    const bool trailers = takes_trailers(received.fields);
    http::remove_hop_by_hop(head.fields);
    if (trailers) {
        head.fields.add("TE", "trailers");
        head.fields.add("Connection", "TE");
    }
    if (head.framing.kind != http::BodyFraming::Kind::chunked) head.fields.remove("Trailer");
    head.fields.remove("Expect");  // said again where the body is still held back
    head.fields.remove("Content-Length");
    head.fields.add("Via", via(received.minor_version));
    if (const auto left = forwards_left(received); left && *left > 0) head.fields.set("Max-Forwards", std::to_string(*left - 1));
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
    TRY_VOID(it.request.credential->injection.apply(it.head, it.request.url, &occasion));
    if (it.websocket) add_upgrade(it.head.fields);
    return {};
}

std::string via(int minor_version) { return "1." + std::to_string(minor_version) + " claviger"; }

bool expects_continue(const http::RequestHead& head) {
    const auto value = head.fields.find("Expect");
    return value && head.minor_version >= 1 && base::equal_ignoring_case(*value, "100-continue");
}

MaybeProblem refusal_of(const Exchange& it) {
    const http::RequestHead& head = it.request.head;
    if (expects_more(head)) return Problem{417, "expectation_failed", "only the expectation 100-continue is understood", ""};
    if (!it.websocket) return std::nullopt;
    if (!it.request.credential || !it.request.credential->injection.allows_websocket()) {
        return Problem{403, "websocket_not_allowed", "the definition of this service does not let requests open a WebSocket; write \"websocket\": true in it", ""};
    }
    if (auto good = check_websocket_request(head); !good) return Problem{400, "bad_request", good.error().message, ""};
    return std::nullopt;
}

bool ends_here(const http::RequestHead& head) { return forwards_left(head) == std::uint64_t{0}; }

net::Task<Result<void>> let_body_come(Exchange& it) {
    if (!std::exchange(it.held_back, false)) co_return Result<void>();
    it.told_continue = true;
    http::ResponseHead head;
    head.status = 100;
    head.reason = "Continue";
    const net::Deadline deadline = net::in(kWriteTime);
    auto sent = co_await it.client.write_head(std::move(head), std::string_view(), deadline);
    co_return sent;
}

net::Task<Result<MaybeProblem>> read_covered(Exchange& it) {
    if (it.request.head.framing.kind == http::BodyFraming::Kind::length && it.request.head.framing.length > kCoveredBody) {
        co_return MaybeProblem(body_too_long());
    }
    auto waiting = co_await let_body_come(it);
    if (!waiting) co_return base::fail(std::move(waiting).error());
    const http::BodyFraming framing = it.request.head.framing;
    auto read = co_await read_whole(it.client, framing, it.kept, it.request.idle_time);
    if (!read && broke_a_rule(it.client, read.error())) co_return MaybeProblem(problem_of_bad_message(read.error()));
    if (!read) co_return base::fail(std::move(read).error());
    if (!it.kept.whole()) co_return MaybeProblem(body_too_long());
    co_return MaybeProblem();
}

net::Task<Result<http::ResponseHead>> ask(Exchange& it, http::Connection& upstream, RequestBody& body) {
    http::RequestHead head = it.head;
    if (it.forwards) it.forwards->address(head, it.request.url);
    const http::BodyFraming framing = head.framing;
    const net::Deadline deadline = net::in(kWriteTime);
    const bool again = it.sends_body && it.kept.whole();
    if (again) head.framing = it.kept.framing();
    if (it.held_back) head.fields.add("Expect", "100-continue");
    CredentialPtr credential = it.request.credential;
    if (again && head.framing.kind == http::BodyFraming::Kind::length && it.kept.bytes().size() <= Piece::kMost) {  // no longer than what any socket takes at once
        auto sent = co_await upstream.write_message(std::move(head), it.kept.bytes(), deadline);
        if (!sent) co_return base::fail(std::move(sent).error());
        body.complete = true;
        body.bytes = it.kept.bytes().size();
    } else {
        auto sent = co_await upstream.write_head(std::move(head), std::string_view(), deadline);
        if (!sent) co_return base::fail(std::move(sent).error());
        body.started = it.sends_body;
        body.complete = !it.sends_body;
        if (again) it.with.loop.spawn("kept request body", send_kept(upstream, body, it.kept, std::move(credential)));
        else if (it.held_back) it.with.loop.spawn("request body, held back", pump_held_back(it.client, upstream, framing, body, it.kept, std::move(credential)));
        else if (it.sends_body) it.with.loop.spawn("request body", pump_body(it.client, upstream, framing, body, it.kept, std::move(credential)));
    }
    auto answer = co_await read_final_head(it, upstream, body);
    co_await call_off(body);
    it.held_back = it.held_back && !body.begun;
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
