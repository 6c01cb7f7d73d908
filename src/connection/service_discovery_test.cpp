#include "connection/service_discovery.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "provider/read.hpp"

namespace claviger::connection {
namespace {

net::Url url(std::string_view text) { return *net::Url::parse(text); }

DiscoveredService service(const std::string& more = "") {
    const auto metadata = oauth::read_server_metadata(R"({"issuer":"https://login.acme.example","authorization_endpoint":"https://login.acme.example/a","token_endpoint":"https://login.acme.example/t")" + more + "}",
                                                      "https://login.acme.example");
    EXPECT_TRUE(metadata) << metadata.error().describe();
    return {url("https://login.acme.example/"), {}, false, *metadata, {}};
}

TEST(ServiceDiscovery, a_name_comes_from_the_host) {
    for (const auto& [from, name] : {std::pair("https://mcp.acme.co.uk/mcp", "acme"), {"https://acme.com", "acme"}, {"https://API.Linear-Thing.app/x", "linear-thing"}, {"http://127.0.0.1:80/", "local"}, {"http://localhost/", "local"}})
        EXPECT_EQ(suggested_name(url(from)), name) << from;
}

TEST(ServiceDiscovery, the_flow_follows_from_the_endpoints) {
    EXPECT_EQ(definition_of(service(), "acme").flow, provider::Flow::pkce);
    EXPECT_EQ(definition_of(service(R"(,"registration_endpoint":"https://login.acme.example/r")"), "acme").flow, provider::Flow::dcr_pkce);
    auto device = service(R"(,"device_authorization_endpoint":"https://login.acme.example/d")");
    device.server.authorization_endpoint.reset();
    EXPECT_EQ(definition_of(device, "acme").flow, provider::Flow::device_code);
}

TEST(ServiceDiscovery, OA04_an_announced_issuer_in_the_response_is_remembered) {
    constexpr const char* kAnnounced = R"(,"authorization_response_iss_parameter_supported":true)";
    EXPECT_FALSE(definition_of(service(), "acme").oauth2->callback.iss_required);
    EXPECT_TRUE(definition_of(service(kAnnounced), "acme").oauth2->callback.iss_required);
    auto device = service(kAnnounced);
    device.server.authorization_endpoint.reset();
    EXPECT_FALSE(definition_of(device, "acme").oauth2->callback.iss_required) << "no response comes back";
}

TEST(ServiceDiscovery, what_is_made_reads_back_without_an_error) {
    auto found = service(R"(,"scopes_supported":["openid","offline_access","bad scope","read","read"],"code_challenge_methods_supported":["S256"],"token_endpoint_auth_methods_supported":["client_secret_basic"])");
    found.asked = url("https://mcp.acme.example/mcp");
    found.resource = oauth::ProtectedResource{"https://mcp.acme.example/mcp", "Acme Tools", {"https://login.acme.example"}, {}, {}};
    const auto read = provider::read_definition(json::to_pretty_text(provider::to_native_json(definition_of(found, "acme"))));
    ASSERT_TRUE(read.ok()) << provider::format_findings(read.findings, "");
    const auto& d = read.definitions.front();
    EXPECT_EQ(d.display_name, "Acme Tools");
    EXPECT_EQ(d.api_urls, std::vector<std::string>{"https://mcp.acme.example/mcp"});
    EXPECT_EQ(d.oauth2->scopes, (std::vector<std::string>{"openid", "offline_access"}));
    EXPECT_EQ(d.oauth2->available_scopes.size(), 3u);
    EXPECT_TRUE(d.oauth2->pkce) << "OA-02: only a human switches it off";
    EXPECT_EQ(d.oauth2->token_auth_method, provider::TokenAuthMethod::client_secret_basic);
}

TEST(ServiceDiscovery, OA02_what_a_server_without_a_resource_says_of_PKCE_is_told) {
    const auto told = [](const std::string& methods) {
        const auto notes = notes_on(service(methods));
        const auto line = std::find_if(notes.missing.begin(), notes.missing.end(), [](const auto& missing) { return missing.find("PKCE") != std::string::npos; });
        return line == notes.missing.end() ? std::string() : *line;
    };
    EXPECT_EQ(told(R"(,"code_challenge_methods_supported":["plain","S256"])"), "");
    EXPECT_TRUE(told(R"(,"code_challenge_methods_supported":["plain"])").starts_with("PKCE with S256"));
    EXPECT_TRUE(told(R"(,"code_challenge_methods_supported":[])").starts_with("PKCE with S256"));
    EXPECT_TRUE(told("").starts_with("a word on PKCE"));
}

}  // namespace
}  // namespace claviger::connection
