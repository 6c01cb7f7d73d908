#include "policy/idle_asks.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace claviger::policy {
namespace {

Route route_of(std::string provider, const std::vector<std::string_view>& targets) {
    Route route{std::move(provider), "default", {}, {}};
    for (const auto target : targets) route.rules.push_back(*UriRule::parse_target(target));
    return route;
}

// "ask POST; deny write:api.acme.com", each with " @provider" for one of a project file that names a connection.
RuleLayer layer_of(std::string_view text) {
    RuleLayer layer{"x", {}};
    for (const auto& part : base::split(text, ';')) {
        const auto one = base::trim(part);
        if (one.empty()) continue;
        const auto space = one.find(' '), at = std::min(one.find(" @"), one.size());
        const auto word = one.substr(0, space);
        auto rule = Rule::parse(word == "ask" ? Action::ask : word == "deny" ? Action::deny : Action::allow, one.substr(space + 1, at - space - 1));
        EXPECT_TRUE(rule) << one;
        if (!rule) continue;
        if (at < one.size()) rule->provider = one.substr(at + 2);
        layer.rules.push_back(std::move(*rule));
    }
    return layer;
}

std::string first(const std::vector<std::string>& found) {
    EXPECT_LE(found.size(), 1U);
    return found.empty() ? "" : found.front();
}

// The session has acme, which serves api.acme.com and *.files.acme.com, and part, which serves some of api.part.com.
TEST(IdleAsks, what_one_deny_rule_covers_or_no_connection_serves) {
    const Route acme = route_of("acme", {"api.acme.com", "*.files.acme.com"}), part = route_of("part", {"https://api.part.com/v1"});
    const struct { std::string_view own, session, ask, by; } rows[] = {  // by: who denies it, "-": nobody serves it, "": it can ask
        {"", "ask write", "ask write", ""},
        {"", "ask POST; deny write", "ask POST", "deny write"},
        {"", "deny write; ask POST", "ask POST", "deny write"},
        {"", "ask write; deny POST", "ask write", ""},
        {"", "ask GET; deny HEAD", "ask GET", ""},
        {"", "ask HEAD; deny GET", "ask HEAD", "deny GET"},
        {"", "ask read; deny GET,OPTIONS", "ask read", "deny GET,OPTIONS"},
        {"", "ask read; deny GET", "ask read", ""},
        {"", "ask *; deny read; deny write", "ask *", ""},
        {"", "ask DELETE; deny *", "ask DELETE", "deny *"},
        {"", "ask POST:/a/b; deny /a/**", "ask POST:/a/b", "deny /a/**"},
        {"", "ask /a; deny /a/**", "ask /a", "deny /a/**"},
        {"", "ask /ab; deny /a/**", "ask /ab", ""},
        {"", "ask /a/../b; deny /a/**", "ask /a/../b", ""},
        {"", "ask /a/%2e%2e/b; deny /a/**", "ask /a/%2e%2e/b", ""},
        {"", "ask /a/*/c; deny /a/*/**", "ask /a/*/c", "deny /a/*/**"},
        {"", "ask /a/**; deny /a/*", "ask /a/**", ""},
        {"", "ask *; deny api.acme.com", "ask *", ""},
        {"", "ask POST:api.acme.com; deny *:api.acme.com", "ask POST:api.acme.com", "deny api.acme.com"},
        {"", "ask POST:api.acme.com; deny POST", "ask POST:api.acme.com", "deny POST"},
        {"", "ask x.files.acme.com; deny *.files.acme.com", "ask x.files.acme.com", "deny *.files.acme.com"},
        {"", "ask *.files.acme.com; deny **.acme.com", "ask *.files.acme.com", "deny **.acme.com"},
        {"", "ask **.files.acme.com; deny *.files.acme.com", "ask **.files.acme.com", ""},
        {"", "ask API.acme.com; deny api.acme.com:8443", "ask API.acme.com", ""},
        {"", "ask api.acme.com:8443; deny api.acme.com", "ask api.acme.com:8443", "deny api.acme.com"},
        // Requests without a credential are held against rules that name hosts.
        {"", "ask POST:other.example; deny POST", "ask POST:other.example", ""},
        {"", "ask POST:other.example; deny **.other.example", "ask POST:other.example", ""},
        {"", "ask POST:a.other.example; deny **.other.example", "ask POST:a.other.example", "deny **.other.example"},
        {"", "ask POST:api.part.com; deny POST", "ask POST:api.part.com", ""},
        {"", "ask other.example", "ask other.example", ""},
        // Rules about a connection.
        {"", "ask other.example @acme", "ask other.example", "-"},
        {"", "ask api.acme.com @part", "ask api.acme.com", "-"},
        {"", "ask POST @gone", "ask POST", "-"},
        {"", "ask POST @acme; deny POST @part", "ask POST", ""},
        {"", "ask POST @acme; deny POST @acme", "ask POST", "deny POST"},
        {"", "ask POST; deny POST @acme", "ask POST", ""},
        {"", "ask POST; deny POST @acme; deny POST @part", "ask POST", "deny POST"},
        {"deny write", "ask POST @acme", "ask POST", "deny write"},
        {"deny write", "ask POST", "ask POST", ""},
        {"ask POST", "", "ask POST", ""},
        {"ask POST", "deny POST", "ask POST", "deny POST"},
        {"ask POST:other.example", "", "ask POST:other.example", "-"},
    };
    for (const auto& row : rows) {
        auto own = layer_of(row.own);
        for (auto& rule : own.rules) rule.provider = "acme", rule.connection = "default";
        const std::vector<ConnectionLayer> connections{{acme, own}, {part, {}}};
        const std::vector<RuleLayer> session{layer_of(row.session)};
        const auto by = row.by == "-" ? std::string("no connection of this session serves what it names") : std::string(row.by) + " denies all of it";
        const auto expected = row.by.empty() ? std::string() : std::string(row.ask) + " never asks: " + by;
        EXPECT_EQ(first(idle_asks(session, connections)), expected) << row.own << " | " << row.session;
    }
}

TEST(IdleAsks, of_a_layer_by_itself) {
    const struct { std::string_view rules; bool idle; } rows[] = {
        {"ask POST; deny write", true}, {"ask POST; deny GET", false}, {"ask POST @acme; deny write", true}, {"ask POST; deny write @acme", false},
        {"ask POST @acme; deny write @acme", true}, {"ask POST:other.example; deny write", false}, {"ask POST:other.example @acme; deny write", true}, {"deny write", false},
    };
    for (const auto& row : rows) EXPECT_EQ(!idle_asks(layer_of(row.rules)).empty(), row.idle) << row.rules;
}

}  // namespace
}  // namespace claviger::policy
