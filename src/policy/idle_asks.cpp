#include "policy/idle_asks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::policy {
namespace {

bool host_covers(const RuleHost& wide, const RuleHost& narrow) {
    if (wide.port && wide.port != narrow.port) return false;
    if (base::equal_ignoring_case(wide.text, narrow.text)) return true;
    using Kind = HostPattern::Kind;
    if (narrow.pattern.kind() == Kind::exact) return wide.pattern.matches(narrow.pattern.constraint());
    return wide.pattern.kind() == Kind::any_depth && narrow.pattern.constraint().ends_with(wide.pattern.constraint());
}

// By what is written; where a URL would be read as something shorter only the same text is covered.
bool path_covers(const PathPattern& wide, const PathPattern& narrow) {
    std::string_view text = wide.text();
    if (text == narrow.text() || text == "/**") return true;
    if (!text.ends_with("/**") || narrow.text().find('%') != std::string::npos || narrow.text().find("/.") != std::string::npos) return false;
    text.remove_suffix(3);
    const std::string_view inner = narrow.text();
    return inner == text || (inner.starts_with(text) && inner.substr(text.size()).starts_with('/'));
}

template <class Part>
bool all_covered(const std::vector<Part>& wide, const std::vector<Part>& narrow, bool (*covers)(const Part&, const Part&)) {
    if (wide.empty()) return true;
    return !narrow.empty() && std::all_of(narrow.begin(), narrow.end(), [&](const Part& one) {
        return std::any_of(wide.begin(), wide.end(), [&](const Part& other) { return covers(other, one); });
    });
}

// Of requests that both are about.
bool covers(const Rule& deny, const Rule& ask) {
    return deny.action == Action::deny && deny.methods.cover(ask.methods) && all_covered(deny.hosts, ask.hosts, host_covers) &&
           all_covered(deny.paths, ask.paths, path_covers);
}

// Requests without a credential are held against rules that name hosts and no connection.
bool is_about_others(const Rule& rule) { return rule.provider.empty() && rule.connection.empty() && !rule.hosts.empty(); }

// Which rule denies what `ask` asks of this connection, or of requests without a credential; null: none does.
const Rule* denial(const Rule& ask, const RuleLayer& layer, const Route* route) {
    const auto found = std::find_if(layer.rules.begin(), layer.rules.end(), [&](const Rule& rule) {
        return (route != nullptr ? rule.is_about(route->provider, route->connection) : is_about_others(rule)) && covers(rule, ask);
    });
    return found == layer.rules.end() ? nullptr : &*found;
}

std::string sentence(const Rule& ask, const Rule* denied_by) {
    if (denied_by != nullptr) return fmt::format("{} never asks: {} denies all of it", base::printable(ask.name, 500), base::printable(denied_by->name, 500));
    return fmt::format("{} never asks: no connection of this session serves what it names", base::printable(ask.name, 500));
}

class Session {
public:
    Session(std::span<const RuleLayer> layers, std::span<const ConnectionLayer> connections) : layers_(layers), connections_(connections) {}

    // What becomes of it: whether it can ask, and if not, who denies it (somewhere at least).
    void judge(const Rule& ask, std::vector<std::string>& found) const {
        const Rule* by = nullptr;
        for (const auto& connection : connections_) {
            if (!concerns(ask, connection.route)) continue;
            const auto* denied = denial_for(ask, connection);
            if (denied == nullptr) return;
            by = denied;
        }
        if (is_about_others(ask) && !is_served(ask)) {
            const auto* denied = denial_in_session(ask, nullptr);
            if (denied == nullptr) return;
            by = denied;
        }
        found.push_back(sentence(ask, by));
    }

private:
    // Whether all requests to its hosts get a credential, so that no rule of theirs alone is about them.
    [[nodiscard]] bool is_served(const Rule& ask) const {
        const auto serves = [](const RuleHost& host, const UriRule& rule) {
            return host.pattern.kind() == HostPattern::Kind::exact && rule.names_host(host.pattern.constraint()) && !rule.limits_path();
        };
        return std::all_of(ask.hosts.begin(), ask.hosts.end(), [&](const RuleHost& host) {
            return std::any_of(connections_.begin(), connections_.end(), [&](const ConnectionLayer& connection) {
                const auto& rules = connection.route.rules;
                return std::any_of(rules.begin(), rules.end(), [&](const UriRule& rule) { return serves(host, rule); });
            });
        });
    }
    [[nodiscard]] const Rule* denial_in_session(const Rule& ask, const Route* route) const {
        for (const auto& layer : layers_) {
            if (const auto* denied = denial(ask, layer, route)) return denied;
        }
        return nullptr;
    }
    [[nodiscard]] const Rule* denial_for(const Rule& ask, const ConnectionLayer& connection) const {
        if (const auto* denied = denial(ask, connection.rules, &connection.route)) return denied;
        return denial_in_session(ask, &connection.route);
    }

    std::span<const RuleLayer> layers_;
    std::span<const ConnectionLayer> connections_;
};

template <class Each>
void each_ask(const RuleLayer& layer, Each each) {
    for (const auto& rule : layer.rules) {
        if (rule.action == Action::ask) each(rule);
    }
}

}  // namespace

std::vector<std::string> idle_asks(std::span<const RuleLayer> of_session, std::span<const ConnectionLayer> connections) {
    std::vector<std::string> found;
    const Session session(of_session, connections);
    for (const auto& connection : connections) each_ask(connection.rules, [&](const Rule& ask) { session.judge(ask, found); });
    for (const auto& layer : of_session) each_ask(layer, [&](const Rule& ask) { session.judge(ask, found); });
    return found;
}

std::vector<std::string> idle_asks(const RuleLayer& layer) {
    std::vector<std::string> found;
    each_ask(layer, [&](const Rule& ask) {
        for (const auto& deny : layer.rules) {
            const bool wider = (deny.provider.empty() || deny.provider == ask.provider) && (deny.connection.empty() || deny.connection == ask.connection);
            if (!wider || !covers(deny, ask) || (is_about_others(ask) && !is_about_others(deny))) continue;
            found.push_back(sentence(ask, &deny));
            return;
        }
    });
    return found;
}

}  // namespace claviger::policy
