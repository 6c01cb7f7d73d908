#include "policy/rule.hpp"

#include <gtest/gtest.h>

namespace claviger::policy {
namespace {

TEST(Rule, what_is_written_is_what_is_meant) {
    const struct { std::string_view written, text; } rows[] = {
        {"api.acme.com", "api.acme.com"},
        {"*:api.acme.com", "api.acme.com"},
        {"GET:api.acme.com", "GET:api.acme.com"},
        {"get:api.acme.com", "GET:api.acme.com"},
        {"GET,post:api.acme.com", "GET,POST:api.acme.com"},
        {"GET,POST:api.acme.com/x/*", "GET,POST:api.acme.com/x/*"},
        {"*:api.acme.com/**", "api.acme.com"},
        {"read:*", "read"},
        {"write:*/admin/**", "write:/admin/**"},
        {"*:*/admin", "/admin"},
        {"/admin", "/admin"},
        {"DELETE:/admin", "DELETE:/admin"},
        {"*", "*"},
        {"*:*", "*"},
        {"/**", "*"},
        {"DELETE", "DELETE"},
        {"delete", "DELETE"},
        {"Put,patch", "PUT,PATCH"},
        {"report", "report"},  // a host
        {"write", "write"},
        {"PUT,PATCH", "PUT,PATCH"},
        {"localhost:8443/x", "localhost:8443/x"},
        {"POST:localhost:8443/x", "POST:localhost:8443/x"},
        {"[::1]:8443", "[::1]:8443"},
        {"*.acme.com", "*.acme.com"},
        {"**.acme.com:444/x", "**.acme.com:444/x"},
        {"M-SEARCH:api.acme.com", "M-SEARCH:api.acme.com"},
        // What cannot be meant.
        {"", ""}, {":", ""}, {"GET:", ""}, {"GET:GET:x", ""}, {"GE T:api.acme.com", ""}, {"https://api.acme.com", ""},
        {"user@api.acme.com", ""}, {"api.acme.com?x", ""}, {"api.acme.com/x?y", ""}, {"api.acme.com/x#y", ""}, {"api.acme.com/a b", ""},
        {"api.acme.com/a%2fb", ""}, {"api.acme.com/a%00", ""}, {"api.acme.com\\x", ""}, {"*.com", ""}, {"a*.com", ""}, {"api.*", ""},
        {"api.acme.com:0", ""}, {"api.acme.com:70000", ""}, {"api.acme.com:x", ""}, {"/***", ""}, {"GET,:api.acme.com", ""},
    };
    for (const auto& row : rows) {
        const auto rule = Rule::parse(Action::deny, row.written);
        ASSERT_EQ(rule.has_value(), !row.text.empty()) << row.written << (rule ? " became " + rule->text() : " " + rule.error().describe());
        if (!rule) {
            EXPECT_FALSE(rule.error().message.empty());
            EXPECT_FALSE(rule.error().hint.empty()) << row.written << ": " << rule.error().message;
            continue;
        }
        EXPECT_EQ(rule->text(), row.text) << row.written;
        EXPECT_EQ(rule->name, "deny " + std::string(row.text));
        const auto again = Rule::parse(Action::deny, rule->text());
        ASSERT_TRUE(again) << rule->text();
        EXPECT_EQ(again->text(), rule->text());
    }
}

TEST(Rule, hosts_are_compared_as_urls_have_them) {
    const auto rule = Rule::parse(Action::deny, "B\xc3\xbc" "cher.example");
    ASSERT_TRUE(rule);
    EXPECT_TRUE(rule->names_host("xn--bcher-kva.example", 443));
}

TEST(Methods, what_each_matches) {
    const struct { std::string_view methods, method; bool match; } rows[] = {
        {"*", "ANY", true},     {"read", "GET", true},     {"read", "POST", false},  {"read", "TRACE", false},    {"read", "options", true},
        {"write", "POST", true}, {"write", "head", false}, {"write", "", true},      {"GET", "HEAD", true},       {"HEAD", "GET", false},
        {"GET", "get", true},    {"GET,POST", "post", true}, {"GET", "GETX", false}, {"GET", "POST", false},
    };
    for (const auto& row : rows) {
        const auto methods = Methods::parse(row.methods);
        ASSERT_TRUE(methods) << row.methods;
        EXPECT_EQ(methods->match(row.method), row.match) << row.methods << " " << row.method;
        EXPECT_EQ(methods->text(), row.methods);
    }
}

TEST(Methods, PX32_a_query_may_ask_for_another_method) {
    const struct { std::string_view query; std::vector<std::string> methods; } rows[] = {
        {"", {}}, {"a=b&method=DELETE", {}}, {"_method=delete", {"DELETE"}}, {"a=1&_METHOD=put", {"PUT"}}, {"_method", {}}, {"_method=", {}},
        {"%5fmethod=DELETE", {"DELETE"}}, {"-method=DELETE", {"DELETE"}}, {"_method[]=DELETE", {"DELETE"}}, {"a;_method=DELETE", {"DELETE"}},
        {"_method=GET&_method=DELETE", {"GET", "DELETE"}}, {"_HttpMethod=PATCH", {"PATCH"}}, {"%24httpMethod=PATCH", {"PATCH"}},
        {"x_http_method_override=PUT", {"PUT"}}, {"X-HTTP-Method=MERGE", {"MERGE"}}, {"_method=D%45LETE", {"DELETE"}}, {"+_method=+put+", {"PUT"}},
        {"_method=PUT%zz", {"PUT%ZZ"}}, {".method=DELETE", {"DELETE"}}, {"+method=DELETE", {}}, {"%20%00_method=x", {}}, {"_method%00x=DELETE", {"DELETE"}},
    };
    for (const auto& row : rows) EXPECT_EQ(methods_in_query(row.query), row.methods) << row.query;
}

TEST(Methods, PX32_fields_that_override_the_request_line) {
    for (const std::string_view name : {"X-HTTP-Method-Override", "x_http_method_override", "X-Http-Method", "X-Method-Override", "X-METHOD", "X-Original-URL", "X-Rewrite-URL"}) {
        EXPECT_TRUE(overrides_request_line(name)) << name;
    }
    for (const std::string_view name : {"X-Original-URL", "x_rewrite_url"}) EXPECT_TRUE(overrides_path(name)) << name;
    EXPECT_FALSE(overrides_path("X-Method"));
    for (const std::string_view name : {"X-HTTP", "Method", "X-Methods", "Host"}) EXPECT_FALSE(overrides_request_line(name)) << name;
}

}  // namespace
}  // namespace claviger::policy
