#include "oauth/discovery.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "http/server.hpp"

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

TEST(ProtectedResource, OA07_where_a_challenge_may_send_us) {
    struct Row { const char *place, *resource; bool good; };
    const Row rows[] = {
        {"https://api.example/m", "https://api.example/mcp", true},
        {"https://other.example/m", "https://api.example/mcp", true},
        {"https://8.8.8.8/m", "https://api.example/mcp", true},
        {"http://api.example/m", "https://api.example/mcp", false},
        {"ftp://api.example/m", "https://api.example/mcp", false},
        {"https://u:p@api.example/m", "https://api.example/mcp", false},
        {"https://api.example/m#x", "https://api.example/mcp", false},
        {"http://127.0.0.1:9/m", "https://api.example/mcp", false},
        {"https://127.0.0.1/m", "https://api.example/mcp", false},
        {"https://localhost/m", "https://api.example/mcp", false},
        {"http://[::1]:9/m", "https://api.example/mcp", false},
        {"https://2130706433/m", "https://api.example/mcp", false},
        {"https://10.0.0.1/m", "https://api.example/mcp", false},
        {"https://192.168.1.1/m", "https://api.example/mcp", false},
        {"https://169.254.169.254/m", "https://api.example/mcp", false},
        {"https://[fd00::1]/m", "https://api.example/mcp", false},
        {"https://[::ffff:10.0.0.1]/m", "https://api.example/mcp", false},
        {"http://127.0.0.1:9/m", "http://127.0.0.1:8/mcp", true},
        {"https://10.0.0.1/m", "http://127.0.0.1:8/mcp", false},
        {"http://10.0.0.1/m", "https://10.0.0.1/mcp", false},
        {"https://10.0.0.1:8443/m", "https://10.0.0.1/mcp", true},
        {"https://10.0.0.2/m", "https://10.0.0.1/mcp", false},
    };
    for (const auto& row : rows) {
        const auto place = net::Url::parse(row.place);  // some are refused as URLs already
        EXPECT_EQ(place && check_metadata_place(*place, url(row.resource)), row.good) << row.place << " of " << row.resource;
    }
}

TEST(ProtectedResource, OA07_what_a_challenge_must_not_name_is_never_asked) {
    net::Loop loop;
    auto listener = net::Listener::loopback(loop, 0);
    ASSERT_TRUE(listener);
    const auto origin = fmt::format("http://127.0.0.1:{}", listener->port());
    std::string place, body;
    const auto answer = [](const std::string* metadata, const std::string* document, http::ServerRequest request) -> net::Task<http::ServerResponse> {
        http::ServerResponse response;
        response.status = request.head.target == "/mcp" ? 401 : request.head.target == "/here" ? 200 : 404;
        if (response.status == 401) response.fields.set("WWW-Authenticate", "Bearer resource_metadata=\"" + *metadata + "\"");
        if (response.status == 200) response.body = *document;
        co_return response;
    };
    http::Server server(loop, std::move(*listener), http::Server::Options{}, [&](http::ServerRequest request) { return answer(&place, &body, std::move(request)); });
    std::vector<std::string> asked;
    http::Client::Options options;
    options.addresses.allow_loopback = true;
    options.addresses.allow_private = true;  // discovery itself refuses, whatever the client would dial
    options.total_time = std::chrono::milliseconds(2'000);
    options.observer = [&](const http::Request& request, const base::Result<http::Response>&) { asked.push_back(request.url.text()); };
    auto http = http::Client::make(loop, std::move(options));
    ASSERT_TRUE(http);
    const auto discover = [&] { return loop.run_until(discover_resource(*http, url(origin + "/mcp"))); };
    for (const auto* bad : {"http://10.0.0.1/here", "https://10.0.0.1/here", "http://as.example/here", "https://169.254.169.254/here", "https://u@127.0.0.1/here", "/here", "not a url"}) {
        place = bad;
        asked.clear();
        const auto found = discover();
        ASSERT_FALSE(found) << bad;
        EXPECT_EQ(found.error().code, base::ErrorCode::protocol) << bad;
        ASSERT_EQ(asked.size(), 3U) << bad;  // both well-known places and the resource
        for (const auto& each : asked) EXPECT_TRUE(each.starts_with(origin)) << each;
    }
    place = origin + "/here";
    body = fmt::format(R"({{"resource":"{}/mcp","authorization_servers":["https://as.example"]}})", origin);
    const auto found = discover();
    ASSERT_TRUE(found) << found.error().describe();
    EXPECT_EQ(found->authorization_servers, std::vector<std::string>{"https://as.example"});
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
