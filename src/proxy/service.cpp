#include "proxy/service.hpp"

#include "base/masked_path.hpp"
#include "base/text.hpp"
#include "proxy/request_body.hpp"
#include "proxy/websocket.hpp"

namespace claviger::proxy {

using base::ErrorCode;
using base::Result;

Served about(const Session& session, std::string method, std::string host, std::string_view path) {
    Served served;
    served.at = session.clock.now();
    served.method = std::move(method);
    served.host = std::move(host);
    served.path = base::masked_path(path);
    return served;
}

void record_no_room(Session& session) { Recording(session.options.on_served, about(session, "", "", "")).finish(0, "no_room", 0, 0); }

net::Task<bool> refuse(Session& session, http::Connection& client, Served what, Problem problem, bool drained) {
    Recording recording(session.options.on_served, std::move(what));
    recording.served.reason = problem.reason;
    recording.served.why = problem.why;
    auto outcome = co_await answer_problem(client, std::move(problem), drained);
    recording.finish(outcome.status, outcome.reason, 0, outcome.response_bytes);
    if (recording.served.method.empty() && outcome.response_bytes == 0) recording.drop();  // no request: a client that left without a word
    co_return outcome.client_usable;
}

net::Task<std::optional<http::RequestHead>> next_request(Session& session, http::Connection& client, std::string at) {
    const net::Deadline deadline = net::in(session.options.limits.idle_time);
    auto head = co_await client.read_request_head(deadline);
    if (head) co_return std::move(*head);
    const auto code = head.error().code;
    if (code != ErrorCode::protocol && code != ErrorCode::limit) co_return std::nullopt;
    auto what = about(session, "", std::move(at));
    auto problem = problem_of_bad_message(head.error());
    co_await refuse(session, client, std::move(what), std::move(problem), false);
    co_return std::nullopt;
}

bool reaches_loopback(const Session& session, const std::string& host, std::uint16_t port) {
    return session.options.addresses.allow_loopback || session.options.router.reaches_loopback(host, port);
}

namespace {

Problem problem_of_decision(const policy::Decision& decision) {
    if (decision.kind == policy::Decision::Kind::ambiguous) {
        return {424, "ambiguous", decision.because, decision.command};
    }
    return {403, "not_allowed", decision.because, decision.refused ? "" : "claviger login PROVIDER"};
}

// Either what to send, or what to answer instead.
struct Plan {
    std::optional<ExchangeRequest> request;
    std::optional<GateRequest> admitted;  // what is sent, as it was judged
    Problem problem;
};

Plan answer_instead(Problem problem) { return Plan{std::nullopt, std::nullopt, std::move(problem)}; }

net::Task<Plan> plan_request(Session& session, http::RequestHead head, net::Url url, ClientWatch& watch, Served& served) {
    if (const auto& passed = session.options.methods; !passed.pass(head.method)) co_return answer_instead(method_not_allowed(passed, head.method));
    const auto decision = session.options.router.decide(url);
    using Kind = policy::Decision::Kind;
    if (decision.kind == Kind::matched) served.provider = decision.provider, served.connection = decision.connection;
    if (decision.kind == Kind::ambiguous || decision.refused) co_return answer_instead(problem_of_decision(decision));
    GateRequest asked{head.method, url, decision.kind == Kind::matched ? decision.route : nullptr, false, asks_for_websocket(head)};
    auto admitted = co_await admission(session.options.gate, asked, watch.gone);
    served.rule = admitted.rule, served.approval = admitted.approval;
    if (admitted.refusal) co_return answer_instead(std::move(*admitted.refusal));
    const bool closed = session.options.unmatched == Unmatched::deny && !admitted.reachable_by_name;
    if (decision.kind == Kind::unmatched && closed) co_return answer_instead(problem_of_decision(decision));
    if (admitted.strips_overrides) strip_overrides(head.fields);
    if (decision.kind == Kind::matched && policy::decides_by_path(*decision.route)) strip_path_overrides(head.fields);
    Plan plan;
    plan.request.emplace();
    plan.request->url = url;
    plan.request->head = std::move(head);
    plan.request->idle_time = session.options.limits.idle_time;
    plan.request->pool_key = "none";
    plan.request->reaches_loopback = reaches_loopback(session, url.host(), url.port());
    plan.admitted = std::move(asked);
    if (decision.kind != Kind::matched) co_return plan;  // the provider's own OAuth endpoints too: never with a credential
    if (auto may = session.options.may_release ? session.options.may_release() : Result<void>(); !may) {
        Problem problem{503, "audit_unavailable", "the audit log cannot be written, so no request gets a credential until it can", "claviger doctor"};
        problem.why = may.error().describe();
        co_return answer_instead(std::move(problem));
    }
    auto credential = co_await session.credentials.credential(decision.provider, decision.connection, watch.gone);
    watch.gone.on_cancel(nullptr);
    if (!credential) co_return answer_instead(problem_of_credential(credential.error()));
    plan.request->credential = std::move(*credential);
    plan.request->provider = decision.provider;
    plan.request->connection = decision.connection;
    plan.request->pool_key = decision.provider + "/" + decision.connection;
    plan.request->stops_reflections = session.options.stop_reflections;
    plan.request->placeholders = session.options.placeholders;
    co_return plan;
}

// A client that comes from the reverse form may tell where it was (Referer), also to the host that it was led to.
void remove_holding(http::Fields& fields, std::string_view token) {
    std::erase_if(fields.items(), [token](const http::Field& field) { return field.value.find(token) != std::string::npos; });
}

}  // namespace

net::Task<bool> perform(Session& session, http::Connection& client, http::RequestHead head, net::Url url) {
    Recording recording(session.options.on_served, about(session, head.method, url.authority(), url.path()));
    const bool sends_body = has_body(head);
    remove_holding(head.fields, session.path_token.reveal());
    ClientWatch watch(client);
    auto plan = co_await plan_request(session, std::move(head), url, watch, recording.served);
    ExchangeOutcome outcome;
    if (plan.request) {
        const ExchangeSurroundings with{session.loop, session.upstreams, session.credentials, session.clock, session.random, session.nonces};
        std::optional<OpenExchanges::Entry> open;
        if (plan.admitted) open.emplace(session.open_exchanges, std::move(*plan.admitted), watch.gone);
        outcome = co_await exchange(with, client, watch, std::move(*plan.request));
        if (open && open->withdrawn()) outcome.reason = "withdrawn";
    } else {
        outcome = co_await answer_problem(client, std::move(plan.problem), !sends_body);
    }
    if (outcome.scrubbed > 0) {
        const Served& what = recording.served;
        session.log.warn("proxy.scrubbed", {{"provider", what.provider}, {"connection", what.connection}, {"host", what.host}, {"times", outcome.scrubbed}});
    }
    recording.served.scrubbed = outcome.scrubbed;
    recording.served.why = std::move(outcome.why);
    recording.finish(outcome.status, outcome.reason, outcome.request_bytes, outcome.response_bytes);
    co_return outcome.client_usable;
}

}  // namespace claviger::proxy
