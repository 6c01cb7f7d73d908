#include "inject/injection.hpp"

#include <gtest/gtest.h>

#include "inject/test_connection.hpp"
#include "json/parse.hpp"

namespace claviger::inject {
namespace {

using namespace testing;
using base::ErrorCode;
using provider::AuthType;
using Lines = std::vector<std::string>;

const auto kUrl = url_of("https://api.acme.com/x");

Injection made(const provider::ProviderDefinition& definition, const connection::Connection& connection) {
    auto injection = Injection::make(definition, connection, kNow);
    EXPECT_TRUE(injection) << (injection ? "" : injection.error().describe());
    return std::move(*injection);
}

// The fields of GET /x after injection, or the error.
Lines injected(const provider::ProviderDefinition& definition, const connection::Connection& connection) {
    const auto injection = Injection::make(definition, connection, kNow);
    if (!injection) return {"error " + std::string(base::to_string(injection.error().code))};
    auto request = request_to("/x");
    const auto applied = injection->apply(request, kUrl);
    if (!applied) return {"error " + std::string(base::to_string(applied.error().code))};
    auto lines = lines_of(request);
    if (request.target != "/x") lines.push_back("target " + request.target);
    return lines;
}

TEST(Injection, prefixes_are_joined_as_they_are_meant) {
    struct Row { std::string prefix, line; };
    for (const auto& row : {
             Row{"Bearer", "Authorization: Bearer K"}, Row{"Bearer ", "Authorization: Bearer K"}, Row{" Bearer  ", "Authorization: Bearer K"},
             Row{"", "Authorization: K"}, Row{" ", "Authorization: K"}, Row{"Token token=", "Authorization: Token token=K"},
             Row{"Key:", "Authorization: Key:K"}, Row{"Key: ", "Authorization: Key: K"}, Row{"Bot", "Authorization: Bot K"},
             Row{"OAuth2", "Authorization: OAuth2 K"}, Row{"key=\"", "Authorization: key=\"K"}, Row{"Acme-API-Key", "Authorization: Acme-API-Key K"}}) {
        auto definition = definition_of(AuthType::api_key);
        definition.api_key.emplace().header_prefix = row.prefix;
        EXPECT_EQ(injected(definition, connection_to(definition, {{"api_key", "K"}})), Lines{row.line}) << row.prefix;
    }
}

TEST(Injection, defaults_of_an_api_key) {
    auto definition = definition_of(AuthType::api_key);
    EXPECT_EQ(injected(definition, connection_to(definition, {{"api_key", "K"}})), Lines{"Authorization: Bearer K"});
    definition.api_key.emplace();
    definition.api_key->header_name = "X-Api-Key";
    definition.api_key->header_prefix = "";
    EXPECT_EQ(injected(definition, connection_to(definition, {{"api_key", "K"}})), Lines{"X-Api-Key: K"});
    definition.credentials.field_name = "bot_token";
    EXPECT_EQ(injected(definition, connection_to(definition, {{"bot_token", "B"}})), Lines{"X-Api-Key: B"});
    EXPECT_EQ(injected(definition, connection_to(definition, {{"api_key", "K"}})), Lines{"error invalid_input"});
    EXPECT_EQ(injected(definition, connection_to(definition, {{"bot_token", ""}})), Lines{"error invalid_input"});
    definition.api_key->header_name = "";
    definition.api_key->query_param = "key";
    EXPECT_EQ(injected(definition, connection_to(definition, {{"bot_token", "a b&c"}})), Lines{"target /x?key=a%20b%26c"});
    definition.api_key->header_name = "X-Key";
    EXPECT_EQ(injected(definition, connection_to(definition, {{"bot_token", "B"}})), (Lines{"X-Key: B", "target /x?key=B"}));
}

TEST(Injection, the_transform_is_applied) {
    auto definition = definition_of(AuthType::api_key);
    definition.api_key.emplace().header_prefix = "Basic";
    definition.credentials.transform = provider::Transform{"{{api_key}}:X", "base64"};
    EXPECT_EQ(injected(definition, connection_to(definition, {{"api_key", "K"}})), Lines{"Authorization: Basic SzpY"});
}

TEST(Injection, defaults_of_oauth2) {
    const auto definition = definition_of(AuthType::oauth2);
    struct Row { std::string type; Lines lines; };
    for (const auto& row : {Row{"Bearer", {"Authorization: Bearer T"}}, Row{"bearer", {"Authorization: Bearer T"}},
                            Row{"BEARER", {"Authorization: Bearer T"}}, Row{"bot", {"Authorization: Bearer T"}},
                            Row{"", {"Authorization: Bearer T"}}, Row{"mac", {"error unsupported"}}, Row{"DPoP", {"error needs_login"}}}) {
        auto connection = connection_to(definition, {});
        connection.access_token = base::Secret("T");
        connection.token_type = row.type;
        EXPECT_EQ(injected(definition, connection), row.lines) << row.type;
    }
    EXPECT_EQ(injected(definition, connection_to(definition, {})), Lines{"error invalid_input"});
}

TEST(Injection, defaults_of_basic_are_rfc7617) {
    auto definition = definition_of(AuthType::basic);
    EXPECT_EQ(injected(definition, connection_to(definition, {{"username", "Aladdin"}, {"password", "open sesame"}})),
              Lines{"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="});
    EXPECT_EQ(injected(definition, connection_to(definition, {{"username", "u"}})), Lines{"Authorization: Basic dTo="});
    EXPECT_EQ(injected(definition, connection_to(definition, {{"username", "u:v"}, {"password", "p"}})), Lines{"error invalid_input"});
    EXPECT_EQ(injected(definition, connection_to(definition, {{"password", "p"}})), Lines{"error invalid_input"});
    definition.credentials.transform = provider::Transform{"{{username}}/token:{{password}}", "base64"};
    EXPECT_EQ(injected(definition, connection_to(definition, {{"username", "u"}, {"password", "p"}})), Lines{"Authorization: Basic dS90b2tlbjpw"});
}

TEST(Injection, custom_gets_nothing_by_itself) {
    auto definition = definition_of(AuthType::custom);
    EXPECT_EQ(injected(definition, connection_to(definition, {{"site", "s"}, {"key", "K"}})), Lines{});
    definition.inject.present = true;
    definition.inject.headers = {{"X-Site", "{{site}}"}, {"X-Key", "k={{key}}"}};
    definition.inject.query = {{"k", "{{key}}"}};
    definition.inject.cookies = {{"sid", "{{key}}"}};
    EXPECT_EQ(injected(definition, connection_to(definition, {{"site", "s"}, {"key", "K"}})),
              (Lines{"Cookie: sid=K", "X-Site: s", "X-Key: k=K", "target /x?k=K"}));
    EXPECT_EQ(injected(definition, connection_to(definition, {{"site", "s"}})), Lines{"error invalid_input"});
}

TEST(Injection, an_optional_field_left_empty_puts_nothing_in) {
    auto definition = definition_of(AuthType::custom);
    definition.credentials.schema = json::parse(R"({"required":["key"],"properties":{"key":{},"org":{},"team":{}}})").value();
    definition.inject.present = true;
    definition.inject.headers = {{"X-Key", "{{key}}"}, {"X-Org", "org={{org}}"}, {"X-Both", "{{key}}/{{org}}"}, {"X-Two", "{{org}}{{team}}"}};
    definition.inject.query = {{"org", "{{org}}"}};
    definition.inject.cookies = {{"team", "{{team}}"}};
    EXPECT_EQ(injected(definition, connection_to(definition, {{"key", "K"}})), (Lines{"X-Key: K", "X-Both: K/"}));
    EXPECT_EQ(injected(definition, connection_to(definition, {{"key", "K"}, {"org", "o"}})),
              (Lines{"X-Key: K", "X-Org: org=o", "X-Both: K/o", "X-Two: o", "target /x?org=o"}));
    EXPECT_EQ(injected(definition, connection_to(definition, {{"org", "o"}})), Lines{"error invalid_input"});
}

TEST(Injection, rules_replace_the_default) {
    auto definition = definition_of(AuthType::api_key);
    definition.api_key.emplace();
    definition.inject.present = true;
    EXPECT_EQ(injected(definition, connection_to(definition, {{"api_key", "K"}})), Lines{});
}

TEST(Injection, what_the_definition_wants_signed_never_goes_unsigned) {
    for (const auto& [sign, error] : {std::pair{"oauth1", "error unsupported"}, {"aws_sigv4", "error invalid_input"}, {"hmac", "error invalid_input"}, {"other", "error unsupported"}}) {
        auto definition = definition_of(AuthType::custom);
        definition.inject.present = true;
        definition.inject.sign = sign;
        EXPECT_EQ(injected(definition, connection_to(definition, {})), Lines{error}) << sign;
    }
}

TEST(Injection, what_cannot_be_used_says_what_to_run) {
    const auto definition = definition_of(AuthType::api_key);
    const auto hint_for = [&](auto change, ErrorCode code = ErrorCode::needs_login) {
        auto connection = connection_to(definition, {{"api_key", "K"}});
        connection.name = "work";
        change(connection);
        const auto injection = Injection::make(definition, connection, kNow);
        EXPECT_FALSE(injection);
        EXPECT_EQ(injection.error().code, code);
        EXPECT_FALSE(export_values(definition, connection, kNow));
        return injection.error().hint;
    };
    const std::string login = "claviger login acme --connection work";
    EXPECT_EQ(hint_for([](auto& c) { c.expires_at = kNow; }), "run: " + login);
    EXPECT_EQ(hint_for([](auto& c) { c.login_needed = true; }), "run: " + login);
    EXPECT_EQ(hint_for([](auto& c) { c.definition_digest = "other"; }, ErrorCode::suspended),
              "see the difference and accept it with: claviger confirm acme");
}

TEST(Injection, valid_until_is_the_tokens_end) {
    const auto definition = definition_of(AuthType::api_key);
    auto connection = connection_to(definition, {{"api_key", "K"}});
    EXPECT_EQ(made(definition, connection).valid_until(), std::nullopt);
    connection.expires_at = kNow + std::chrono::minutes(1);
    EXPECT_EQ(made(definition, connection).valid_until(), connection.expires_at);
}

TEST(Injection, PX11_no_credential_over_http) {
    auto definition = definition_of(AuthType::api_key);
    definition.api_urls = {"api.acme.com", "http://127.0.0.1:8080/v1"};
    const auto injection = made(definition, connection_to(definition, {{"api_key", "K"}}));
    struct Row { std::string url; bool ok; };
    for (const auto& row : {Row{"https://api.acme.com/x", true}, Row{"wss://api.acme.com/x", true}, Row{"http://api.acme.com/x", false},
                            Row{"ws://api.acme.com/x", false}, Row{"http://127.0.0.1:8080/v1/x", true}, Row{"http://127.0.0.1:8080/x", false},
                            Row{"http://127.0.0.1:8081/v1", false}, Row{"http://127.0.0.1/v1", false}, Row{"http://localhost:8080/v1", false},
                            Row{"http://127.0.0.2:8080/v1", false}, Row{"http://[::1]:8080/v1", false}}) {
        auto request = request_to("/x", {{"Authorization", "mine"}});
        const auto applied = injection.apply(request, url_of(row.url));
        EXPECT_EQ(applied.has_value(), row.ok) << row.url;
        if (row.ok) continue;
        EXPECT_EQ(applied.error().code, ErrorCode::denied);
        EXPECT_EQ(lines_of(request), Lines{"Authorization: mine"}) << "a refused request is left alone";
    }
}

TEST(Injection, PX24_all_uris_is_no_wider_than_the_policy) {
    auto definition = definition_of(AuthType::api_key);
    definition.api_urls = {};
    definition.allow_all_uris = true;
    definition.vars.emplace_back().name = "base_url";
    auto connection = connection_to(definition, {{"api_key", "K"}});
    connection.variables = {{"base_url", "https://site.acme.com/blog"}};
    const auto injection = made(definition, connection);
    for (const auto& [text, goes] : {std::pair{"https://site.acme.com/blog/x", true}, {"https://site.acme.com/other", false},
                                     {"https://evil.com/blog/x", false}, {"https://site.acme.com:8443/blog/x", false}}) {
        auto request = request_to("/x");
        EXPECT_EQ(injection.apply(request, url_of(text)).has_value(), goes) << text;
        EXPECT_EQ(request.fields.count("Authorization"), goes ? 1u : 0u) << text;
    }
    connection.variables = {};
    const auto nowhere = Injection::make(definition, connection, kNow);
    auto request = request_to("/x");
    EXPECT_FALSE(nowhere && nowhere->apply(request, kUrl)) << "without an origin of its own there is no site";
}

TEST(Injection, PX04_the_own_host_comes_from_a_field_of_the_connection) {
    auto definition = definition_of(AuthType::api_key);
    definition.api_urls = {"*.github.io"};
    definition.credentials.field_name = "access_token";
    const auto names = own_names(definition, connection_to(definition, {{"access_token", "K"}, {"subdomain", "mine"}, {"user", "u"}}));
    EXPECT_EQ(names, (provider::VariableValues{{"subdomain", "mine"}}));
    const auto injection = made(definition, connection_to(definition, {{"access_token", "K"}, {"subdomain", "mine"}}));
    auto request = request_to("/x");
    EXPECT_TRUE(injection.apply(request, url_of("https://mine.github.io/x")));
    EXPECT_FALSE(injection.apply(request, url_of("https://evil.github.io/x")));
}

TEST(Injection, PX12_headers_that_frame_a_message_are_refused) {
    for (const std::string name : {"Host", "content-length", "Transfer-Encoding", "Connection", "TE", "Trailer", "Upgrade", "Expect",
                                   "Proxy-Authorization", "Sec-Fetch-Site", ":authority", "Cookie", "X Y", "", "X\r\nY"}) {
        auto definition = definition_of(AuthType::custom);
        definition.inject.present = true;
        definition.inject.headers = {{name, "{{key}}"}};
        EXPECT_EQ(injected(definition, connection_to(definition, {{"key", "K"}})), Lines{"error invalid_input"}) << name;
    }
}

// 256 bytes at the begin, in the middle and at the end of a credential.
TEST(Injection, PX12_PX24_no_value_ends_its_header) {
    for (int byte = 0; byte < 256; ++byte) {
        for (int place = 0; place < 3; ++place) {
            std::string key = "ab";
            key.insert(key.begin() + place, static_cast<char>(byte));
            auto definition = definition_of(AuthType::api_key);
            definition.api_key.emplace();
            definition.api_key->header_name = "X-Key";
            definition.api_key->header_prefix = "";
            const auto lines = injected(definition, connection_to(definition, {{"api_key", key}}));
            const bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
            const bool outer_space = (byte == ' ' || byte == '\t') && place != 1;
            if (control || outer_space) EXPECT_EQ(lines, Lines{"error invalid_input"}) << byte << " at " << place;
            else EXPECT_EQ(lines, Lines{"X-Key: " + key}) << byte << " at " << place;
        }
    }
}

TEST(Injection, PX24_values_are_escaped_where_they_stand) {
    auto definition = definition_of(AuthType::custom);
    definition.inject.present = true;
    definition.inject.query = {{"k", "{{key}}"}};
    EXPECT_EQ(injected(definition, connection_to(definition, {{"key", "a\"b{{key}}\r\n&x=1#?/\xc3\xa9"}})),
              Lines{"target /x?k=a%22b%7B%7Bkey%7D%7D%0D%0A%26x%3D1%23%3F%2F%C3%A9"});
    definition.inject.query.clear();
    definition.inject.cookies = {{"sid", "{{key}}"}};
    EXPECT_EQ(injected(definition, connection_to(definition, {{"key", "a{{key}}=b"}})), Lines{"Cookie: sid=a{{key}}=b"});
    EXPECT_EQ(injected(definition, connection_to(definition, {{"key", "\"quoted\""}})), Lines{"Cookie: sid=\"quoted\""});
    for (const std::string bad : {"a;b=c", "a b", "a,b", "a\"b", "a\\b", "a\r\nb", "a\x7f"}) {
        EXPECT_EQ(injected(definition, connection_to(definition, {{"key", bad}})), Lines{"error invalid_input"}) << bad;
    }
}

TEST(Injection, errors_never_hold_the_credential) {
    auto definition = definition_of(AuthType::api_key);
    const auto injection = Injection::make(definition, connection_to(definition, {{"api_key", "canary\r\n"}}), kNow);
    ASSERT_FALSE(injection);
    EXPECT_EQ((injection.error().describe() + injection.error().hint).find("canary"), std::string::npos);
}

}  // namespace
}  // namespace claviger::inject
