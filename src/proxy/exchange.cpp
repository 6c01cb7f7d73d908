#include "proxy/exchange.hpp"

#include <algorithm>
#include <optional>

#include "proxy/challenge.hpp"
#include "proxy/request_body.hpp"

namespace claviger::proxy {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::chrono::seconds kConnectTime{30};
// A model may think for minutes before its first byte.
constexpr std::chrono::minutes kAnswerTime{10};
constexpr std::chrono::seconds kEarlyAnswerTime{2};  // for the rest of a body whose answer is there already
constexpr int kMostInterim = 16;  // PX-17
constexpr int kUnauthorized = 401;

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

http::ResponseHead outgoing_head(http::ResponseHead received, const http::RequestHead& request, bool close) {
    http::remove_hop_by_hop(received.fields);
    // Without a body the length still tells something (HEAD, 304); otherwise the writer derives it.
    if (received.framing.kind != http::BodyFraming::Kind::none) received.fields.remove("Content-Length");
    received.minor_version = 1;
    const bool needs_chunks = received.framing.kind == http::BodyFraming::Kind::until_close;
    if (needs_chunks && request.minor_version >= 1) received.framing.kind = http::BodyFraming::Kind::chunked;
    if (received.framing.kind == http::BodyFraming::Kind::chunked && request.minor_version < 1) {
        received.framing.kind = http::BodyFraming::Kind::until_close;
    }
    if (close || received.framing.kind == http::BodyFraming::Kind::until_close) received.fields.add("Connection", "close");
    return received;
}

// RFC 9110 section 9.2.2: what may be sent again when a pooled connection turns out to be dead.
bool idempotent(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE";
}

net::Task<Result<http::ResponseHead>> read_final_head(http::Connection& upstream, std::string method) {
    const net::Deadline deadline = net::in(kAnswerTime);
    for (int interim = 0; interim <= kMostInterim; ++interim) {
        auto head = co_await upstream.read_response_head(method, deadline);
        if (!head) co_return base::fail(std::move(head).error());
        if (head->status == 101) co_return base::fail(ErrorCode::protocol, "the upstream server switched protocols unasked");
        if (head->status >= 200) co_return std::move(*head);
    }
    co_return base::fail(ErrorCode::protocol, "the upstream server sent too many interim answers");
}

net::Task<Result<void>> stream_answer(http::Connection& upstream, http::Connection& client, http::ResponseHead head,
                                      std::uint64_t& bytes) {
    const net::Deadline head_deadline = net::in(kWriteTime);
    if (upstream.body_complete()) {
        auto sent = co_await client.write_head(std::move(head), std::string_view(), head_deadline);
        if (!sent) co_return sent;
        auto ended = co_await client.finish_body(head_deadline);
        co_return ended;
    }
    Piece piece(head.framing);
    // The head goes with the first piece only if that piece is there at once; an event stream's head must not wait.
    std::string_view first;
    if (upstream.body_at_hand()) {
        auto got = co_await upstream.read_body(piece.space(), head_deadline);
        if (!got) co_return base::fail(std::move(got).error());
        first = piece.filled(*got);
        bytes += *got;
    }
    if (upstream.body_complete()) {
        auto whole = co_await client.write_message(std::move(head), first, head_deadline);
        co_return whole;
    }
    auto sent = co_await client.write_head(std::move(head), first, head_deadline);
    Result<void> result = std::move(sent);
    while (result && !upstream.body_complete()) {
        const net::Deadline read_deadline = net::in(kBodyIdle);
        auto got = co_await upstream.read_body(piece.space(), read_deadline);
        if (!got) {
            result = base::fail(std::move(got).error());
            break;
        }
        if (*got == 0) break;
        bytes += *got;
        const net::Deadline write_deadline = net::in(kWriteTime);
        auto written = co_await client.write_body(piece.filled(*got), write_deadline);
        result = std::move(written);
    }
    if (!result) co_return result;
    const net::Deadline end_deadline = net::in(kWriteTime);
    auto ended = co_await client.finish_body(end_deadline);
    co_return ended;
}

// One request and all that is known of it while it is served.
struct Exchange {
    ExchangeSurroundings with;
    http::Connection& client;
    ClientWatch& watch;
    ExchangeRequest request;
    KeptBody kept;                // what can be sent again
    http::RequestHead head{};     // as it goes out now
    ExchangeOutcome outcome{};
    bool sends_body = false, replaced = false, told_nonce = false;

    [[nodiscard]] std::string server() const { return request.pool_key + " " + request.url.origin(); }
    // Whether the client's body was read, so that its connection can go on.
    [[nodiscard]] bool drained() const { return !sends_body || client.body_complete(); }
    [[nodiscard]] bool at_hand() const { return !sends_body || kept.whole(); }
};

// The head for upstream, with the credential in it.
Result<void> make_head(Exchange& it) {
    it.head = outgoing_head(it.request.head, it.request.url);
    if (!it.request.credential) return {};
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

// A problem to answer with, or none.
using MaybeProblem = std::optional<Problem>;

// A signature covers the body: it has to be here whole before anything is sent.
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

// Head and body to an upstream connection, the body beside the answer; the answer's head back.
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

// The end of a body whose answer is not wanted, or is there already (RFC 9112 section 9.3): the sender gets a moment to
// finish, unless nothing of the answer was passed on.
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

// What to do with the API's answer.
enum class Then { pass_on, ask_again, give_up };
struct Verdict {
    Then then = Then::pass_on;
    MaybeProblem problem{};  // of give_up; without one the client is gone
};

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
    it.request.credential = std::move(*other);
    co_return Verdict{body_over && it.at_hand() ? Then::ask_again : Then::pass_on};
}

net::Task<Verdict> judge(Exchange& it, http::Connection& upstream, RequestBody& body, http::ResponseHead& answer) {
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
    if (body.complete && upstream->may_continue()) it.with.upstreams.give_back(it.request.pool_key, it.request.url, std::move(upstream));
}

net::Task<void> pass_on(Exchange& it, std::unique_ptr<http::Connection> upstream, RequestBody& body, http::ResponseHead answer) {
    it.outcome.status = answer.status;
    const bool close_after = body.started && !body.done.is_set() && !body.complete;
    auto out = outgoing_head(std::move(answer), it.request.head, close_after || !it.client.may_continue());
    auto streamed = co_await stream_answer(*upstream, it.client, std::move(out), it.outcome.response_bytes);
    co_await settle(it, *upstream, body, streamed.has_value());
    it.outcome.request_bytes = body.bytes;
    it.watch.gone.on_cancel(nullptr);
    if (!streamed) {
        upstream->close();
        it.client.close();  // an early end must be visible to the client (PX-17)
        co_return;
    }
    it.outcome.client_usable = it.client.may_continue() && body.complete && it.client.body_complete() && !close_after;
    keep_for_reuse(it, std::move(upstream), body);
}

// One try. What is to happen next: ask_again, or give_up with the problem to answer, or pass_on when all is done.
net::Task<Verdict> attempt(Exchange& it, bool first) {
    http::Client::AcquireOptions how;
    how.plain_http = !it.request.credential;
    how.allow_loopback = it.request.reaches_loopback;
    how.cancellation = &it.watch.gone;
    const net::Deadline connect_deadline = net::in(kConnectTime);
    auto lease = co_await it.with.upstreams.acquire(it.request.pool_key, it.request.url, connect_deadline, how);
    if (it.watch.gone.cancelled()) {
        it.client.close();
        co_return Verdict{Then::give_up};
    }
    if (!lease) co_return Verdict{Then::give_up, problem_from(lease.error())};
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
        if (verdict.then == Then::pass_on) {
            co_await pass_on(it, std::move(lease->connection), body, std::move(*answer));
            co_return verdict;
        }
        co_await settle(it, upstream, body, verdict.problem.has_value());
    } else {
        upstream.close();
        co_await settle(it, upstream, body, false);
        const bool again = lease->reused && first && it.at_hand() && idempotent(it.head.method);
        // With a part of the body sent both sides are closed already.
        const bool broken = !it.drained() && body.bytes > 0 && !body.complete;
        verdict.then = again ? Then::ask_again : Then::give_up;
        if (!again && !broken) verdict.problem = problem_from(answer.error());
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
    auto message = to_message(problem, !drained);
    const net::Deadline deadline = net::in(kWriteTime);
    const std::string body = std::move(message.body);
    auto sent = co_await client.write_head(std::move(message.head), body, deadline);
    if (!sent) co_return outcome;
    auto ended = co_await client.finish_body(deadline);
    outcome.response_bytes = body.size();
    outcome.client_usable = ended.has_value() && drained && client.may_continue();
    co_return outcome;
}

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
    const bool covered = request.credential && has_body(request.head) && request.credential->injection.covers_body(request.head);
    const bool replaceable = request.credential && !request.credential->access_token.empty();
    const std::size_t keep = covered ? kCoveredBody : replaceable ? kReplayableBody : 0;
    Exchange it{with, client, watch, std::move(request), KeptBody(keep)};
    it.sends_body = has_body(it.request.head);
    MaybeProblem problem;
    if (covered) {
        auto read = co_await read_covered(it);
        if (!read) co_return it.outcome;
        problem = std::move(*read);
    }
    Verdict verdict{Then::ask_again};
    for (bool first = true; !problem && verdict.then == Then::ask_again; first = false) {
        if (const auto made = make_head(it); !made) {
            problem = problem_from(made.error());
            break;
        }
        if (first && !covered) {
            auto waiting = co_await let_body_come(it);
            if (!waiting) co_return it.outcome;
        }
        verdict = co_await attempt(it, first);
        problem = std::move(verdict.problem);
    }
    if (problem) it.outcome = co_await answer_problem(client, std::move(*problem), it.drained());
    co_return it.outcome;
}

}  // namespace claviger::proxy
