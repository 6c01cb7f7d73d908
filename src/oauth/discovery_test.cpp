#include "oauth/discovery.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.hpp"

namespace claviger::oauth {
namespace {

net::Url url(std::string_view text) { return net::Url::parse(text).value(); }

std::vector<std::string> texts(const std::vector<net::Url>& urls) {
    std::vector<std::string> out;
    for (const auto& each : urls) out.push_back(each.text());
    return out;
}

TEST(Discovery, OA06_places_by_rfc_8414_insertion_and_openid_appending) {
    EXPECT_EQ(texts(server_metadata_urls(url("https://as.example"))),
              (std::vector<std::string>{"https://as.example/.well-known/oauth-authorization-server",
                                        "https://as.example/.well-known/openid-configuration"}));
    EXPECT_EQ(texts(server_metadata_urls(url("https://as.example:8443/realms/a/"))),
              (std::vector<std::string>{"https://as.example:8443/.well-known/oauth-authorization-server/realms/a",
                                        "https://as.example:8443/.well-known/openid-configuration/realms/a",
                                        "https://as.example:8443/realms/a/.well-known/openid-configuration"}));
}

TEST(Discovery, OA06_the_issuer_must_be_the_asked_one_exactly) {
    const auto document = [](std::string_view issuer) {
        return std::string(R"({"issuer":")") + std::string(issuer) + R"(","token_endpoint":"https://as.example/t"})";
    };
    EXPECT_TRUE(read_server_metadata(document("https://as.example"), "https://as.example"));
    for (const auto* issuer : {"https://as.example/", "https://AS.example", "http://as.example", "https://evil.example", "",
                               "https://as.example/x", "https://as.example#"})
        EXPECT_FALSE(read_server_metadata(document(issuer), "https://as.example")) << issuer;
    EXPECT_FALSE(read_server_metadata(R"({"token_endpoint":"https://as.example/t"})", "https://as.example"));
    EXPECT_FALSE(read_server_metadata(R"({"issuer":["https://as.example"]})", "https://as.example"));
}

TEST(Discovery, OA09_endpoints_in_metadata_must_be_https) {
    for (const auto* bad : {"http://as.example/t", "javascript:alert(1)", "file:///etc/passwd", "https://u@as.example/t", "not a url",
                            "/relative", "ftp://as.example/", "calc.exe", "http://127.0.0.1:9/t", "https://localhost/t", "http://[::1]/t"}) {
        const auto document = std::string(R"({"issuer":"https://as.example","authorization_endpoint":")") + bad + "\"}";
        EXPECT_FALSE(read_server_metadata(document, "https://as.example")) << bad;
    }
}

TEST(Discovery, only_a_server_of_this_machine_may_point_at_this_machine) {
    EXPECT_TRUE(read_server_metadata(R"({"issuer":"http://127.0.0.1:9","token_endpoint":"http://127.0.0.1:9/t"})", "http://127.0.0.1:9"));
    const auto listed = [](std::string_view asked) {
        const auto document = fmt::format(R"({{"resource":"{}","authorization_servers":["http://127.0.0.1:9","https://as.example"]}})", asked);
        return read_protected_resource(document, url(asked), false)->authorization_servers.size();
    };
    EXPECT_EQ(listed("https://api.example/mcp"), 1U);
    EXPECT_EQ(listed("http://127.0.0.1:8/mcp"), 2U);
}

TEST(Discovery, reads_all_that_the_flows_use) {
    const auto metadata = read_server_metadata(R"({"issuer":"https://as.example","authorization_endpoint":"https://as.example/a",
        "token_endpoint":"https://as.example/t","registration_endpoint":"https://as.example/r",
        "code_challenge_methods_supported":["S256"],"token_endpoint_auth_methods_supported":["none",7,"client_secret_post"],
        "authorization_response_iss_parameter_supported":true,"scopes_supported":["a"]})", "https://as.example");
    ASSERT_TRUE(metadata) << metadata.error().message;
    EXPECT_EQ(metadata->registration_endpoint->text(), "https://as.example/r");
    EXPECT_TRUE(metadata->authorization_response_iss_parameter_supported);
    EXPECT_TRUE(metadata->code_challenge_methods_stated);
    EXPECT_EQ(metadata->token_endpoint_auth_methods_supported, (std::vector<std::string>{"none", "client_secret_post"}));
}

TEST(ProtectedResource, OA07_the_resource_must_be_the_url_that_was_asked) {
    struct Row { const char *asked, *said; bool exact, parent; };
    const Row rows[] = {
        {"https://api.example/mcp", "https://api.example/mcp", true, true},
        {"https://api.example/mcp", "https://api.example/mcp/", true, true},
        {"https://api.example", "https://api.example", true, true},
        {"https://api.example/mcp", "https://api.example", false, true},
        {"https://api.example/mcp/a", "https://api.example/mcp", false, true},
        {"https://api.example/mcpx", "https://api.example/mcp", false, false},
        {"https://api.example/mcp", "https://api.example/mcp/a", false, false},
        {"https://api.example/mcp", "https://evil.example/mcp", false, false},
        {"https://api.example/mcp", "http://api.example/mcp", false, false},
        {"https://api.example/mcp", "https://api.example:444/mcp", false, false},
        {"https://api.example/mcp", "", false, false},
        {"https://api.example/mcp", "https://api.example/mcp#x", false, false},
    };
    for (const auto& row : rows) {
        const auto document = std::string(R"({"resource":")") + row.said + R"(","authorization_servers":["https://as.example"]})";
        EXPECT_EQ(read_protected_resource(document, url(row.asked), false).has_value(), row.exact) << row.asked << " " << row.said;
        EXPECT_EQ(read_protected_resource(document, url(row.asked), true).has_value(), row.parent) << row.asked << " " << row.said;
    }
}

TEST(ProtectedResource, OA07_challenge_parameter) {
    EXPECT_EQ(resource_metadata_of(R"(Bearer resource_metadata="https://a.example/x", error="e")"), "https://a.example/x");
    EXPECT_EQ(resource_metadata_of(R"(Bearer error="e",Resource_Metadata = "https://a.example/x")"), "https://a.example/x");
    EXPECT_EQ(resource_metadata_of(R"(Bearer resource_metadata=https://a.example/x)"), "https://a.example/x");
    EXPECT_EQ(resource_metadata_of(R"(Bearer x_resource_metadata="https://a.example/x")"), "");
    EXPECT_EQ(resource_metadata_of(R"(Bearer resource_metadata="https://a.example/x)"), "");
    EXPECT_EQ(resource_metadata_of("Bearer"), "");
}

}  // namespace
}  // namespace claviger::oauth
