#include "policy/session_rules.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::policy {
namespace {

bool is_about(const Rule& rule, const Route* route) {
    if (route != nullptr) return rule.is_about(route->provider, route->connection);
    return rule.provider.empty() && rule.connection.empty() && !rule.hosts.empty();
}

bool paths_match(const Rule& rule, const net::Url& url, bool lets_through) {
    return rule.paths.empty() || std::any_of(rule.paths.begin(), rule.paths.end(), [&](const PathPattern& path) {
        return lets_through ? path.matches_every_reading(url) : path.matches_some_reading(url);
    });
}

// What lets through must hold for every reading of the path, what withholds for one. In a tunnel nothing but the host is
// seen: there no rule that needs more lets anything through, and one that withholds counts as matched.
bool matches(const Rule& rule, const RuleRequest& request, std::string_view method) {
    if (!is_about(rule, request.route)) return false;
    if (!rule.hosts.empty() && !rule.names_host(request.url.host(), request.url.port())) return false;
    const bool lets_through = rule.action == Action::allow;
    if (request.tunnel) return !lets_through || !rule.needs_request();
    const bool by_method = request.websocket ? !lets_through || !rule.methods.limited() : rule.methods.match(method);
    return by_method && paths_match(rule, request.url, lets_through);
}

Judgement judge_method(const RuleLayer& layer, const RuleRequest& request, std::string_view method) {
    const Rule* decisive = nullptr;
    bool listed = false;
    for (const auto& rule : layer.rules) {
        if (rule.action == Action::allow && request.route != nullptr) listed = listed || concerns(rule, *request.route);
        if (decisive != nullptr && rule.action <= decisive->action) continue;
        if (matches(rule, request, method)) decisive = &rule;
    }
    if (decisive != nullptr) {
        const std::string_view does = decisive->action == Action::allow ? "allows it" : decisive->action == Action::ask ? "asks for it" : "denies it";
        return {decisive->action, decisive->action == Action::allow, decisive->name, fmt::format("{} {}", base::printable(decisive->name), does)};
    }
    if (!listed) return {};
    return {Action::deny, false, layer.name, fmt::format("no rule of {} allows it, and its allow rules are all that may be done", base::printable(layer.name))};
}

void keep_stricter(Judgement& kept, Judgement other) {
    const bool by_name = kept.allowed_by_name || other.allowed_by_name;
    const bool says_more = other.action > kept.action || (other.action == kept.action && kept.rule.empty());
    if (says_more) kept = std::move(other);
    kept.allowed_by_name = by_name;
}

}  // namespace

Rule read_only_rule(std::string name) {
    Rule rule;
    rule.action = Action::deny;
    rule.methods = *Methods::parse("write");
    rule.name = std::move(name);
    return rule;
}

Judgement judge(const RuleLayer& layer, const RuleRequest& request) {
    auto judgement = judge_method(layer, request, request.method);
    if (request.tunnel || !request.url.query()) return judgement;
    // The server may take it for another method: each of them must be let through.
    for (const auto& method : methods_in_query(*request.url.query())) {
        auto other = judge_method(layer, request, method);
        if (other.action <= judgement.action) continue;
        other.because = fmt::format("a parameter asks for {}; {}", base::printable(method, 40), other.because);
        judgement = std::move(other);
    }
    return judgement;
}

Judgement judge(std::span<const RuleLayer* const> layers, const RuleRequest& request) {
    Judgement strictest;
    for (const auto* layer : layers) keep_stricter(strictest, judge(*layer, request));
    return strictest;
}

bool concerns(const Rule& rule, const Route& route) {
    if (!rule.is_about(route.provider, route.connection)) return false;
    const auto meets = [&](const RuleHost& host) {
        return std::any_of(route.rules.begin(), route.rules.end(), [&](const UriRule& one) { return one.meets(host.pattern); });
    };
    return rule.hosts.empty() || std::any_of(rule.hosts.begin(), rule.hosts.end(), meets);
}

bool limits_request_line(std::span<const RuleLayer* const> layers, const Route& route) {
    return std::any_of(layers.begin(), layers.end(), [&](const RuleLayer* layer) {
        return std::any_of(layer->rules.begin(), layer->rules.end(), [&](const Rule& rule) { return (rule.needs_request() || rule.action == Action::ask) && concerns(rule, route); });
    });
}

}  // namespace claviger::policy
