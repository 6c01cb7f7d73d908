#include "policy/router.hpp"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "policy/path_reading.hpp"

namespace claviger::policy {
namespace {

bool is_endpoint(const net::Url& url, const net::Url& endpoint) {
    return url.port() == endpoint.port() && net::without_final_dot(url.host()) == net::without_final_dot(endpoint.host()) &&
           forgiving_path(url.path()) == forgiving_path(endpoint.path());
}

std::string name_of(const Route& route) { return route.provider + "/" + route.connection; }

std::string use_of(const Route& route) { return route.provider + "=" + route.connection; }

struct Candidate {
    const Route* route;
    const UriRule* rule;
};

// The most specific rule of one route that matches.
const UriRule* best_rule(const Route& route, const net::Url& url) {
    const UriRule* best = nullptr;
    for (const auto& rule : route.rules) {
        if (rule.matches_as_read(url) && (best == nullptr || rule.specificity() > best->specificity())) best = &rule;
    }
    return best;
}

template <class Test>
bool any_rule(const std::vector<Route>& routes, Test test) {
    return std::any_of(routes.begin(), routes.end(),
                       [&](const Route& route) { return std::any_of(route.rules.begin(), route.rules.end(), test); });
}

Decision decided(Decision::Kind kind, const Candidate& by, std::string because) {
    return {kind, by.route->provider, by.route->connection, by.rule->text(), false, std::move(because), {}, by.route};
}

// Of connections that match equally well, the one that was chosen; all when none or several were.
std::vector<Candidate> by_choice(std::vector<Candidate> tied) {
    const auto chosen = [](const Candidate& one) { return one.route->chosen; };
    if (tied.size() > 1 && std::count_if(tied.begin(), tied.end(), chosen) == 1) std::erase_if(tied, std::not_fn(chosen));
    return tied;
}

Decision ambiguous(const std::vector<Candidate>& tied) {
    std::vector<std::string> names, choices;
    for (const auto& one : tied) {
        names.push_back(fmt::format("{} (rule {})", name_of(*one.route), base::printable(one.rule->text())));
        choices.push_back("--use " + use_of(*one.route));
    }
    auto decision = decided(Decision::Kind::ambiguous, tied[0], base::join(names, " and ") + " match equally well");
    const bool all_chosen = std::all_of(tied.begin(), tied.end(), [](const Candidate& one) { return one.route->chosen; });
    decision.because += all_chosen ? fmt::format("; --use names {}: name one of them", tied.size() == 2 ? "both" : "them all") : "; choose with " + base::join(choices, " or ");
    decision.command = fmt::format("claviger run --use {} -- ...", use_of(*tied[0].route));
    return decision;
}

Decision read_otherwise() {
    return {Decision::Kind::unmatched, "", "", "", true, "the path's %2F, taken as a slash, leads where another rule or none holds"};
}

}  // namespace

bool decides_by_path(const Route& route) {
    return !route.excluded.empty() || std::any_of(route.rules.begin(), route.rules.end(), [](const UriRule& rule) { return rule.limits_path(); });
}

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

// PX-05: "%2F" is data to one server and a separator to another. Only when both agree on who is meant is anything sent.
Decision Router::decide(const net::Url& url) const {
    auto decision = decide_as_read(url);
    if (path_is_unreadable(url.path()) && names_host(url.host())) {
        decision.refused = true;
        decision.because = "the path is written so that servers read it in different ways (%5C, %00, ..;)";
        return decision;
    }
    const auto readings = other_readings(url);
    for (const auto& other : readings) {
        auto second = decide_as_read(other);
        if (second.kind == Decision::Kind::excluded) return second;
        const bool agrees = second.kind == decision.kind && second.provider == decision.provider &&
                            second.connection == decision.connection;
        if (!agrees && decision.kind != Decision::Kind::excluded) return read_otherwise();
    }
    const auto holds = [&](const UriRule& rule) { return rule.matches(url); };  // one rule for every reading
    if (!readings.empty() && decision.kind == Decision::Kind::matched && !any_rule(routes_, holds)) return read_otherwise();
    return decision;
}

Decision Router::decide_as_read(const net::Url& url) const {
    std::vector<Candidate> best;  // several only while they tie
    for (const auto& route : routes_) {
        const auto* rule = best_rule(route, url);
        if (rule == nullptr) continue;
        if (!best.empty() && rule->specificity() < best[0].rule->specificity()) continue;
        if (!best.empty() && rule->specificity() > best[0].rule->specificity()) best.clear();
        best.push_back({&route, rule});
    }
    if (best.empty()) return {Decision::Kind::unmatched, "", "", "", false, "no rule of a connection of this session matches"};
    for (const auto& route : routes_) {
        for (const auto& endpoint : route.excluded) {
            if (!is_endpoint(url, endpoint)) continue;
            return decided(Decision::Kind::excluded, best[0],
                           fmt::format("this is an OAuth endpoint of {}, which never gets an API credential", route.provider));
        }
    }
    best = by_choice(std::move(best));
    if (best.size() > 1) return ambiguous(best);
    return decided(Decision::Kind::matched, best[0],
                   fmt::format("rule {} of {} matches", base::printable(best[0].rule->text()), name_of(*best[0].route)));
}

std::string_view to_string(Contender::Outcome outcome) {
    switch (outcome) {
        case Contender::Outcome::wins: return "wins";
        case Contender::Outcome::ties: return "ties";
        case Contender::Outcome::less_specific: return "less_specific";
        case Contender::Outcome::not_chosen: return "not_chosen";
        case Contender::Outcome::no_match: return "no_match";
    }
    return "no_match";
}

std::vector<Contender> Router::contenders(const net::Url& url) const {
    using Outcome = Contender::Outcome;
    const auto decision = decide(url);
    const auto* winner = decision.kind == Decision::Kind::matched ? decision.route : nullptr;
    int most = -1;
    for (const auto& route : routes_) {
        if (const auto* rule = best_rule(route, url)) most = std::max(most, rule->specificity());
    }
    std::vector<Contender> all;
    for (const auto& route : routes_) {
        Contender one{Outcome::no_match, route.provider, route.connection, "", ""};
        if (const auto* rule = best_rule(route, url)) {
            one.rule = rule->text();
            if (&route == winner) one.outcome = Outcome::wins, one.because = "the most specific rule";
            else if (rule->specificity() < most) one.outcome = Outcome::less_specific, one.because = "another rule is more specific";
            else if (winner != nullptr) one.outcome = Outcome::not_chosen, one.because = "as specific, but another connection is named by --use";
            else one.outcome = Outcome::ties, one.because = decision.because;
            all.push_back(std::move(one));
            continue;
        }
        for (const auto& rule : route.rules) {
            const auto why = rule.mismatch(url);
            if (!why || !one.rule.empty()) continue;
            one.rule = rule.text();
            one.because = *why;
        }
        if (!one.rule.empty()) all.push_back(std::move(one));
    }
    return all;
}

bool Router::wants_https(const net::Url& url) const {
    if (url.scheme() != "http") return false;
    const auto kind = decide(url).kind;
    if (kind == Decision::Kind::matched || kind == Decision::Kind::ambiguous) return false;
    // On this machine each port is another server's; elsewhere a host is one server, whatever the port says.
    return url.host_is_loopback() ? opens(url.host(), url.port()) || opens(url.host(), 443) : names_host(url.host());
}

bool Router::opens(std::string_view canonical_host, std::uint16_t port) const {
    return any_rule(routes_, [&](const UriRule& rule) { return rule.host_may_match(canonical_host, port); });
}

bool Router::names_host(std::string_view canonical_host) const {
    return any_rule(routes_, [&](const UriRule& rule) { return rule.names_host(canonical_host); });
}

bool Router::reaches_loopback(std::string_view canonical_host, std::uint16_t port) const {
    return any_rule(routes_, [&](const UriRule& rule) { return rule.reaches_loopback(canonical_host, port); });
}

std::string Router::first_regex() const {
    std::string text;
    any_rule(routes_, [&](const UriRule& rule) {
        if (rule.text().starts_with("regex:")) text = rule.text();
        return !text.empty();
    });
    return text;
}

bool Router::serves_loopback() const {
    return any_rule(routes_, [](const UriRule& rule) { return rule.names_loopback(); });
}

std::set<std::uint16_t> Router::ports() const {
    std::set<std::uint16_t> ports;
    for (const auto& route : routes_) {
        for (const auto& rule : route.rules) ports.insert(rule.port());
    }
    return ports;
}

std::vector<std::string> Router::constraint_hosts() const {
    std::vector<std::string> hosts;
    for (const auto& route : routes_) {
        for (const auto& rule : route.rules) {
            for (auto& host : rule.constraint_hosts()) hosts.push_back(std::move(host));
        }
    }
    std::sort(hosts.begin(), hosts.end());
    hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
    return hosts;
}

}  // namespace claviger::policy
