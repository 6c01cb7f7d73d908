#include "app/session_rules.hpp"

#include <fmt/format.h>

#include "policy/idle_asks.hpp"

namespace claviger::app {

std::vector<policy::RuleLayer> session_layers(const RunRequest& request) {
    std::vector<policy::RuleLayer> layers;
    if (request.project) layers.push_back(request.project->rules);
    layers.push_back(request.rules);
    return layers;
}

std::vector<SessionLimit> session_limits(const RunRequest& request, base::Instant now) {
    std::vector<SessionLimit> limits;
    if (request.rate) limits.push_back({"--rate " + request.rate->text(), request.rate, std::nullopt});
    if (request.lasting) limits.push_back({"--for " + policy::duration_text(*request.lasting), std::nullopt, now + *request.lasting});
    if (request.project && request.project->rate) limits.push_back({".claviger.json: rate " + request.project->rate->text(), request.project->rate, std::nullopt});
    if (request.project && request.project->lasting) {
        limits.push_back({".claviger.json: for " + policy::duration_text(*request.project->lasting), std::nullopt, now + *request.project->lasting});
    }
    return limits;
}

std::vector<std::string> idle_asks(vault::Vault& vault, const RunRequest& request, const std::vector<policy::Route>& routes) {
    std::vector<policy::ConnectionLayer> connections;
    for (const auto& route : routes) {
        const auto own = connection::load_rules(vault, route.provider, route.connection);
        connections.push_back({route, own ? own->layer() : policy::RuleLayer{}});  // what cannot be read refuses every request
    }
    return policy::idle_asks(session_layers(request), connections);
}

SessionLimit limit_of(const connection::ConnectionRules& rules) { return {rules.name(), rules.rate, rules.until}; }

proxy::Problem policy_refusal(std::string because, std::string rule, std::string command) {
    proxy::Problem problem{403, "policy", std::move(because), std::move(command)};
    problem.rule = std::move(rule);
    return problem;
}

Verdict judge(std::span<const policy::RuleLayer* const> layers, std::span<const SessionLimit* const> limits, const policy::RuleRequest& asked, base::Instant now) {
    Verdict verdict{policy::judge(layers, asked), std::nullopt};
    if (verdict.judgement.action == policy::Action::deny) {
        verdict.refusal = policy_refusal(verdict.judgement.because, verdict.judgement.rule);
        return verdict;
    }
    for (const auto* limit : limits) {
        if (!limit->until || now < *limit->until) continue;
        verdict.refusal = policy_refusal(fmt::format("the time of {} is up since {}", limit->name, base::to_rfc3339(*limit->until)), limit->name);
        break;
    }
    return verdict;
}

}  // namespace claviger::app
