#include "oauth/registration.hpp"

#include <gtest/gtest.h>

#include "json/parse.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

constexpr const char* kOurs = "http://127.0.0.1:7998/auth/callback/oauth";

RegistrationRequest request_for(ClientAuthentication method = ClientAuthentication::none) {
    return {net::Url::parse("https://as.example/register").value(), "Claviger (acme)", kOurs, {"read", "write"}, method};
}

base::Result<Registration> read(int status, std::string_view body, ClientAuthentication asked = ClientAuthentication::none) {
    http::Response response;
    response.status = status;
    response.body = base::WipedString(body);
    return read_registration(response, request_for(asked));
}

TEST(Registration, OA16_asks_for_exactly_our_redirect_uri) {
    const auto http = registration_http_request(request_for());
    ASSERT_TRUE(http);
    const auto body = json::parse(http->body).value();
    const auto& object = body.get_object();
    EXPECT_EQ(json::to_text(*json::find(object, "redirect_uris")), std::string("[\"") + kOurs + "\"]");
    EXPECT_EQ(json::string_at(object, "token_endpoint_auth_method"), "none");
    EXPECT_EQ(json::string_at(object, "scope"), "read write");
    EXPECT_EQ(json::to_text(*json::find(object, "grant_types")), R"(["authorization_code","refresh_token"])");
}

TEST(Registration, members_have_the_names_that_the_server_knows) {
    auto request = request_for();
    request.rename = {{"redirect_uris", "callback_urls"}, {"application_type", ""}, {"jwks", "keys"}};
    const auto body = json::parse(registration_http_request(request)->body).value();
    const auto& object = body.get_object();
    EXPECT_EQ(json::to_text(*json::find(object, "callback_urls")), std::string("[\"") + kOurs + "\"]");
    for (const auto* gone : {"redirect_uris", "application_type", "keys"}) EXPECT_EQ(json::find(object, gone), nullptr) << gone;
    EXPECT_EQ(json::string_at(object, "client_name"), "Claviger (acme)");
}

TEST(Registration, RFC8628_a_client_for_devices_needs_no_redirect_uri) {
    auto request = request_for();
    request.device_code = true;
    const auto members = [&] {
        const auto body = json::parse(registration_http_request(request)->body).value();
        std::string text;
        for (const auto* name : {"redirect_uris", "grant_types", "response_types"}) text += json::to_text(*json::find(body.get_object(), name));
        return text;
    };
    EXPECT_EQ(members(), std::string("[\"") + kOurs + R"("]["authorization_code","urn:ietf:params:oauth:grant-type:device_code","refresh_token"]["code"])");
    request.redirect_uri.clear();
    EXPECT_EQ(members(), R"([]["urn:ietf:params:oauth:grant-type:device_code","refresh_token"][])");
}

TEST(Registration, OA16_a_client_that_may_not_use_device_codes_is_no_use_to_a_device) {
    auto request = request_for();
    request.redirect_uri.clear();
    request.device_code = request.for_device = true;
    const auto answered = [&](std::string_view members) {
        http::Response response;
        response.status = 201;
        response.body = base::WipedString(R"({"client_id":"c")" + std::string(members) + "}");
        return read_registration(response, request);
    };
    EXPECT_TRUE(answered(""));
    EXPECT_TRUE(answered(R"(,"grant_types":["urn:ietf:params:oauth:grant-type:device_code"],"redirect_uris":[])"));
    for (const auto* grants : {R"([])", R"(["authorization_code","refresh_token"])"}) {
        const auto refused = answered(std::string(R"(,"grant_types":)") + grants);
        ASSERT_FALSE(refused) << grants;
        EXPECT_EQ(refused.error().code, ErrorCode::authorization_failed);
        EXPECT_NE(refused.error().hint.find("supports_dcr"), std::string::npos);
    }
}

TEST(Registration, OA16_endpoint_must_be_https) {
    auto request = request_for();
    request.endpoint = net::Url::parse("http://as.example/register").value();
    EXPECT_FALSE(registration_http_request(request));
}

TEST(Registration, OA16_the_answers_method_and_secret_count) {
    struct Row { const char* body; bool good; ClientAuthentication method; const char* secret; };
    using enum ClientAuthentication;
    const Row rows[] = {
        {R"({"client_id":"c"})", true, none, ""},
        {R"({"client_id":"c","token_endpoint_auth_method":"none"})", true, none, ""},
        {R"({"client_id":"c","client_secret":"s"})", true, client_secret_basic, "s"},
        {R"({"client_id":"c","client_secret":"s","token_endpoint_auth_method":"client_secret_post"})", true, client_secret_post, "s"},
        {R"({"client_id":"c","client_secret":"s","token_endpoint_auth_method":"client_secret_basic"})", true, client_secret_basic, "s"},
        {R"({"client_id":"c","client_secret":"s","token_endpoint_auth_method":"none"})", true, none, ""},
        {R"({"client_id":"c","token_endpoint_auth_method":"client_secret_post"})", false, none, ""},
        {R"({"client_id":"c","token_endpoint_auth_method":"private_key_jwt"})", false, none, ""},
        {R"({"client_id":""})", false, none, ""},
        {R"({"client_id":7})", false, none, ""},
        {R"({"client_id":"a\nb"})", false, none, ""},
        {R"({"client_id":"c","client_secret":"a\r\nb"})", false, none, ""},
        {R"({})", false, none, ""},
        {"[]", false, none, ""},
        {"<html>", false, none, ""},
    };
    for (const auto& row : rows) {
        const auto registration = read(201, row.body);
        ASSERT_EQ(registration.has_value(), row.good) << row.body;
        if (!row.good) continue;
        EXPECT_EQ(registration->client.authentication, row.method) << row.body;
        EXPECT_TRUE(registration->client.client_secret.equals(row.secret)) << row.body;
    }
}

TEST(Registration, OA16_redirect_uris_are_taken_as_registered) {
    EXPECT_TRUE(read(201, std::string(R"({"client_id":"c","redirect_uris":["https://x.example",")") + kOurs + "\"]}"));
    EXPECT_FALSE(read(201, R"({"client_id":"c","redirect_uris":["http://127.0.0.1/callback"]})"));
    EXPECT_FALSE(read(201, R"({"client_id":"c","redirect_uris":[]})"));
}

TEST(Registration, OA16_management_address_must_be_of_the_same_origin) {
    const auto good = read(201, R"({"client_id":"c","registration_access_token":"rat","registration_client_uri":"https://as.example/register/c",
                                    "client_secret_expires_at":1900000000})");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->registration_client_uri, "https://as.example/register/c");
    EXPECT_TRUE(good->registration_access_token.equals("rat"));
    EXPECT_EQ(good->secret_expires_at, base::Instant(std::chrono::seconds(1900000000)));
    const auto foreign =
        read(201, R"({"client_id":"c","registration_access_token":"rat","registration_client_uri":"https://evil.example/c","client_secret_expires_at":0})");
    ASSERT_TRUE(foreign);
    EXPECT_TRUE(foreign->registration_client_uri.empty());
    EXPECT_TRUE(foreign->registration_access_token.empty());
    EXPECT_FALSE(foreign->secret_expires_at);
}

TEST(Registration, OA08_OA16_refusals_and_redirects) {
    for (const int status : {301, 302, 303, 307, 308}) EXPECT_EQ(read(status, R"({"client_id":"c"})").error().code, ErrorCode::protocol);
    const auto refused = read(400, R"({"error":"invalid_client_metadata","error_description":"no\u001b[2J loopback"})");
    EXPECT_EQ(refused.error().code, ErrorCode::authorization_failed);
    EXPECT_NE(refused.error().message.find("invalid_client_metadata"), std::string::npos);
    EXPECT_EQ(refused.error().message.find('\x1b'), std::string::npos);
    EXPECT_EQ(read(503, "").error().code, ErrorCode::network);
    EXPECT_EQ(read(204, "").error().code, ErrorCode::authorization_failed);
}

TEST(Registration, method_to_ask_for_is_public_where_it_may_be) {
    EXPECT_EQ(*choose_authentication({}), ClientAuthentication::none);
    EXPECT_EQ(*choose_authentication({"client_secret_basic", "none"}), ClientAuthentication::none);
    EXPECT_EQ(*choose_authentication({"client_secret_post", "client_secret_basic"}), ClientAuthentication::client_secret_basic);
    EXPECT_EQ(*choose_authentication({"private_key_jwt", "client_secret_post"}), ClientAuthentication::client_secret_post);
    EXPECT_FALSE(choose_authentication({"tls_client_auth"}));
}

}  // namespace
}  // namespace claviger::oauth
