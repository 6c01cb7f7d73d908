// URL templates: whatever the value, the URL stays where the definition put it (OA-27).
#include "provider/expand.hpp"

#include <gtest/gtest.h>

#include "provider/pattern.hpp"
#include "provider/read.hpp"

namespace claviger::provider {
namespace {

TEST(Expand, names_of_variables) {
    EXPECT_EQ(variables_in("https://{a}.x/{b_2}/{a}"), (std::vector<std::string>{"a", "b_2"}));
    EXPECT_TRUE(variables_in("{} {1a} {a-b} {a {{}}").empty());
    EXPECT_EQ(variables_in("{{a}}"), std::vector<std::string>{"a"});
}

TEST(Expand, OA27_values_stay_in_their_part) {
    struct Case { std::string_view text, value, expected; };  // expected "" = refused
    const Case cases[] = {
        {"https://acme.example/t", "", "https://acme.example/t"},
        {"{v}/t", "https://ghe.example", "https://ghe.example/t"},
        {"{v}/t", "https://ghe.example/", "https://ghe.example/t"},
        {"{v}/t", "ghe.example", "https://ghe.example/t"},
        {"{v}/t", "HTTPS://GHE.example:443/base//", "https://ghe.example/base/t"},
        {"{v}", "https://ghe.example:8443", "https://ghe.example:8443/"},
        {"{v}?a=b", "https://ghe.example", "https://ghe.example/?a=b"},
        {"{v}/t", "http://127.0.0.1:80", "http://127.0.0.1/t"},
        {"{v}/t", "http://ghe.example", ""},
        {"{v}/t", "ftp://ghe.example", ""},
        {"{v}/t", "javascript:alert(1)", ""},
        {"{v}/t", "https://u:p@ghe.example", ""},
        {"{v}/t", "https://ghe.example?x", ""},
        {"{v}/t", "https://ghe.example?", ""},
        {"{v}/t", "https://ghe.example#x", ""},
        {"{v}/t", "https://ghe.example\\@evil.test", ""},
        {"{v}/t", "https://ghe.example/\n", "https://ghe.example/t"},  // white space around is pasted, not meant
        {"{v}/t", "https://ghe\t.example", ""},
        {"{v}/t", "", ""},
        {"{v}.acme.example/t", "https://ghe", ""},
        {"{v}@acme.example/t", "https://ghe", ""},
        {"https://{v}.acme.example/t", "west", "https://west.acme.example/t"},
        {"https://{v}.acme.example/t", "WEST-1", "https://west-1.acme.example/t"},
        {"https://{v}-eu.acme.example/t", "a", "https://a-eu.acme.example/t"},
        {"https://{v}.acme.example/t", "a.b", ""},
        {"https://{v}.acme.example/t", "evil.test/", ""},
        {"https://{v}.acme.example/t", "evil.test#", ""},
        {"https://{v}.acme.example/t", "evil.test?", ""},
        {"https://{v}.acme.example/t", "u@evil", ""},
        {"https://{v}.acme.example/t", "a:80", ""},
        {"https://{v}.acme.example/t", "-a", ""},
        {"https://{v}.acme.example/t", "a%2eb", ""},
        {"https://{v}.acme.example/t", "\xc3\xa9", ""},
        {"https://{v}.acme.example/t", std::string_view("a\0b", 3), ""},
        {"https://acme.example/{v}/t", "a b", ""},
        {"https://acme.example/{v}/t", "a/../b?x#y", "https://acme.example/a%2F..%2Fb%3Fx%23y/t"},
        {"https://acme.example/{v}/t", "..", ""},
        {"https://acme.example/{v}/t", ".", ""},
        {"https://acme.example/t?r={v}", "a&b=c#d", "https://acme.example/t?r=a%26b%3Dc%23d"},
        {"{v}://acme.example/t", "https", ""},
        {"https{v}://acme.example/t", "x", ""},
        {"https://acme.example:{v}/t", "80", ""},
        {"https://x@{v}.acme.example/t", "a", ""},
        {"https://acme.example/{w}", "a", ""},
        {"https://acme.example/{v", "a", ""},
        {"https://acme.example/v}", "a", ""},
        {"http://acme.example/{v}", "a", ""},
        {"/relative/{v}", "a", ""},
    };
    for (const Case& c : cases) {
        const auto url = expand_url(c.text, {{"v", std::string(c.value)}});
        EXPECT_EQ(url ? url->text() : "", c.expected) << c.text << " with " << c.value;
    }
}

TEST(Expand, OA27_canonical_base_urls) {
    EXPECT_EQ(canonical_base_url("git.acme.example/").value(), "https://git.acme.example");
    EXPECT_EQ(canonical_base_url("HTTPS://Git.Acme.example").value(), "https://git.acme.example");
    EXPECT_EQ(canonical_base_url("  https://a.example/x/../y/ ").value(), "https://a.example/y");
    EXPECT_EQ(canonical_base_url("http://localhost:8080/").value(), "http://localhost:8080");
    EXPECT_EQ(canonical_base_url("https://[2001:DB8::1]:8443").value(), "https://[2001:db8::1]:8443");
    for (const std::string_view bad : {"", " ", "https://", "http://a.example", "a b.example", "https://a.example/#", "//a.example", "a@b"}) {
        EXPECT_FALSE(canonical_base_url(bad)) << bad;
    }
}

ProviderDefinition with_vars() {
    const ReadResult read = read_definition(R"({"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce",
        "api_url":"{tenant}.acme.example",
        "vars":{"tenant":{"pattern":"[a-z]+[0-9]*","example":"west1"},"zone":{"enum":["eu","us"],"default":"eu"}, "site":{"default":"https://s.acme.example/"}},
        "oauth":{"base_url":"https://acme.example","authorization_url":"{base_url}/a","token_url":"{site}/t"}})");
    EXPECT_TRUE(read.ok()) << format_findings(read.findings, "");
    return read.definitions.at(0);
}

TEST(Expand, completes_and_checks_variables) {
    const ProviderDefinition d = with_vars();
    EXPECT_EQ(complete_variables(d, {{"tenant", "west"}}).value(),
              (VariableValues{{"base_url", "https://acme.example"}, {"site", "https://s.acme.example"}, {"tenant", "west"}, {"zone", "eu"}}));
    EXPECT_EQ(complete_variables(d, {{"tenant", "west"}, {"base_url", "other.example/"}}).value().at("base_url"), "https://other.example");
    struct Case { VariableValues given; std::string_view message, hint; };
    const Case cases[] = {
        {{}, "\"tenant\" needs a value", ""},
        {{{"tenant", "WEST"}}, "expected form", "west1"},
        {{{"tenant", "west\n"}}, "expected form", ""},
        {{{"tenant", "west"}, {"zone", "asia"}}, "eu, us", ""},
        {{{"tenat", "west"}}, "no variable \"tenat\"", "did you mean \"tenant\"?"},
        {{{"tenant", "west"}, {"base_url", "http://evil.test"}}, "base_url", "https"},
        {{{"tenant", "west"}, {"site", "https://u@evil.test"}}, "site", ""},
    };
    for (const Case& c : cases) {
        const auto values = complete_variables(d, c.given);
        ASSERT_FALSE(values) << c.message;
        EXPECT_EQ(values.error().code, base::ErrorCode::invalid_input);
        EXPECT_NE(values.error().message.find(c.message), std::string::npos) << values.error().message;
        EXPECT_NE(values.error().hint.find(c.hint), std::string::npos) << values.error().hint;
    }
}

TEST(Expand, base_url_is_unknown_where_nothing_uses_it) {
    ProviderDefinition d = with_vars();
    d.oauth2.reset();
    EXPECT_FALSE(complete_variables(d, {{"tenant", "west"}, {"base_url", "https://a.example"}}));
    EXPECT_TRUE(complete_variables(d, {{"tenant", "west"}}));
}

TEST(Pattern, PX04_hosts_that_strangers_can_own) {
    for (const std::string_view good : {R"(api\.acme\.example)", R"(.*\.acme\.example)", R"(^(a|b)\.acme\.example$)", R"((?i).+\.acme\.example)",
                                        R"(a\.acme\.example|b\.acme\.example)", R"([a-z]+\.acme\.co\.uk)"}) {
        EXPECT_TRUE(host_pattern_is_anchored(good)) << good;
    }
    for (const std::string_view bad : {R"(.*acme.*)", R"(.*acme\.example)", R"(.*\.acme.example)", R"(.*\.example)", R"(.*)", R"()",
                                       R"(a\.acme\.example|.*)", R"(.*\.co\.uk)", R"(.*\\.acme\.example)", R"(api\.acme\.example.*)",
                                       R"(\.?acme\.example)", R"((a\.acme\.example|evil))", R"(.*\.acme\.example?)", R"([\.]acme\.example)",
                                       R"(()", R"(a\.acme\.exampl[e])", R"(.*\.dyndns\.org)", R"(a|b\.acme\.example)"}) {
        EXPECT_FALSE(host_pattern_is_anchored(bad)) << bad;
    }
}

}  // namespace
}  // namespace claviger::provider
