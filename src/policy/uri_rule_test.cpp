#include "policy/uri_rule.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "json/parse.hpp"

namespace claviger::policy {
namespace {

net::Url url_of(std::string_view text) {
    auto url = net::Url::parse(text);
    EXPECT_TRUE(url) << text;
    return url ? *url : net::Url{};
}

json::Array vector_rows() {
    std::ifstream file(std::filesystem::path(CLAVIGER_SOURCE_DIR) / "tests/vectors/policy/uri_rules.json", std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    const auto parsed = json::parse(text.str());
    EXPECT_TRUE(parsed);
    return parsed ? parsed->as_array() : json::Array{};
}

bool matches(const base::Result<UriRule>& rule, std::string_view url) {
    const auto parsed = net::Url::parse(url);
    return rule && parsed && rule->matches(*parsed);
}

// The truth table of authorizedUris in both dialects, then every way around a rule that is known to us.
TEST(UriRule, PX03_PX04_PX05_PX07_table) {
    const auto rows = vector_rows();
    ASSERT_GE(rows.size(), 450u);
    for (const auto& value : rows) {
        const auto& row = value.as_array();
        const std::string dialect(row[0].as_string()), rule(row[1].as_string()), url(row[2].as_string());
        const bool expected = row[3].as_bool();
        if (dialect == "target") {
            EXPECT_EQ(matches(UriRule::parse_target(rule), url), expected) << "target " << rule << " " << url;
        }
        if (dialect == "both" || dialect == "subtree") {
            EXPECT_EQ(matches(UriRule::parse_pattern(rule, PatternDialect::subtree), url), expected)
                << "subtree " << rule << " " << url;
        }
        if (dialect == "both" || dialect == "afps-1.3") {
            EXPECT_EQ(matches(UriRule::parse_pattern(rule, PatternDialect::afps_1_3), url), expected)
                << "afps-1.3 " << rule << " " << url;
        }
        EXPECT_TRUE(dialect == "target" || dialect == "both" || dialect == "subtree" || dialect == "afps-1.3");
    }
}

TEST(UriRule, PX04_written_urls_hold_no_controls_or_backslashes) {
    EXPECT_TRUE(parse_written_url("https://api.acme.com/x"));
    for (const std::string_view text : {"https://api.acme.com/x\ny", "https://api.acme.com/\tx", "https://api.acme.com/\r",
                                        "https://ap\x01i.acme.com/", "https://api.acme.com/\x7f", "https://api.acme.com\\.evil.com/"}) {
        EXPECT_FALSE(parse_written_url(text));
    }
}

TEST(UriRule, every_control_byte_in_a_rule_is_refused) {
    for (int byte = 0; byte < 0x21; ++byte) {
        const std::string rule = std::string("https://api.acme.com/a") + static_cast<char>(byte) + "b";
        EXPECT_FALSE(UriRule::parse_pattern(rule, PatternDialect::subtree)) << byte;
        EXPECT_FALSE(UriRule::parse_target(rule)) << byte;
    }
}

TEST(UriRule, errors_say_which_rule_and_what_to_do) {
    const auto rule = UriRule::parse_pattern("https://*.co.uk/**", PatternDialect::afps_1_3);
    ASSERT_FALSE(rule);
    EXPECT_EQ(rule.error().code, base::ErrorCode::invalid_input);
    EXPECT_EQ(rule.error().message, "rule https://*.co.uk/**: a '*' in the host stands before the public suffix co.uk");
    EXPECT_FALSE(rule.error().hint.empty());
}

TEST(UriRule, specificity_orders_rules) {
    const auto target = [](std::string_view text) { return UriRule::parse_target(text)->specificity(); };
    const auto pattern = [](std::string_view text) {
        return UriRule::parse_pattern(text, PatternDialect::afps_1_3)->specificity();
    };
    const std::vector<int> rising = {
        target("regex:.*"), target("**.acme.com"), target("**.api.acme.com"), target("*.acme.com"), target("*.api.acme.com"),
        target("api.acme.com"), target("https://api.acme.com/v1"), target("https://api.acme.com/v1/items"),
    };
    for (std::size_t i = 1; i < rising.size(); ++i) EXPECT_LT(rising[i - 1], rising[i]) << i;
    EXPECT_LT(pattern("https://api.acme.com/v1/**"), pattern("https://api.acme.com/v1/items/*"));
    EXPECT_LT(pattern("https://*.acme.com/a/long/fixed/path"), pattern("https://api.acme.com/**"));
    EXPECT_LT(pattern("https://api.acme.com/x"), pattern("https://api.acme.com/x?y=*"));
    EXPECT_EQ(target("api.acme.com"), target("https://api.acme.com/"));
    const auto longest = target("https://api.acme.com/" + std::string(2000, 'a'));
    EXPECT_LT(longest, target("https://a.api.acme.com"));
}

TEST(UriRule, hosts_that_may_match) {
    const auto one = *UriRule::parse_target("https://api.acme.com:8443/v1");
    EXPECT_TRUE(one.host_may_match("api.acme.com", 8443));
    EXPECT_FALSE(one.host_may_match("api.acme.com", 443));
    EXPECT_FALSE(one.host_may_match("x.api.acme.com", 8443));
    EXPECT_TRUE(UriRule::parse_target("*.acme.com")->host_may_match("x.acme.com", 443));
    EXPECT_FALSE(UriRule::parse_target("http://127.0.0.1:80")->host_may_match("127.0.0.1", 80)) << "no TLS to open there";
}

TEST(UriRule, PX26_constraint_hosts) {
    using Hosts = std::vector<std::string>;
    EXPECT_EQ(UriRule::parse_target("https://API.acme.com/v1")->constraint_hosts(), Hosts{"api.acme.com"});
    EXPECT_EQ(UriRule::parse_target("*.acme.com")->constraint_hosts(), Hosts{".acme.com"});
    EXPECT_EQ(UriRule::parse_target("**.acme.com")->constraint_hosts(), Hosts{".acme.com"});
    EXPECT_EQ(UriRule::parse_target("https://[::1]/")->constraint_hosts(), Hosts{"[::1]"});
    EXPECT_EQ(UriRule::parse_pattern("https://api-*.eu.acme.com/**", PatternDialect::subtree)->constraint_hosts(),
              Hosts{".eu.acme.com"});
    EXPECT_EQ(UriRule::parse_target(R"(regex:x\.acme\.com)")->constraint_hosts(), Hosts{});
    EXPECT_EQ(UriRule::parse_target("http://localhost:1")->constraint_hosts(), Hosts{});
}

TEST(UriRule, which_rules_name_this_machine) {
    for (const std::string_view text : {"http://127.0.0.1:1", "https://localhost", "https://a.localhost", "https://[::1]/", "http://127.9"}) {
        EXPECT_TRUE(UriRule::parse_target(text)->names_loopback()) << text;
    }
    for (const std::string_view text : {"127.acme.com", "api.acme.com", "*.acme.com", "localhost.acme.com", "regex:.*", "128.0.0.1"}) {
        EXPECT_FALSE(UriRule::parse_target(text)->names_loopback()) << text;
    }
}

std::vector<std::string> texts(const base::Result<std::vector<UriRule>>& rules) {
    std::vector<std::string> out;
    if (!rules) return {"error: " + rules.error().message};
    for (const auto& rule : *rules) out.push_back(rule.text());
    return out;
}

TEST(RulesOf, targets_and_patterns_with_variables) {
    using Texts = std::vector<std::string>;
    provider::ProviderDefinition definition;
    EXPECT_EQ(texts(rules_of(definition, {})), Texts{}) << "nothing is injected without a rule";
    definition.api_urls = {"api.acme.com", "{base_url}/v1", "{shop}.acme.com", R"(regex:[a-z]{2,3}\.acme\.com)"};
    definition.authorized_uris = {"https://{shop}.acme.com/api/*", "https://*.{shop}.acme.com/**"};
    const provider::VariableValues values{{"base_url", "https://git.acme.com/sub"}, {"shop", "s1"}};
    EXPECT_EQ(texts(rules_of(definition, values)),
              (Texts{"api.acme.com", "https://git.acme.com/sub/v1", "https://s1.acme.com/", R"(regex:[a-z]{2,3}\.acme\.com)",
                     "https://s1.acme.com/api/*", "https://*.s1.acme.com/**"}));
}

// PX-04: under a shared domain anybody can have a host. The wildcard stands for the connection's own one alone.
TEST(RulesOf, PX04_a_wildcard_under_a_shared_domain_is_the_own_host) {
    using Texts = std::vector<std::string>;
    provider::ProviderDefinition definition;
    definition.authorized_uris = {"https://*.github.io/**"};
    definition.uri_pattern_dialect = "afps-1.3";
    const struct { provider::VariableValues own; Texts texts; } rows[] = {
        {{{"subdomain", "mine"}}, {"https://mine.github.io/**"}},
        {{{"shop_domain", "mine.github.io"}}, {"https://mine.github.io/**"}},
        {{{"site", "https://Mine.github.io/"}}, {"https://mine.github.io/**"}},
        {{{"base_url", "https://mine.github.io/x"}, {"site", "mine"}}, {"https://mine.github.io/**"}},
        {{{"a_domain", "one"}, {"b_domain", "two"}}, {"https://one.github.io/**", "https://two.github.io/**"}},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(texts(rules_of(definition, {}, row.own)), row.texts);
        EXPECT_EQ(texts(rules_of(definition, row.own)), row.texts) << "variables tell it as well";
    }
    for (const provider::VariableValues& own : std::initializer_list<provider::VariableValues>{
             {}, {{"version", "v2"}}, {{"subdomain", ""}}, {{"subdomain", "*"}}, {{"subdomain", "a.b.github.io"}}, {{"subdomain", "a.b"}},
             {{"subdomain", ".github.io"}}, {{"subdomain", "x@evil"}}, {{"subdomain", "evil.com/.github.io"}}, {{"subdomain", "-a"}},
             {{"shop_domain", "mine.github.io.evil.com"}}, {{"subdomain", "evil.com#.github.io"}}, {{"subdomain", "evil.com?.github.io"}}}) {
        const auto rules = rules_of(definition, {}, own);
        ASSERT_FALSE(rules) << (own.empty() ? "" : own.begin()->second);
        EXPECT_EQ(rules.error().code, base::ErrorCode::invalid_input);
        EXPECT_FALSE(rules.error().hint.empty());
    }
    definition.api_urls = {"api.acme.com", "**.github.io"};
    EXPECT_EQ(texts(rules_of(definition, {})), Texts{"api.acme.com"}) << "the others hold without it";
    EXPECT_EQ(texts(rules_of(definition, {}, {{"tenant_domain", "a.b.github.io"}})), (Texts{"api.acme.com", "a.b.github.io"}));
    definition.api_urls = {"*.co.uk"};
    EXPECT_FALSE(rules_of(definition, {}, {{"subdomain", "mine"}})) << "a registry's suffix has no owner at all";
}

TEST(RulesOf, the_dialect_of_the_definition_holds) {
    provider::ProviderDefinition definition;
    definition.authorized_uris = {"https://api.acme.com/*"};
    EXPECT_TRUE(rules_of(definition, {})->at(0).matches(url_of("https://api.acme.com/v1/items")));
    definition.uri_pattern_dialect = "afps-1.3";
    EXPECT_FALSE(rules_of(definition, {})->at(0).matches(url_of("https://api.acme.com/v1/items")));
    for (const std::string dialect : {"", "afps-1.3"}) {  // packages of schema 1.1 write "/**" as well
        definition.authorized_uris = {"https://api.acme.com/**"};
        definition.uri_pattern_dialect = dialect;
        EXPECT_TRUE(rules_of(definition, {})->at(0).matches(url_of("https://api.acme.com/v1/items"))) << dialect;
    }
}

TEST(RulesOf, OA27_a_value_cannot_leave_its_place) {
    provider::ProviderDefinition definition;
    definition.api_urls = {"https://{shop}.acme.com/api"};
    for (const std::string value : {"evil.com/", "evil.com#", "evil.com?", "a.b", "*", "**", "x@evil.com:", "", "a b", "evil.com\\",
                                    "-a", "a%2f", "{shop}", "\xc3\xa9"}) {
        EXPECT_FALSE(rules_of(definition, {{"shop", value}})) << value;
    }
    EXPECT_FALSE(rules_of(definition, {})) << "a variable without a value";
    definition.api_urls = {"https://api.acme.com/{tenant}/v1"};
    for (const std::string value : {"*", "..", "a/b", "a?b"}) {
        const auto rules = rules_of(definition, {{"tenant", value}});
        EXPECT_FALSE(rules && rules->at(0).matches(url_of("https://api.acme.com/other/v1"))) << value;
        EXPECT_FALSE(rules && rules->at(0).matches(url_of("https://api.acme.com/v1"))) << value;
    }
}

TEST(RulesOf, PX24_all_uris_means_the_own_site) {
    provider::ProviderDefinition definition;
    definition.allow_all_uris = true;
    EXPECT_EQ(rules_of(definition, {})->size(), 0u);
    const auto rules = rules_of(definition, {{"base_url", "https://site.acme.com/blog"}, {"region", "eu"}});
    ASSERT_TRUE(rules);
    ASSERT_EQ(rules->size(), 1u);
    EXPECT_TRUE(rules->at(0).matches(url_of("https://site.acme.com/blog/x")));
    EXPECT_FALSE(rules->at(0).matches(url_of("https://evil.com/blog/x")));
}

}  // namespace
}  // namespace claviger::policy
