#include "app/route_explanation.hpp"

#include <algorithm>

#include "connection/connection_rules.hpp"
#include "connection/standing.hpp"
#include "connection/variables.hpp"

namespace claviger::app {
namespace {

using base::Result;
using policy::Action;
using policy::Decision;
using Outcome = RouteExplanation::Outcome;

constexpr std::size_t kMostSuggestions = 5;

void add_limits(const connection::ConnectionRules& rules, std::vector<std::string>& limits) {
    if (rules.rate) limits.push_back(rules.name() + ": at most " + rules.rate->text());
    if (rules.until) limits.push_back(rules.name() + ": until " + base::to_rfc3339(*rules.until));
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

// Judged in the order in which the proxy refuses.
Result<policy::Judgement> judge_layers(const Broker& broker, const RunRequest& request, const policy::RuleRequest& asked, RouteExplanation& out) {
    std::vector<policy::RuleLayer> layers;
    if (asked.route != nullptr) {
        TRY(own, connection::load_rules(broker.vault, asked.route->provider, asked.route->connection));
        add_limits(own, out.limits);
        if (own.until && broker.clock.now() >= *own.until) refuse(out, "policy", "the time of " + own.name() + " is up");
        layers.push_back(own.layer());
        if (request.rate) out.limits.push_back("--rate " + request.rate->text());
        if (request.lasting) out.limits.push_back("--for " + policy::duration_text(*request.lasting));
    }
    if (request.project) {
        layers.push_back(request.project->rules);
        if (asked.route != nullptr && request.project->rate) out.limits.push_back(".claviger.json: at most " + request.project->rate->text());
        if (asked.route != nullptr && request.project->lasting) out.limits.push_back(".claviger.json: for " + policy::duration_text(*request.project->lasting));
    }
    layers.push_back(request.rules);
    std::vector<const policy::RuleLayer*> borrowed;
    for (const auto& layer : layers) {
        borrowed.push_back(&layer);
        out.layers.push_back({layer.name, policy::judge(layer, asked)});
    }
    return policy::judge(borrowed, asked);
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

Result<RouteExplanation> explain_route(const Broker& broker, const RunRequest& request, const std::string& method, const net::Url& url) {
    ProgramsView view;
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
    if (decision.kind == Decision::Kind::ambiguous) {
        refuse(out, "ambiguous", decision.because, decision.command);
        return out;
    }
    if (decision.refused) {
        refuse(out, "not_allowed", decision.because);
        return out;
    }
    const bool tunnel = url.scheme() != "http" && !router.opens(url.host(), url.port());
    TRY(judgement, judge_layers(broker, request, {method, url, matched ? decision.route : nullptr, tunnel}, out));
    if (!out.reason.empty()) return out;
    if (judgement.action == Action::deny) {
        refuse(out, "policy", judgement.because);
        return out;
    }
    const bool unmatched = decision.kind == Decision::Kind::unmatched;
    if (unmatched) out.would_serve = suggestions(broker, url);
    const std::string login = out.would_serve.empty() ? "" : "claviger login " + out.would_serve.front();
    if (unmatched && request.unmatched == proxy::Unmatched::deny && !judgement.allowed_by_name) {
        refuse(out, "not_allowed", decision.because + ", and what is not matched is refused", login);
        return out;
    }
    out.outcome = judgement.action == Action::ask ? Outcome::asks : matched ? Outcome::served : Outcome::passed;
    if (judgement.action == Action::ask) out.because = judgement.because;
    if (matched) out.connection_problem = problem_of(broker, out.provider, out.connection, out.command);
    else out.command = login;
    return out;
}

}  // namespace claviger::app
