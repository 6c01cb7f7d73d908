#include "app/route_explanation.hpp"

#include <algorithm>

#include "app/session_rules.hpp"
#include "connection/connection_rules.hpp"
#include "connection/standing.hpp"
#include "connection/variables.hpp"

namespace claviger::app {
namespace {

using base::Result;
using policy::Decision;
using Outcome = RouteExplanation::Outcome;

constexpr std::size_t kMostSuggestions = 5;

void add_limits(const SessionLimit& of_connection, std::vector<std::string>& limits) {
    if (of_connection.rate) limits.push_back(of_connection.name + ": at most " + of_connection.rate->text());
    if (of_connection.until) limits.push_back(of_connection.name + ": until " + base::to_rfc3339(*of_connection.until));
}

std::string problem_of(const Broker& broker, const std::string& provider, const std::string& name, std::string& command) {
    const auto definition = broker.registry.load(provider);
    const auto stored = broker.connections.load(provider, name);
    if (!stored) return stored.error().message;
    const auto standing = connection::standing_of(connection::standing_facts(*stored, definition ? &*definition : nullptr, broker.clock.now()));
    command = standing.command;
    return standing.why;
}

// With the defaults of its variables.
bool would_match(const provider::ProviderDefinition& definition, const net::Url& url) {
    const auto values = connection::variables_of(definition, connection::Connection{});
    if (!values) return false;
    const auto rules = policy::rules_of(definition, *values);
    return rules && std::any_of(rules->begin(), rules->end(), [&](const auto& rule) { return rule.matches(url); });
}

// Definitions that would serve the URL if there were a connection; those that need to know more of one cannot tell.
std::vector<std::string> suggestions(const Broker& broker, const net::Url& url) {
    std::vector<std::string> names;
    const auto entries = broker.registry.list();
    if (!entries) return names;
    for (const auto& entry : *entries) {
        const auto connected = broker.connections.names(entry.name);
        if (entry.problem || (connected && !connected->empty())) continue;
        const auto definition = broker.registry.load(entry.name);
        if (!definition || !would_match(*definition, url)) continue;
        names.push_back(entry.name);
        if (names.size() == kMostSuggestions) break;
    }
    return names;
}

void refuse(RouteExplanation& out, std::string reason, std::string because, std::string command = {}) {
    out.outcome = Outcome::refused;
    out.reason = std::move(reason);
    out.because = std::move(because);
    out.command = std::move(command);
}

// As SessionPolicy does.
Result<Verdict> judge_layers(const Broker& broker, const RunRequest& request, const policy::RuleRequest& asked, RouteExplanation& out) {
    const auto now = broker.clock.now();
    auto layers = session_layers(request);
    std::vector<SessionLimit> limits = session_limits(request, now);
    if (asked.route != nullptr) {
        TRY(own, connection::load_rules(broker.vault, asked.route->provider, asked.route->connection));
        layers.insert(layers.begin(), own.layer());
        add_limits(limit_of(own), out.limits);
        for (const auto& limit : limits) out.limits.push_back(limit.name);
        limits.push_back(limit_of(own));
    }
    std::vector<const policy::RuleLayer*> borrowed;
    for (const auto& layer : layers) {
        borrowed.push_back(&layer);
        out.layers.push_back({layer.name, policy::judge(layer, asked)});
    }
    std::vector<const SessionLimit*> held;
    for (const auto& limit : limits) held.push_back(&limit);
    return judge(borrowed, held, asked, now);
}

}  // namespace

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::served: return "served";
        case Outcome::passed: return "passed";
        case Outcome::asks: return "asks";
        case Outcome::refused: return "refused";
    }
    return "refused";
}

namespace {

Result<RouteExplanation> explained(const Broker& broker, const RunRequest& request, const std::string& method, const net::Url& url, ProgramsView& view) {
    TRY(routes, session_routes(broker, request, view));
    const policy::Router router(std::move(routes));
    const auto decision = router.decide(url);
    const bool matched = decision.kind == Decision::Kind::matched;
    RouteExplanation out;
    out.contenders = router.contenders(url);
    out.because = decision.because;
    out.rule = decision.rule;
    if (matched) out.provider = decision.provider, out.connection = decision.connection;
    if (router.wants_https(url)) {
        refuse(out, "not_allowed", "this host gets its credential over https only", "");
        return out;
    }
    const bool tunnel = url.scheme() != "http" && !router.opens(url.host(), url.port());
    if (!tunnel && !request.methods.pass(method)) {
        auto problem = proxy::method_not_allowed(request.methods, method);
        refuse(out, std::move(problem.reason), std::move(problem.detail), std::move(problem.command));
        return out;
    }
    if (decision.kind == Decision::Kind::ambiguous) {
        refuse(out, "ambiguous", decision.because, decision.command);
        return out;
    }
    if (decision.refused) {
        refuse(out, "not_allowed", decision.because);
        return out;
    }
    TRY(verdict, judge_layers(broker, request, {method, url, matched ? decision.route : nullptr, tunnel}, out));
    if (verdict.refusal) {
        refuse(out, verdict.refusal->reason, verdict.refusal->detail, verdict.refusal->command);
        return out;
    }
    const bool unmatched = decision.kind == Decision::Kind::unmatched;
    if (unmatched) out.would_serve = suggestions(broker, url);
    const std::string login = out.would_serve.empty() ? "" : "claviger login " + out.would_serve.front();
    if (unmatched && request.unmatched == proxy::Unmatched::deny && !verdict.names_host()) {
        refuse(out, "not_allowed", decision.because + ", and what is not matched is refused", login);
        return out;
    }
    out.outcome = verdict.asks() ? Outcome::asks : matched ? Outcome::served : Outcome::passed;
    if (verdict.asks()) out.because = verdict.judgement.because;
    if (matched) out.connection_problem = problem_of(broker, out.provider, out.connection, out.command);
    else out.command = login;
    return out;
}

}  // namespace

Result<RouteExplanation> explain_route(const Broker& broker, const RunRequest& request, const std::string& method, const net::Url& url) {
    ProgramsView view;
    TRY(out, explained(broker, request, method, url, view));
    out.rule = view.masked(std::move(out.rule));
    out.because = view.masked(std::move(out.because));
    for (auto& one : out.contenders) {
        one.rule = view.masked(std::move(one.rule));
        one.because = view.masked(std::move(one.because));
    }
    return out;
}

}  // namespace claviger::app
