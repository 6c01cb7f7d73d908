#include "proxy/exchange.hpp"

#include "proxy/answer_guard.hpp"
#include "proxy/exchange_state.hpp"
#include "proxy/websocket.hpp"

namespace claviger::proxy {
namespace {

constexpr std::chrono::seconds kConnectTime{30};
constexpr std::chrono::seconds kOwnAnswerTime{30};  // to write what is short and ours

// RFC 9110 section 9.2.2: what may be sent again when a pooled connection turns out to be dead.
bool idempotent(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE";
}

// Looks without changing anything: what is passed on is looked through there.
bool head_reflects(Exchange& it, http::ResponseHead answer) {
    const auto found = guard_head(answer, *it.request.credential);
    it.outcome.scrubbed += found;
    return it.outcome.scrubbed > 0;  // also in an interim answer, which went without it
}

// One try. What is to happen next: ask_again, or give_up with the problem to answer, or pass_on when all is done.
net::Task<Verdict> attempt(Exchange& it, bool first) {
    http::Client::AcquireOptions how;
    how.plain_http = !it.request.credential;
    how.allow_loopback = it.request.reaches_loopback;
    how.cancellation = &it.watch.gone;
    how.http2 = it.client.stream().protocol() == "h2";  // who speaks HTTP/2 alone, as gRPC does, may need it at the other end
    const net::Deadline connect_deadline = net::in(kConnectTime);
    auto lease = co_await it.with.upstreams.acquire(it.pool_key(), it.request.url, connect_deadline, how);
    if (it.watch.gone.cancelled()) {
        it.client.close();
        co_return Verdict{Then::give_up};
    }
    if (!lease) co_return Verdict{Then::give_up, problem_from(lease.error())};
    it.forwards = lease->forwards;
    http::Connection& upstream = *lease->connection;
    it.watch.gone.on_cancel([&upstream, &client = it.client] {
        upstream.close();
        client.close();
    });
    RequestBody body(it.with.loop);
    auto answer = co_await ask(it, upstream, body);
    Verdict verdict;
    if (answer) {
        verdict = co_await judge(it, upstream, body, *answer);
        if (verdict.then == Then::pass_on && it.request.credential) {
            auto problem = coding_problem(*answer);
            if (!problem && it.request.stops_reflections && head_reflects(it, *answer)) problem = reflected_credential();
            if (problem) verdict = Verdict{Then::give_up, std::move(problem)};
        }
        if (verdict.then == Then::pass_on) {
            co_await pass_on(it, std::move(lease->connection), body, std::move(*answer));
            co_return verdict;
        }
        co_await settle(it, upstream, body, verdict.problem.has_value());
    } else {
        upstream.close();
        co_await settle(it, upstream, body, false);
        const bool again = !body.malformed && lease->reused && first && it.at_hand() && idempotent(it.head.method);
        // With a part of the body sent both sides are closed already.
        const bool broken = !it.drained() && body.bytes > 0 && !body.complete;
        verdict.then = again ? Then::ask_again : Then::give_up;
        if (body.malformed) verdict.problem = problem_of_bad_message(*body.malformed);
        else if (!again && !broken) verdict.problem = problem_from(answer.error());
    }
    it.watch.gone.on_cancel(nullptr);  // the connection is about to go
    if (it.watch.gone.cancelled()) co_return Verdict{Then::give_up};
    if (answer && upstream.body_complete()) keep_for_reuse(it, std::move(lease->connection), body);
    co_return verdict;
}

}  // namespace

net::Task<ExchangeOutcome> answer_problem(http::Connection& client, Problem problem, bool drained) {
    ExchangeOutcome outcome;
    outcome.status = problem.status;
    outcome.reason = problem.reason;
    outcome.why = problem.why;
    auto message = to_message(problem, !drained);
    const net::Deadline deadline = net::in(kOwnAnswerTime);
    const std::string body = std::move(message.body);
    auto sent = co_await client.write_head(std::move(message.head), body, deadline);
    if (!sent) co_return outcome;
    auto ended = co_await client.finish_body(deadline);
    outcome.response_bytes = body.size();
    outcome.client_usable = ended.has_value() && drained && client.may_continue();
    co_return outcome;
}

namespace {

// RFC 9110 section 7.6.2: as the final recipient.
net::Task<ExchangeOutcome> answer_options(http::Connection& client, bool drained) {
    ExchangeOutcome outcome;
    http::ResponseHead head;
    outcome.status = head.status = 204;
    head.reason = "No Content";
    if (!drained) head.fields.add("Connection", "close");
    const net::Deadline deadline = net::in(kOwnAnswerTime);
    auto sent = co_await client.write_message(std::move(head), std::string_view(), deadline);
    outcome.client_usable = sent.has_value() && drained && client.may_continue();
    co_return outcome;
}

}  // namespace

std::string ServerNonces::of(const std::string& server) const {
    const auto found = newest_.find(server);
    return found == newest_.end() ? std::string() : found->second;
}

void ServerNonces::learn(const std::string& server, std::string_view nonce) {
    if (nonce.empty() || nonce.size() > kLongest) return;
    if (newest_.size() >= kMost && !newest_.contains(server)) newest_.clear();
    newest_[server] = nonce;
}

net::Task<ExchangeOutcome> exchange(ExchangeSurroundings with, http::Connection& client, ClientWatch& watch, ExchangeRequest request) {
    const bool covered = request.credential && has_body(request.head) && request.credential->injection.covers_body(request.head, request.url);
    const bool replaceable = request.credential && !request.credential->access_token.empty();
    const std::size_t keep = covered ? kCoveredBody : replaceable ? kReplayableBody : 0;
    Exchange it{with, client, watch, std::move(request), KeptBody(keep)};
    it.sends_body = has_body(it.request.head);
    it.held_back = it.sends_body && expects_continue(it.request.head);
    it.websocket = asks_for_websocket(it.request.head);
    if (ends_here(it.request.head)) {
        it.outcome = co_await answer_options(client, it.drained());
        co_return it.outcome;
    }
    MaybeProblem problem = refusal_of(it);
    if (!problem && covered) {
        auto read = co_await read_covered(it);
        if (!read) co_return it.outcome;
        problem = std::move(*read);
    }
    Verdict verdict{Then::ask_again};
    for (bool first = true; !problem && verdict.then == Then::ask_again; first = false) {
        if (const auto made = make_head(it); !made) {
            problem = problem_of_request(made.error());
            break;
        }
        verdict = co_await attempt(it, first);
        problem = std::move(verdict.problem);
    }
    if (!problem) co_return it.outcome;
    const auto scrubbed = it.outcome.scrubbed;
    it.outcome = co_await answer_problem(client, std::move(*problem), it.drained());
    it.outcome.scrubbed = scrubbed;
    co_return it.outcome;
}

}  // namespace claviger::proxy
