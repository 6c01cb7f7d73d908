#include "oauth/authorize.hpp"

#include <gtest/gtest.h>

#include "oauth/foreign_text.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

net::Url url(std::string_view text) { return net::Url::parse(text).value(); }

AuthorizationRequest request_to(std::string_view endpoint = "https://as.example/authorize") {
    AuthorizationRequest request;
    request.endpoint = url(endpoint);
    request.client_id = "client-1";
    request.redirect_uri = "http://127.0.0.1:7998/auth/callback/oauth";
    request.state = base::Secret("the-state");
    request.scopes = {"read", "write:all"};
    request.code_challenge = "challenge";
    return request;
}

TEST(Authorize, every_parameter_stands_once_and_the_endpoints_query_is_kept) {
    auto request = request_to("https://as.example/authorize?tenant=a%20b");
    request.resource = "https://api.example/mcp";
    request.extra = {{"access_type", "offline"}, {"prompt", "a&b=c"}};
    const auto link = authorization_url(request);
    ASSERT_TRUE(link) << link.error().message;
    EXPECT_EQ(link->text(),
              "https://as.example/authorize?tenant=a%20b&response_type=code&client_id=client-1"
              "&redirect_uri=http%3A%2F%2F127.0.0.1%3A7998%2Fauth%2Fcallback%2Foauth&scope=read+write%3Aall"
              "&state=the-state&code_challenge=challenge&code_challenge_method=S256"
              "&resource=https%3A%2F%2Fapi.example%2Fmcp&access_type=offline&prompt=a%26b%3Dc");
}

TEST(Authorize, separator_parameter_name_and_renames_are_data) {
    auto request = request_to();
    request.scope_separator = ",";
    request.scope_param = "user_scope";
    request.rename = {{"client_id", "client_key"}, {"state", "s"}};
    request.code_challenge.clear();
    const auto link = authorization_url(request);
    ASSERT_TRUE(link);
    EXPECT_EQ(*link->query(),
              "response_type=code&client_key=client-1&redirect_uri=http%3A%2F%2F127.0.0.1%3A7998%2Fauth%2Fcallback%2Foauth"
              "&user_scope=read%2Cwrite%3Aall&s=the-state");
}

TEST(Authorize, without_scopes_there_is_no_scope_parameter) {
    auto request = request_to();
    request.scopes.clear();
    EXPECT_EQ(authorization_url(request)->query()->find("scope"), std::string::npos);
}

TEST(Authorize, OA29_extra_parameters_cannot_override_protocol_parameters) {
    for (const auto* name : {"state", "redirect_uri", "client_id", "response_type", "code_challenge", "code_challenge_method",
                             "scope", "STATE", "Client_Id", "request", "request_uri"}) {
        auto request = request_to();
        request.extra = {{name, "evil"}};
        const auto link = authorization_url(request);
        ASSERT_FALSE(link) << name;
        EXPECT_EQ(link.error().code, ErrorCode::invalid_input);
    }
    auto renamed = request_to();
    renamed.rename = {{"client_id", "client_key"}};
    renamed.extra = {{"client_key", "evil"}};
    EXPECT_FALSE(authorization_url(renamed));
}

TEST(Authorize, OA29_the_endpoints_own_query_cannot_override_either) {
    for (const auto* query : {"state=x", "redirect_uri=https://evil.example", "a=1&client%5Fid=x", "scope"}) {
        const auto link = authorization_url(request_to(std::string("https://as.example/authorize?") + query));
        EXPECT_FALSE(link) << query;
    }
}

TEST(Authorize, OA09_only_https_and_loopback_http) {
    struct Row { const char* endpoint; bool good; };
    const Row rows[] = {
        {"https://as.example/a", true},      {"http://127.0.0.1:9/a", true},   {"http://localhost:9/a", true},
        {"http://[::1]:9/a", true},          {"http://as.example/a", false},   {"http://10.0.0.1/a", false},
        {"http://127.0.0.1.evil.example/a", false}, {"ws://as.example/a", false}, {"https://u:p@as.example/a", false},
        {"https://as.example/a#f", false},   {"http://localhost.evil.example/", false}, {"http://192.168.1.1/a", false},
    };
    for (const auto& row : rows) EXPECT_EQ(authorization_url(request_to(row.endpoint)).has_value(), row.good) << row.endpoint;
}

ResponseRules rules() { return {"https://as.example", true, "code", {"realmId"}}; }

TEST(AuthorizationResponse, gives_the_code_and_what_is_to_be_captured) {
    const auto grant = read_authorization_response(
        {{"code", "c-1"}, {"state", "s"}, {"iss", "https://as.example"}, {"realmId", "42"}, {"other", "x"}}, rules());
    ASSERT_TRUE(grant);
    EXPECT_TRUE(grant->code.equals("c-1"));
    EXPECT_EQ(grant->captured, (std::map<std::string, std::string>{{"realmId", "42"}}));
}

TEST(AuthorizationResponse, OA04_issuer_missing_though_announced_or_different_is_refused) {
    struct Row { const char* iss; bool required, good; };
    const Row rows[] = {
        {nullptr, true, false},
        {nullptr, false, true},
        {"https://as.example", true, true},
        {"https://as.example", false, true},
        {"https://as.example/", true, false},
        {"https://AS.example", true, false},
        {"https://evil.example", false, false},
        {"", false, false},
    };
    for (const auto& row : rows) {
        Parameters parameters{{"code", "c"}};
        if (row.iss != nullptr) parameters.emplace_back("iss", row.iss);
        auto rule = rules();
        rule.iss_required = row.required;
        EXPECT_EQ(read_authorization_response(parameters, rule).has_value(), row.good) << (row.iss ? row.iss : "absent");
    }
    // An error answer from the wrong server is not believed either.
    const auto wrong = read_authorization_response({{"error", "access_denied"}, {"iss", "https://evil.example"}}, rules());
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().message.find("access_denied"), std::string::npos);
}

TEST(AuthorizationResponse, repeated_parameters_are_a_protocol_error) {
    for (const auto* name : {"code", "iss", "error", "anything"}) {
        Parameters parameters{{"code", "c"}, {"iss", "https://as.example"}};
        parameters.emplace_back(name, "x");
        parameters.emplace_back(name, "x");
        const auto grant = read_authorization_response(parameters, rules());
        ASSERT_FALSE(grant) << name;
        EXPECT_EQ(grant.error().code, ErrorCode::protocol);
    }
}

TEST(AuthorizationResponse, a_code_must_be_printable_and_bounded) {
    for (const auto& code : {std::string(), std::string("a\nb"), std::string("caf\xc3\xa9"), std::string(9000, 'c')}) {
        const auto grant = read_authorization_response({{"code", code}, {"iss", "https://as.example"}}, rules());
        ASSERT_FALSE(grant);
        EXPECT_EQ(grant.error().code, ErrorCode::protocol);
    }
}

TEST(AuthorizationResponse, OA32_the_servers_words_are_cleaned_and_short) {
    const std::string canary = "cnry-8f3e61aa07d94b2f9c5d";
    const auto grant = read_authorization_response(
        {{"error", "access_denied"},
         {"error_description", "no\x1b[31m way \xe2\x80\xae" + canary + " " + std::string(5000, 'x')},
         {"iss", "https://as.example"}},
        rules());
    ASSERT_FALSE(grant);
    const auto text = grant.error().describe();
    EXPECT_EQ(grant.error().code, ErrorCode::authorization_failed);
    EXPECT_NE(text.find("access_denied"), std::string::npos);
    EXPECT_EQ(text.find(canary), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
    EXPECT_LE(text.size(), 300U);
}

TEST(ForeignText, OA32_keeps_words_and_removes_what_looks_like_a_token) {
    struct Row { const char *in, *out; };
    const Row rows[] = {
        {"The redirect_uri does not match", "The redirect_uri does not match"},
        {"code eyJhbGciOiJIUzI1NiJ9.e30.x is bad", "code [removed] is bad"},
        {"invalid_client_metadata", "invalid_client_metadata"},
        {"see https://as.example/help", "see https://as.example/help"},
        {"key sk-1234567890abcdef", "key [removed]"},
        {"short 12345", "short 12345"},
    };
    for (const auto& row : rows) EXPECT_EQ(clean_text(row.in), row.out);
}

}  // namespace
}  // namespace claviger::oauth
