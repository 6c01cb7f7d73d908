#include "provider/advice.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "json/parse.hpp"
#include "provider/read.hpp"

namespace claviger::provider {
namespace {

std::vector<std::string> codes_of(const std::string& text) {
    const auto read = read_definition(text);
    const auto root = json::parse(text);
    EXPECT_TRUE(root) << text;
    std::vector<std::string> codes;
    for (const auto& advice : advise(*root, read.definitions.empty() ? nullptr : &read.definitions.front())) codes.push_back(advice.code + " " + advice.pointer);
    return codes;
}
bool has(const std::vector<std::string>& codes, const std::string& code) { return std::find(codes.begin(), codes.end(), code) != codes.end(); }
std::string oauth(const std::string& members, const std::string& top = "") {
    return R"({"schema_version":1,"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce","api_url":"api.acme.example")" + top +
           R"(,"oauth":{"authorization_url":"https://acme.example/a","token_url":"https://acme.example/t")" + members + "}}";
}

TEST(Advice, a_secret_is_found_wherever_it_stands_and_a_name_is_none) {
    EXPECT_TRUE(has(codes_of(oauth(R"(,"client_secret":"9f86d081884c7d65")")), "secret_in_file /oauth/client_secret"));
    EXPECT_TRUE(has(codes_of(oauth(R"(,"client_secret":"hush")")), "secret_in_file /oauth/client_secret")) << "a word";
    EXPECT_TRUE(has(codes_of(oauth(R"(,"token_params":{"client_secret":"9f86d081884c7d65"})")), "secret_in_file /oauth/token_params/client_secret"));
    EXPECT_TRUE(has(codes_of(oauth(R"(,"token_headers":{"X-Key":"Bearer 9f86d081884c7d659a2f"})")), "secret_in_file /oauth/token_headers/X-Key"));
    EXPECT_TRUE(has(codes_of(oauth("", R"(,"x-note":["-----BEGIN PRIVATE KEY-----"])")), "secret_in_file /x-note/0"));
    for (const auto& harmless : {oauth(R"(,"response":{"access_token":["/data/access_token"]})"), oauth("", R"(,"export":{"env":{"access_token":"ACME_ACCESS_TOKEN"}})"),
                                 oauth("", R"(,"inject":{"headers":{"Authorization":"Bearer {{access_token}}"}})"), oauth(R"(,"rename":{"token":{"client_secret":"client_secret_9"}})")}) {
        for (const auto& code : codes_of(harmless)) EXPECT_FALSE(code.starts_with("secret_in_file")) << harmless;
    }
}

TEST(Advice, each_rule_and_its_opposite) {
    EXPECT_TRUE(has(codes_of(oauth(R"(,"pkce":false)")), "pkce_off /oauth/pkce"));
    EXPECT_FALSE(has(codes_of(oauth("")), "pkce_off /oauth/pkce"));
    EXPECT_TRUE(has(codes_of(oauth("")), "no_revocation /oauth"));
    EXPECT_FALSE(has(codes_of(oauth(R"(,"revocation_url":"https://acme.example/r")")), "no_revocation /oauth"));
    EXPECT_TRUE(has(codes_of(oauth(R"(,"scopes_required":true)")), "no_scopes /oauth/scopes_required"));
    EXPECT_TRUE(has(codes_of(oauth("", R"(,"docs":"https://acme.example")")), "old_spelling /docs"));
    EXPECT_TRUE(has(codes_of(oauth("")), "no_docs "));
    EXPECT_FALSE(has(codes_of(oauth("", R"(,"docs_url":"https://acme.example")")), "no_docs "));
    EXPECT_TRUE(has(codes_of(oauth("")), "no_probe "));
    EXPECT_FALSE(has(codes_of(oauth("", R"(,"probe":{"url":"https://api.acme.example/me"})")), "no_probe "));
}

}  // namespace
}  // namespace claviger::provider
