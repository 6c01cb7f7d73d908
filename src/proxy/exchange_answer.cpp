#include <utility>

#include "proxy/answer_body.hpp"
#include "proxy/answer_guard.hpp"
#include "proxy/challenge.hpp"
#include "proxy/exchange_state.hpp"
#include "proxy/tunnel.hpp"
#include "proxy/websocket.hpp"

namespace claviger::proxy {

using base::ErrorCode;
using base::Result;

namespace {

// A model may think for minutes before its first byte.
constexpr std::chrono::minutes kAnswerTime{10};
constexpr int kUnauthorized = 401;

// Of interim answers too.
http::ResponseHead outgoing_answer(http::ResponseHead received, const http::RequestHead& request, bool close) {
    http::remove_hop_by_hop(received.fields);
    // Without a body the length still tells something (HEAD, 304); otherwise the writer derives it.
    if (received.framing.kind != http::BodyFraming::Kind::none) received.fields.remove("Content-Length");
    received.fields.add("Via", via(received.minor_version));
    received.minor_version = 1;
    const bool needs_chunks = received.framing.kind == http::BodyFraming::Kind::until_close;
    if (needs_chunks && request.minor_version >= 1) received.framing.kind = http::BodyFraming::Kind::chunked;
    if (received.framing.kind == http::BodyFraming::Kind::chunked && request.minor_version < 1) {
        received.framing.kind = http::BodyFraming::Kind::until_close;
    }
    if (close || received.framing.kind == http::BodyFraming::Kind::until_close) received.fields.add("Connection", "close");
    return received;
}

net::Task<Result<void>> write_rest(AnswerBody& body, http::Connection& client) {
    while (!body.over()) {
        const net::Deadline read_deadline = net::in(kBodyIdle);
        auto piece = co_await body.next(read_deadline);
        if (!piece) co_return base::fail(std::move(piece).error());
        const net::Deadline write_deadline = net::in(kWriteTime);
        auto written = co_await client.write_body(*piece, write_deadline);
        if (!written) co_return written;
    }
    const net::Deadline end_deadline = net::in(kWriteTime);
    auto trailers = body.trailers();
    if (!trailers) co_return base::fail(std::move(trailers).error());
    auto ended = co_await client.finish_body(std::move(*trailers), end_deadline);
    co_return ended;
}

net::Task<Result<void>> write_answer(Exchange& it, AnswerBody& body, http::ResponseHead head) {
    http::Connection& client = it.client;
    const net::Deadline deadline = net::in(kWriteTime);
    // The head goes with the first piece only if that piece is there at once; an event stream's head must not wait.
    std::string_view first;
    if (!body.over() && body.at_hand()) {
        auto piece = co_await body.next(deadline);
        if (!piece) co_return base::fail(std::move(piece).error());
        first = *piece;
    }
    it.begun = true;
    if (body.over() && !body.has_trailers()) {
        auto whole = co_await client.write_message(std::move(head), first, deadline);
        co_return whole;
    }
    auto sent = co_await client.write_head(std::move(head), first, deadline);
    if (!sent) co_return sent;
    auto rest = co_await write_rest(body, client);
    co_return rest;
}

// RFC 9110 section 15.2: passed on, but for a 100 that the client has got already.
net::Task<Result<void>> pass_on_interim(Exchange& it, http::ResponseHead head, RequestBody& body) {
    const bool go_on = head.status == 100;
    if (go_on && std::exchange(it.told_continue, true)) co_return Result<void>();
    const net::Deadline deadline = net::in(kWriteTime);
    if (it.request.credential) it.outcome.scrubbed += guard_head(head, *it.request.credential);
    auto out = outgoing_answer(std::move(head), it.request.head, false);
    auto sent = co_await it.client.write_head(std::move(out), std::string_view(), deadline);
    if (go_on) body.wanted.set();
    co_return sent;
}

// What came right behind the head of a 101.
net::Task<Result<void>> write_first_bytes(http::Connection& upstream, net::Stream& client, std::uint64_t& bytes) {
    Piece piece(http::BodyFraming{});
    while (upstream.body_at_hand()) {
        const net::Deadline deadline = net::in(kWriteTime);
        auto got = co_await upstream.read_body(piece.space(), deadline);
        if (!got) co_return base::fail(std::move(got).error());
        bytes += *got;
        auto written = co_await client.write_all(piece.filled(*got), deadline);
        if (!written) co_return written;
    }
    co_return Result<void>();
}

// After a 101 the bytes belong to the two sides alone.
net::Task<void> switch_over(Exchange& it, http::Connection& upstream, http::ResponseHead answer) {
    it.outcome.status = answer.status;
    it.client.stream().on_hang_up(nullptr);  // either side may close before the other
    if (it.request.credential) it.outcome.scrubbed += guard_head(answer, *it.request.credential);
    auto out = outgoing_answer(std::move(answer), it.request.head, false);
    add_upgrade(out.fields);
    const net::Deadline deadline = net::in(kWriteTime);
    auto sent = co_await it.client.write_head(std::move(out), std::string_view(), deadline);
    TunnelCount count;
    if (sent) sent = co_await write_first_bytes(upstream, it.client.stream(), count.from_upstream);
    if (sent) co_await tunnel_between(it.with.loop, it.client.stream(), upstream.stream(), count);
    it.watch.gone.on_cancel(nullptr);
    it.client.close();
    upstream.close();
    it.outcome.request_bytes = count.from_client;
    it.outcome.response_bytes = count.from_upstream;
}

// The API refuses the credential.
net::Task<Verdict> replace_credential(Exchange& it, http::Connection& upstream, bool body_over) {
    it.replaced = true;  // at most once for a request
    net::Cancellation gone;
    it.watch.gone.on_cancel([&upstream, &it, &gone] {
        upstream.close();
        it.client.close();
        gone.cancel();
    });
    auto other = co_await it.with.credentials.replacement(it.request.provider, it.request.connection, it.request.credential, gone);
    gone.on_cancel(nullptr);
    it.watch.gone.on_cancel([&upstream, &client = it.client] {
        upstream.close();
        client.close();
    });
    if (it.watch.gone.cancelled()) co_return Verdict{Then::give_up};
    // Whoever is still sending could not read an answer of ours.
    if (!other) co_return body_over ? Verdict{Then::give_up, problem_of_credential(other.error())} : Verdict{};
    if (!*other) co_return Verdict{};
    if (!body_over || !it.at_hand()) co_return Verdict{};  // its answer may show the one that was refused
    it.request.credential = std::move(*other);
    co_return Verdict{Then::ask_again};
}

}  // namespace

net::Task<Result<http::ResponseHead>> read_final_head(Exchange& it, http::Connection& upstream, RequestBody& body) {
    const net::Deadline deadline = net::in(kAnswerTime);
    for (;;) {  // Connection bounds the number of interim answers (PX-17)
        const std::string method = it.head.method;
        auto head = co_await upstream.read_response_head(method, deadline);
        if (!head) co_return base::fail(std::move(head).error());
        if (head->status == 101 && !it.websocket) co_return base::fail(ErrorCode::protocol, "the upstream server switched protocols unasked");
        if (head->status >= 200 || head->status == 101) co_return std::move(*head);
        auto told = co_await pass_on_interim(it, std::move(*head), body);
        if (!told) co_return base::fail(std::move(told).error());
    }
}

net::Task<Verdict> judge(Exchange& it, http::Connection& upstream, RequestBody& body, http::ResponseHead& answer) {
    if (it.forwards && answer.status == 407) {
        Problem problem{502, "upstream_unreachable", "the proxy of this machine wants other credentials than " + it.forwards->variable + " has for it", ""};
        problem.why = "the proxy " + it.forwards->name() + " (" + it.forwards->variable + ") wants other credentials than the environment has for it";
        co_return Verdict{Then::give_up, std::move(problem)};
    }
    if (answer.status == 101) {
        auto good = check_websocket_answer(it.request.head, answer);
        if (!good) co_return Verdict{Then::give_up, Problem{502, "upstream_protocol", good.error().message, ""}};
        co_return Verdict{};
    }
    if (!it.request.credential) co_return Verdict{};
    const auto nonce = answer.fields.find("DPoP-Nonce");
    if (nonce) it.with.nonces.learn(it.server(), *nonce);
    if (answer.status != kUnauthorized) co_return Verdict{};
    const std::string error = challenge_error(answer.fields);
    if (error == "insufficient_user_authentication") {
        it.with.credentials.wants_stronger_login(it.request.provider, it.request.connection);
        answer.fields.set("Claviger-Reason", error);
        co_return Verdict{};
    }
    // An early answer: a short body is about to be through.
    if (body.started && !body.done.is_set() && !it.kept.too_long()) {
        const net::Deadline moment = net::in(kEarlyAnswerTime);
        auto waited = co_await body.done.wait(moment);
        (void)waited;
    }
    const bool body_over = !body.started || body.done.is_set();
    if (error == "use_dpop_nonce" && nonce) {
        const bool first = !std::exchange(it.told_nonce, true);
        co_return Verdict{first && body_over && it.at_hand() ? Then::ask_again : Then::pass_on};
    }
    if (it.replaced || it.request.credential->access_token.empty()) co_return Verdict{};
    auto verdict = co_await replace_credential(it, upstream, body_over);
    co_return verdict;
}

void keep_for_reuse(Exchange& it, std::unique_ptr<http::Connection> upstream, const RequestBody& body) {
    if (body.complete && upstream->may_continue()) it.with.upstreams.give_back(it.pool_key(), it.request.url, std::move(upstream));
}

// An answer that showed the credential and was stopped: refused where nothing of it has gone, else cut off.
net::Task<void> stop(Exchange& it) {
    const ExchangeOutcome so_far = it.outcome;
    if (it.begun) {
        it.outcome.reason = kReflected;
        it.client.close();
        co_return;
    }
    auto problem = reflected_credential();
    it.outcome = co_await answer_problem(it.client, std::move(problem), it.drained());
    it.outcome.scrubbed = so_far.scrubbed, it.outcome.request_bytes = so_far.request_bytes;
}

net::Task<void> pass_on(Exchange& it, std::unique_ptr<http::Connection> upstream, RequestBody& body, http::ResponseHead answer) {
    if (answer.status == 101) {
        co_await switch_over(it, *upstream, std::move(answer));
        co_return;
    }
    it.outcome.status = answer.status;
    const bool close_after = body.started && !body.complete;
    const auto credential = it.request.credential;
    const auto framing = answer.framing;
    auto decoder = credential ? take_coding_off(answer) : nullptr;
    // A dialogue of messages that both sides know as one, not whatever an answer calls so.
    const bool messages = !decoder && it.client.stream().protocol() == "h2" && GrpcMessages::is_body_of(it.request.head.fields) && GrpcMessages::is_body_of(answer.fields);
    AnswerBody answer_body(*upstream, framing, credential, std::move(decoder), messages, it.request.stops_reflections);
    if (credential) it.outcome.scrubbed += guard_head(answer, *credential);
    auto out = outgoing_answer(std::move(answer), it.request.head, close_after || !it.client.may_continue());
    auto streamed = co_await write_answer(it, answer_body, std::move(out));
    it.outcome.response_bytes = answer_body.bytes();
    it.outcome.scrubbed += answer_body.scrubbed();
    co_await settle(it, *upstream, body, streamed.has_value() || (answer_body.stopped() && !it.begun));
    it.outcome.request_bytes = body.bytes;
    it.watch.gone.on_cancel(nullptr);
    if (!streamed) {
        upstream->close();
        if (answer_body.stopped()) co_await stop(it);
        else it.client.close();  // an early end must be visible to the client (PX-17)
        co_return;
    }
    it.outcome.client_usable = it.client.may_continue() && body.complete && it.client.body_complete() && !close_after;
    keep_for_reuse(it, std::move(upstream), body);
}

}  // namespace claviger::proxy
