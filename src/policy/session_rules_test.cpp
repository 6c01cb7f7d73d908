#include "policy/session_rules.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/text.hpp"

namespace claviger::policy {
namespace {

net::Url url_of(std::string_view text) {
    auto url = net::Url::parse(text);
    EXPECT_TRUE(url) << text;
    return url ? *url : net::Url{};
}

Rule rule_of(std::string_view text) {
    if (text == "read-only") return read_only_rule("--read-only");
    const auto space = text.find(' ');
    const auto word = text.substr(0, space);
    const auto action = word == "allow" ? Action::allow : word == "ask" ? Action::ask : Action::deny;
    EXPECT_EQ(to_string(action), word);
    auto rule = Rule::parse(action, text.substr(space + 1));
    EXPECT_TRUE(rule) << text << ": " << (rule ? "" : rule.error().describe());
    return rule ? *rule : Rule{};
}

RuleLayer layer_of(std::string name, std::string_view text) {
    RuleLayer layer{std::move(name), {}};
    if (text.empty()) return layer;
    for (const auto& one : base::split(text, ',')) {
        // "GET,POST" would be two; the documents' rules have one method each.
        layer.rules.push_back(rule_of(base::trim(one)));
    }
    return layer;
}

Route acme() {
    Route route;
    route.provider = "acme";
    route.connection = "default";
    for (const std::string_view target : {"api.acme.com", "upload.acme.com"}) route.rules.push_back(*UriRule::parse_target(target));
    return route;
}

std::string without_backticks(std::string_view cell) {
    std::string text(base::trim(cell));
    std::erase(text, '`');
    return text;
}

// docs/policy.md promises what this executes (PX-05, PX-32).
TEST(SessionRules, the_documented_table_holds) {
    std::ifstream file(CLAVIGER_SOURCE_DIR "/docs/policy.md");
    std::string line;
    int rows = 0;
    const auto route = acme();
    while (std::getline(file, line)) {
        const auto cells = base::split(line, '|');
        if (cells.size() != 6 || cells[3].find("https://") == std::string::npos) continue;
        ++rows;
        const auto own = layer_of("acme (default)", without_backticks(cells[1]));
        const auto given = layer_of("the command line", without_backticks(cells[2]));
        const auto request = without_backticks(cells[3]);
        const auto space = request.find(' ');
        const auto method = request.substr(0, space);
        const auto url = url_of(request.substr(space + 1));
        const std::vector<const RuleLayer*> layers{&own, &given};
        const auto judgement = judge(layers, RuleRequest{method, url, &route});
        EXPECT_EQ(to_string(judgement.action), without_backticks(cells[4])) << line << "\n" << judgement.because;
        if (judgement.action != Action::allow) EXPECT_NE(judgement.because, "") << line;
    }
    EXPECT_GE(rows, 35) << "the table is not where it was";
}

TEST(SessionRules, a_verdict_names_the_rule_and_why) {
    const auto route = acme();
    const auto url = url_of("https://api.acme.com/x?_method=put");
    const auto denied = judge(layer_of("the command line", "read-only"), RuleRequest{"GET", url, &route});
    EXPECT_EQ(denied.rule, "--read-only");
    EXPECT_EQ(denied.because, "a parameter asks for PUT; --read-only denies it");
    const auto unlisted = judge(layer_of("the command line", "allow /y"), RuleRequest{"GET", url, &route});
    EXPECT_EQ(unlisted.rule, "the command line");
    EXPECT_NE(unlisted.because.find("no rule of the command line allows it"), std::string::npos) << unlisted.because;
}

TEST(SessionRules, rules_of_another_connection_do_not_matter) {
    auto layer = layer_of(".claviger.json", "deny *:*, allow GET:*");
    for (auto& rule : layer.rules) rule.provider = "other";
    const auto route = acme();
    const auto url = url_of("https://api.acme.com/x");
    EXPECT_EQ(judge(layer, RuleRequest{"POST", url, &route}).action, Action::allow);
    for (auto& rule : layer.rules) rule.provider = "acme";
    EXPECT_EQ(judge(layer, RuleRequest{"POST", url, &route}).action, Action::deny);
    for (auto& rule : layer.rules) rule.connection = "work";
    EXPECT_EQ(judge(layer, RuleRequest{"POST", url, &route}).action, Action::allow);
}

// Without a credential: rules that name hosts alone, and in a tunnel nothing but the host is seen.
TEST(SessionRules, requests_without_a_credential) {
    struct Row { std::string_view rules, url; bool tunnel; Action action; bool by_name; };
    const Row rows[] = {
        {"read-only", "http://other.test/x", false, Action::allow, false},
        {"deny POST:*", "http://other.test/x", false, Action::allow, false},
        {"deny POST:other.test", "http://other.test/x", false, Action::deny, false},
        {"deny GET:other.test", "http://other.test/x", false, Action::allow, false},
        {"deny GET:other.test", "https://other.test/", true, Action::deny, false},
        {"ask other.test/x", "https://other.test/", true, Action::ask, false},
        {"allow other.test", "https://other.test/", true, Action::allow, true},
        {"allow GET:other.test", "https://other.test/", true, Action::allow, false},
        {"allow other.test/x", "https://other.test/", true, Action::allow, false},
        {"allow other.test/x", "http://other.test/x", false, Action::allow, true},
        {"allow other.test/y", "http://other.test/x", false, Action::allow, false},
        {"allow other.test:444", "https://other.test/", true, Action::allow, false},
        {"allow other.test:443", "https://other.test/", true, Action::allow, true},
        {"allow *", "https://other.test/", true, Action::allow, false},
    };
    for (const auto& row : rows) {
        const auto layer = layer_of("the command line", row.rules);
        const auto url = url_of(row.url);
        const auto judgement = judge(layer, RuleRequest{"POST", url, nullptr, row.tunnel});
        EXPECT_EQ(judgement.action, row.action) << row.rules << " " << row.url;
        EXPECT_EQ(judgement.allowed_by_name, row.by_name) << row.rules << " " << row.url;
    }
}

// What is asked for in a WebSocket, and by what, is not seen: whatever withholds a method withholds the handshake.
TEST(SessionRules, PX33_a_handshake_counts_as_every_method) {
    const auto route = acme();
    const auto url = url_of("https://api.acme.com/x");
    const struct { std::string_view rules; Action action; } rows[] = {
        {"", Action::allow}, {"read-only", Action::deny}, {"deny POST:*", Action::deny}, {"ask DELETE:*", Action::ask}, {"deny POST:other.test", Action::allow},
        {"allow GET:*", Action::deny}, {"allow *:*", Action::allow}, {"allow api.acme.com/x", Action::allow}, {"deny POST:*/y", Action::allow},
    };
    for (const auto& row : rows) {
        const RuleRequest handshake{"GET", url, &route, false, true};
        EXPECT_EQ(judge(layer_of("x", row.rules), handshake).action, row.action) << row.rules;
    }
}

TEST(SessionRules, PX05_a_final_dot_makes_no_other_host) {
    for (const std::string_view rules : {"deny other.test", "deny other.test."}) {
        for (const std::string_view url : {"https://other.test/", "https://other.test./"}) {
            EXPECT_EQ(judge(layer_of("x", rules), RuleRequest{"CONNECT", url_of(url), nullptr, true}).action, Action::deny) << rules << " " << url;
        }
    }
}

TEST(SessionRules, PX32_overriding_fields_matter_where_methods_or_paths_are_told_apart) {
    const auto route = acme();
    const struct { std::string_view rules; bool limited; } rows[] = {
        {"", false}, {"deny api.acme.com", false}, {"deny POST:api.acme.com", true}, {"deny api.acme.com/x", true}, {"read-only", true},
        {"allow *:*", false}, {"ask write:*", true}, {"ask api.acme.com", true}, {"ask *", true}, {"ask other.test", false}, {"deny POST:other.test", false},
    };
    for (const auto& row : rows) {
        const auto layer = layer_of("x", row.rules);
        const std::vector<const RuleLayer*> layers{&layer};
        EXPECT_EQ(limits_request_line(layers, route), row.limited) << row.rules;
    }
}

}  // namespace
}  // namespace claviger::policy
