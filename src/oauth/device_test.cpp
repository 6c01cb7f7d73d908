#include "oauth/device.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace claviger::oauth {
namespace {

using base::ErrorCode;
using namespace std::chrono_literals;

http::Response answer(int status, std::string_view body) {
    http::Response response;
    response.status = status;
    response.fields.set("Content-Type", "application/json");
    response.body = base::WipedString(body);
    return response;
}

constexpr const char* kGood =
    R"({"device_code":"dc-1","user_code":"WDJB-MJHT","verification_uri":"https://acme.example/device",
        "verification_uri_complete":"https://acme.example/device?user_code=WDJB-MJHT","expires_in":1800,"interval":7})";

TEST(DeviceAuthorization, RFC8628_section_3_2_is_read) {
    const auto read = read_device_authorization(answer(200, kGood));
    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_TRUE(read->device_code.equals("dc-1"));
    EXPECT_EQ(read->user_code, "WDJB-MJHT");
    EXPECT_EQ(read->verification_uri.text(), "https://acme.example/device");
    EXPECT_EQ(read->verification_uri_complete->text(), "https://acme.example/device?user_code=WDJB-MJHT");
    EXPECT_EQ(read->expires_in, 1800s);
    EXPECT_EQ(read->interval, 7s);
}

std::string with(const std::string& members) {
    return R"({"device_code":"d","user_code":"AB-12","verification_uri":"https://a.example/d","expires_in":900)" + members + "}";
}

TEST(DeviceAuthorization, OA17_interval_and_lifetime_have_one_meaning_each) {
    struct Row { const char* members; std::chrono::seconds interval, lifetime; };
    const Row rows[] = {
        {"", 5s, 900s},                     {R"(,"interval":0)", 5s, 900s},   {R"(,"interval":-3)", 5s, 900s},
        {R"(,"interval":null)", 5s, 900s},  {R"(,"interval":"8")", 8s, 900s}, {R"(,"interval":1)", 1s, 900s},
        {R"(,"interval":"soon")", 5s, 900s},
    };
    for (const auto& row : rows) {
        const auto read = read_device_authorization(answer(200, with(row.members)));
        ASSERT_TRUE(read) << row.members;
        EXPECT_EQ(read->interval, row.interval) << row.members;
        EXPECT_EQ(read->expires_in, row.lifetime) << row.members;
    }
    const auto lifetime = [](const std::string& text) {
        return read_device_authorization(answer(200, R"({"device_code":"d","user_code":"A","verification_uri":"https://a.example/d")" + text + "}"));
    };
    EXPECT_EQ(lifetime("")->expires_in, 600s);
    EXPECT_EQ(lifetime(R"(,"expires_in":"60")")->expires_in, 60s);
    EXPECT_EQ(lifetime(R"(,"expires_in":9223372036854775807)")->expires_in, 24h);
    EXPECT_EQ(lifetime(R"(,"expires_in":0)").error().code, ErrorCode::protocol);
    EXPECT_EQ(lifetime(R"(,"expires_in":-1)").error().code, ErrorCode::protocol);
    EXPECT_EQ(lifetime(R"(,"expires_in":30,"interval":30)").error().code, ErrorCode::protocol);
}

TEST(DeviceAuthorization, OA17_only_pages_and_plain_codes_reach_the_human) {
    const auto uri = [](const std::string& link) {
        return read_device_authorization(answer(200, R"({"device_code":"d","user_code":"A","expires_in":9,"verification_uri":")" + link + "\"}"));
    };
    EXPECT_TRUE(uri("http://printer.example/go"));
    EXPECT_EQ(uri("https://b\xc3\xbc" "cher.example/")->verification_uri.text(), "https://xn--bcher-kva.example/");
    for (const char* bad : {"javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://a.example/", "", "x",
                            "https://user@a.example/", "https://a.example:pw@evil.example/", "ws://a.example/"})
        EXPECT_EQ(uri(bad).error().code, ErrorCode::protocol) << bad;
    EXPECT_FALSE(uri("https://a.example/" + std::string(3000, 'a')));
    const auto code = [](const std::string& text) {
        return read_device_authorization(answer(200, R"({"device_code":"d","expires_in":9,"verification_uri":"https://a.example/","user_code":")" + text + "\"}"));
    };
    EXPECT_EQ(code(" AB CD ")->user_code, "AB CD");
    for (const char* bad : {"", " ", "\\u001b[2J", "AB\\nCD", "\\u202eABC", "\xc3\xa9"})
        EXPECT_EQ(code(bad).error().code, ErrorCode::protocol) << bad;
    EXPECT_FALSE(code(std::string(65, 'A')));
    // Google's and the drafts' name; the complete link only where the plain one leads.
    EXPECT_TRUE(read_device_authorization(answer(200, R"({"device_code":"d","user_code":"A","verification_url":"https://a.example/","expires_in":9})")));
    for (const char* other : {"https://evil.example/d?c=AB-12", "javascript:x", "http://a.example/d", "7"}) {
        const auto read = read_device_authorization(answer(200, with(fmt::format(R"(,"verification_uri_complete":"{}")", other))));
        ASSERT_TRUE(read) << other;
        EXPECT_FALSE(read->verification_uri_complete) << other;
    }
}

TEST(DeviceAuthorization, OA08_OA12_failures_say_what_happened) {
    struct Row { int status; const char* body; ErrorCode code; const char* part; };
    const Row rows[] = {
        {400, R"({"error":"invalid_client"})", ErrorCode::authorization_failed, "invalid_client"},
        {200, R"({"error":"unauthorized_client","error_description":"device flow is off"})", ErrorCode::authorization_failed, "device flow is off"},
        {401, "<html>", ErrorCode::authorization_failed, "HTTP 401"},
        {404, "", ErrorCode::authorization_failed, "HTTP 404"},
        {429, "", ErrorCode::network, "HTTP 429"},
        {503, "{}", ErrorCode::network, "HTTP 503"},
        {302, kGood, ErrorCode::protocol, "redirect"},
        {200, "[]", ErrorCode::protocol, "JSON object"},
        {200, "", ErrorCode::protocol, "JSON object"},
        {200, R"({"user_code":"A","verification_uri":"https://a.example/","expires_in":9})", ErrorCode::protocol, "device_code"},
        {200, R"({"device_code":"d\u0000","user_code":"A","verification_uri":"https://a.example/","expires_in":9})", ErrorCode::protocol, "device_code"},
        {400, R"({"error":"bad\u001b[31m","error_description":"eyJhbGciOiJIUzI1NiJ9.e30"})", ErrorCode::authorization_failed, "[removed]"},
    };
    for (const auto& row : rows) {
        const auto read = read_device_authorization(answer(row.status, row.body));
        ASSERT_FALSE(read) << row.body;
        EXPECT_EQ(read.error().code, row.code) << row.body;
        EXPECT_NE(read.error().message.find(row.part), std::string::npos) << read.error().message;
        EXPECT_EQ(read.error().message.find('\x1b'), std::string::npos);
    }
}

TEST(DeviceAuthorization, RFC8628_section_3_1_the_request_is_a_form_without_a_grant) {
    TokenRequest request;
    request.endpoint = net::Url::parse("https://as.example/device").value();
    request.client = Client{"client-1", {}, ClientAuthentication::none};
    request.grant.emplace_back("scope", base::Secret("a b"));
    const auto http = token_http_request(request);
    ASSERT_TRUE(http);
    EXPECT_EQ(http->body, "scope=a+b&client_id=client-1");
    request.client.client_id.clear();  // a service that knows no clients
    EXPECT_EQ(token_http_request(request)->body, "scope=a+b");
    request.grant_type = "authorization_code";
    EXPECT_FALSE(token_http_request(request));
}

}  // namespace
}  // namespace claviger::oauth
