// One mistake does not hide the others, and each says what would be right.
#include <gtest/gtest.h>

#include "provider/read.hpp"

namespace claviger::provider {
namespace {

std::string findings_of(std::string_view text) { return format_findings(read_definition(text).findings, ""); }

TEST(Read, a_key_twice_is_reported_and_the_rest_is_checked) {
    const auto text = findings_of("{\"name\": \"acme\",\n \"name\": \"acme\", \"display_name\": \"Acme\", \"auth_type\": \"api_key\", \"flow\": \"nonsense\",\n"
                                  " \"api_key\": {\"header_name\": 7}, \"api_url\": \"api.acme.com\"}");
    for (const char* part : {"error: /name (line 2, column 2): is there twice", "/flow (line 2, ", "/api_key/header_name (line 3, "}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    }
    EXPECT_FALSE(read_definition("{\"name\":\"acme\",\"name\":\"acme\",\"display_name\":\"A\",\"auth_type\":\"basic\",\"flow\":\"basic\",\"api_url\":\"a.acme.com\"}").ok());
}

TEST(Read, a_block_under_a_wrong_name_is_checked_as_what_was_meant) {
    const auto text = findings_of(R"({"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce","api_url":"api.acme.com",
        "oauth2":{"authorization_url":"http://acme.com/a","token_url":"https://acme.com/t","scops":["a"]}})");
    for (const char* part : {"error: /oauth2 (line 2, column 9): is not known here; did you mean \"oauth\"?", "/oauth2/authorization_url (line 2, column 19): must be https",
                             "/oauth2/scops (line 2, ", "did you mean \"scopes\"?"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    }
    EXPECT_EQ(text.find("needs an \"oauth\" block"), std::string::npos) << text;
}

TEST(Read, a_missing_kind_says_what_may_stand_there) {
    EXPECT_NE(findings_of(R"({"name":"a"})").find("): is required; write one of: oauth2, oauth1, api_key, basic, custom"), std::string::npos);
    EXPECT_NE(findings_of(R"({"name":"a","auth_type":"oauth2"})").find("): is required; write one of: pkce, dcr_pkce, device_code, client_credentials"), std::string::npos);
    const auto broken = read_definition(R"({"name":"a","auth_type":"oauth2","flow":7})");
    EXPECT_EQ(broken.auth_type, AuthType::oauth2);
    EXPECT_FALSE(broken.flow);
}

TEST(Read, a_resource_alone_is_enough_to_discover_from) {
    const auto text = [](std::string_view flow) {
        return R"({"name":"acme","display_name":"Acme","auth_type":"oauth2","api_url":"mcp.acme.com","oauth":{"resource":"https://mcp.acme.com/mcp"},"flow":")" + std::string(flow) + "\"}";
    };
    EXPECT_TRUE(read_definition(text("dcr_pkce")).ok()) << findings_of(text("dcr_pkce"));
    EXPECT_TRUE(read_definition(text("pkce")).ok());
    EXPECT_FALSE(read_definition(text("client_credentials")).ok());
}

TEST(Read, identity_and_probe_stay_with_the_service) {
    const auto with = [](std::string_view places, std::string_view probe) {
        return R"({"name":"acme","display_name":"Acme","auth_type":"api_key","flow":"api_key","api_key":{},)" + std::string(places) + R"(,"probe":{"url":")" + std::string(probe) + "\"}}";
    };
    const struct { std::string_view places, probe; bool foreign; } rows[] = {
        {R"("api_url":"api.acme.com")", "https://api.acme.com/me", false},
        {R"("api_url":"api.acme.com")", "https://API.acme.com:443/me", false},
        {R"("api_url":"api.acme.com")", "https://acme.com/me", true},
        {R"("api_url":"*.acme.com")", "https://eu.acme.com/me", false},
        {R"("api_url":"*.acme.com")", "https://a.b.acme.com/me", true},
        {R"("api_url":"**.acme.com")", "https://a.b.acme.com/me", false},
        {R"("api_url":"**.acme.com")", "https://evilacme.com/me", true},
        {R"("authorized_uris":["https://api.acme.com/*"])", "https://api.acme.com/me", false},
        {R"("authorized_uris":["https://api.acme.com/*"])", "https://other.example/me", true},
        {R"("api_url":"{base_url}")", "{base_url}/me", false}};
    for (const auto& row : rows) {
        const auto text = with(row.places, row.probe);
        EXPECT_EQ(findings_of(text).find("foreign_host") != std::string::npos, row.foreign) << text << "\n" << findings_of(text);
    }
}

}  // namespace
}  // namespace claviger::provider
