#include "oauth/token.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

TokenRequest code_request(ClientAuthentication method, std::string_view secret, std::string id = "client-1") {
    TokenRequest request;
    request.endpoint = net::Url::parse("https://as.example/token").value();
    request.client = Client{std::move(id), base::Secret(secret), method};
    request.grant_type = "authorization_code";
    request.grant.emplace_back("code", base::Secret("c+/ %"));
    request.grant.emplace_back("redirect_uri", base::Secret("http://127.0.0.1:7998/auth/callback/oauth"));
    request.grant.emplace_back("code_verifier", base::Secret("v"));
    return request;
}

std::string body_of(const TokenRequest& request) {
    const auto http = token_http_request(request);
    return http ? std::string(http->body) : "error: " + http.error().message;
}

http::Response answer(int status, std::string_view body, std::string_view type = "application/json") {
    http::Response response;
    response.status = status;
    response.fields.set("Content-Type", type);
    response.body = base::WipedString(body);
    return response;
}

TEST(TokenRequest, OA14_public_client_sends_its_id_only) {
    const auto request = code_request(ClientAuthentication::none, "");
    EXPECT_EQ(body_of(request),
              "grant_type=authorization_code&code=c%2B%2F+%25"
              "&redirect_uri=http%3A%2F%2F127.0.0.1%3A7998%2Fauth%2Fcallback%2Foauth&code_verifier=v&client_id=client-1");
    EXPECT_FALSE(token_http_request(request)->fields.find("Authorization"));
}

TEST(TokenRequest, OA14_post_sends_the_secret_in_the_body_and_nowhere_else) {
    const auto request = code_request(ClientAuthentication::client_secret_post, "s:e%c+r t\xc3\xa9");
    EXPECT_NE(body_of(request).find("&client_id=client-1&client_secret=s%3Ae%25c%2Br+t%C3%A9"), std::string::npos);
    EXPECT_FALSE(token_http_request(request)->fields.find("Authorization"));
}

TEST(TokenRequest, OA14_basic_is_form_encoded_first_and_leaves_the_body_alone) {
    struct Row { const char *id, *secret, *decoded; };
    const Row rows[] = {
        {"client-1", "secret", "client-1:secret"},
        {"a:b", "c:d", "a%3Ab:c%3Ad"},
        {"id", "p%q+r s", "id:p%25q%2Br+s"},
        {"id", "\xc3\xa9", "id:%C3%A9"},
    };
    for (const auto& row : rows) {
        const auto request = code_request(ClientAuthentication::client_secret_basic, row.secret, row.id);
        const auto http = token_http_request(request);
        ASSERT_TRUE(http);
        EXPECT_EQ(http->fields.all("Authorization").size(), 1U);
        EXPECT_EQ(*http->fields.find("Authorization"), "Basic " + base::base64_encode(row.decoded));
        EXPECT_EQ(std::string(http->body).find("client_"), std::string::npos);
    }
}

TEST(TokenRequest, OA14_method_and_secret_that_do_not_fit_are_an_error_before_sending) {
    EXPECT_FALSE(token_http_request(code_request(ClientAuthentication::none, "secret")));
    EXPECT_FALSE(token_http_request(code_request(ClientAuthentication::client_secret_post, "")));
    EXPECT_FALSE(token_http_request(code_request(ClientAuthentication::client_secret_basic, "")));
    EXPECT_FALSE(token_http_request(code_request(ClientAuthentication::none, "", "")));
}

TEST(TokenRequest, extras_add_but_never_override) {
    auto request = code_request(ClientAuthentication::client_secret_post, "secret");
    request.options.extra_parameters = {{"audience", "x y"}, {"grant_type", "authorization_code"}};
    const auto body = body_of(request);
    EXPECT_NE(body.find("&audience=x+y"), std::string::npos);
    EXPECT_EQ(body.find("grant_type"), body.rfind("grant_type"));
    for (const auto* name : {"grant_type", "code", "CODE", "client_id", "client_secret", "code_verifier", "redirect_uri",
                             "client_assertion", "refresh_token"}) {
        request.options.extra_parameters = {{name, "evil"}};
        EXPECT_FALSE(token_http_request(request)) << name;
    }
    request.options.extra_parameters.clear();
    for (const auto* name : {"Authorization", "host", "Content-Length", "content-type", "Transfer-Encoding", "bad name", ""}) {
        request.options.extra_headers = {{name, "evil"}};
        EXPECT_FALSE(token_http_request(request)) << name;
    }
    request.options.extra_headers = {{"X-Version", "1\r\nX-Evil: 1"}};
    EXPECT_FALSE(token_http_request(request));
    request.options.extra_headers = {{"X-Version", "2024"}};
    EXPECT_EQ(*token_http_request(request)->fields.find("X-Version"), "2024");
}

TEST(TokenRequest, json_body_and_renames) {
    auto request = code_request(ClientAuthentication::client_secret_post, "se\"cret");
    request.options.json_body = true;
    request.options.rename = {{"client_id", "client_key"}};
    const auto http = token_http_request(request);
    ASSERT_TRUE(http);
    EXPECT_EQ(*http->fields.find("Content-Type"), "application/json");
    const auto value = json::parse(http->body);
    ASSERT_TRUE(value);
    EXPECT_EQ(json::string_at(value->get_object(), "client_key"), "client-1");
    EXPECT_EQ(json::string_at(value->get_object(), "client_secret"), "se\"cret");
    EXPECT_EQ(json::string_at(value->get_object(), "code"), "c+/ %");
    EXPECT_FALSE(json::string_at(value->get_object(), "client_id"));
}

TEST(TokenResponse, OA11_expires_in_has_a_defined_meaning_whatever_stands_there) {
    struct Row { const char* json; std::optional<std::int64_t> seconds; };
    const Row rows[] = {
        {"3600", 3600}, {"\"3600\"", 3600}, {"3600.0", 3600}, {"3600.9", 3600}, {"1", 1}, {"\" 3600 \"", 3600},
        {"36e2", 3600}, {"3.6E3", 3600}, {"86400", 86400}, {"315360000", 315360000},
        {"9007199254740992", 9007199254740992}, {"\"0060\"", 60}, {"1767225600000", 1767225600000},
        {"0", {}}, {"-1", {}}, {"-0", {}}, {"0.5", {}}, {"-3600.0", {}}, {"1e300", {}}, {"1e-300", {}},
        {"9223372036854775807", {}}, {"9223372036854775808", {}}, {"18446744073709551615", {}},
        {"18446744073709551616", {}}, {"-9223372036854775808", {}}, {"9007199254740994", {}},
        {"null", {}}, {"true", {}}, {"false", {}}, {"[]", {}}, {"[3600]", {}}, {"{}", {}}, {"{\"a\":1}", {}},
        {"\"\"", {}}, {"\" \"", {}}, {"\"NaN\"", {}}, {"\"Infinity\"", {}}, {"\"1h\"", {}}, {"\"-1\"", {}}, {"\"+1\"", {}},
        {"\"1e3\"", {}}, {"\"0x10\"", {}}, {"\"36 00\"", {}}, {"\"99999999999999999999\"", {}}, {"\"3600.0\"", {}},
    };
    EXPECT_GE(std::size(rows), 40U);
    for (const auto& row : rows) {
        const auto body = std::string(R"({"access_token":"t","token_type":"Bearer","expires_in":)") + row.json + "}";
        const auto token = read_token_response(answer(200, body), {});
        ASSERT_TRUE(token) << row.json << ": " << token.error().message;
        EXPECT_EQ(token->expires_in, row.seconds) << row.json;
    }
    EXPECT_EQ(read_token_response(answer(200, R"({"access_token":"t"})"), {})->expires_in, std::nullopt);
    // What is not JSON is an answer without a token, not a guess.
    for (const auto* bad : {"NaN", "Infinity", "-", "01", "1.", "3600,", "0x10"})
        EXPECT_FALSE(read_token_response(
            answer(200, std::string(R"({"access_token":"t","expires_in":)") + bad + "}"), {})) << bad;
    // An overflowing number either reads as unknown or makes the answer unreadable; it never throws or wraps.
    const auto huge = read_token_response(answer(200, R"({"access_token":"t","expires_in":1e400})"), {});
    if (huge) {
        EXPECT_EQ(huge->expires_in, std::nullopt);
    }
}

TEST(TokenResponse, a_date_instead_of_a_number_is_understood) {
    TokenRequestOptions options;
    options.expires_pointers = {"/expires_at"};
    const auto token = read_token_response(answer(200, R"({"access_token":"t","expires_at":"2027-01-15T08:00:00Z"})"), options);
    ASSERT_TRUE(token);
    EXPECT_EQ(token->expires_at, base::from_rfc3339("2027-01-15T08:00:00Z").value());
}

TEST(TokenResponse, OA12_success_status_without_a_usable_token_is_a_failure) {
    const char* bodies[] = {
        "", "null", "[]", "\"t\"", "{}", R"({"access_token":""})", R"({"access_token":null})", R"({"access_token":1})",
        R"({"access_token":["t"]})", R"({"access_token":"a\nb"})", R"({"access_token":"a\r\nX: y"})",
        R"({"access_token":"\u00e9"})", R"({"access_token":"t","error":"invalid_grant"})",
        R"({"error":"invalid_grant"})", R"({"ok":false,"error":"bad_code"})", R"({"access_token":"t","access_token":"u"})",
        R"({"token":"t"})", "<html>", R"({"error":{"type":"x","message":"y"}})",
    };
    for (const auto* body : bodies) EXPECT_FALSE(read_token_response(answer(200, body), {})) << body;
    EXPECT_FALSE(read_token_response(answer(200, "access_token=&x=1", "application/x-www-form-urlencoded"), {}));
    EXPECT_FALSE(read_token_response(
        answer(200, "error=bad_verification_code&error_description=x", "application/x-www-form-urlencoded"), {}));
}

TEST(TokenResponse, OA13_token_types) {
    struct Row { const char* type; bool good; };
    const Row rows[] = {{"\"Bearer\"", true}, {"\"bearer\"", true}, {"\"BEARER\"", true}, {"\"DPoP\"", true},
                        {"\"mac\"", false},   {"\"bot\"", false},   {"\"N_A\"", false},   {"null", true}};
    for (const auto& row : rows) {
        const auto body = std::string(R"({"access_token":"t","token_type":)") + row.type + "}";
        EXPECT_EQ(read_token_response(answer(200, body), {}).has_value(), row.good) << row.type;
        TokenRequestOptions any;
        any.any_token_type = true;
        EXPECT_TRUE(read_token_response(answer(200, body), any)) << row.type;
    }
}

TEST(TokenResponse, OA08_a_redirect_is_an_error) {
    for (const int status : {301, 302, 303, 307, 308, 304}) {
        const auto token = read_token_response(answer(status, R"({"access_token":"t"})"), {});
        ASSERT_FALSE(token) << status;
        EXPECT_EQ(token.error().code, ErrorCode::protocol);
    }
}

TEST(TokenResponse, refusals_carry_the_servers_word_and_temporary_ones_say_so) {
    const auto refused = read_token_response(
        answer(400, R"({"error":"invalid_grant","error_description":"code eyJhbGciOiJIUzI1NiJ9.e30 used"})"), {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::authorization_failed);
    EXPECT_EQ(refused.error().message, "the token endpoint refused: invalid_grant: code [removed] used");
    EXPECT_EQ(read_token_response(answer(401, R"({"error":"invalid_client"})"), {}).error().code, ErrorCode::authorization_failed);
    EXPECT_EQ(read_token_response(answer(500, "oops", "text/html"), {}).error().code, ErrorCode::network);
    EXPECT_EQ(read_token_response(answer(503, "", "text/plain"), {}).error().code, ErrorCode::network);
    EXPECT_EQ(read_token_response(answer(429, "", "text/plain"), {}).error().code, ErrorCode::network);
    EXPECT_EQ(read_token_response(answer(404, "<html>"), {}).error().code, ErrorCode::authorization_failed);
    // The answer's text, which may hold a token, is not in the error.
    EXPECT_EQ(read_token_response(answer(200, "{\"access_token\": \"tok-123456789012345678\""), {}).error().describe().find("tok-"),
              std::string::npos);
}

TEST(TokenResponse, form_bodies_are_read_by_type_by_quirk_and_by_look) {
    const std::string_view body = "access_token=a%2Bb&scope=repo%2Cgist&token_type=bearer&expires_in=60";
    for (const auto* type : {"application/x-www-form-urlencoded; charset=utf-8", "text/plain", ""}) {
        const auto token = read_token_response(answer(200, body, type), {});
        ASSERT_TRUE(token) << type;
        EXPECT_TRUE(token->access_token.equals("a+b"));
        EXPECT_EQ(token->scope, (std::vector<std::string>{"repo", "gist"}));
        EXPECT_EQ(token->expires_in, 60);
    }
    TokenRequestOptions form;
    form.response_format = "form";
    EXPECT_TRUE(read_token_response(answer(200, body, "application/json"), form));
    EXPECT_FALSE(read_token_response(answer(200, "access_token=a&access_token=b", "text/plain"), {}));
    EXPECT_FALSE(read_token_response(answer(200, "access_token=%zz", "text/plain"), {}));
}

TEST(TokenResponse, scopes_are_read_in_every_spelling) {
    struct Row { const char* json; std::optional<std::vector<std::string>> scopes; const char* separator; };
    const Row rows[] = {
        {R"("a b")", {{"a", "b"}}, " "},       {R"("a,b")", {{"a", "b"}}, " "},  {R"(["a","b"])", {{"a", "b"}}, " "},
        {R"("")", std::vector<std::string>{}, " "}, {"null", {}, " "},            {"7", {}, " "},
        {R"("a,b c")", {{"a,b", "c"}}, " "},   {R"("a,b")", {{"a", "b"}}, ","},  {R"("a  b ")", {{"a", "b"}}, " "},
        {R"("a\u0007b c")", {{"c"}}, " "},
    };
    for (const auto& row : rows) {
        TokenRequestOptions options;
        options.scope_separator = row.separator;
        const auto token = read_token_response(answer(200, std::string(R"({"access_token":"t","scope":)") + row.json + "}"), options);
        ASSERT_TRUE(token) << row.json;
        EXPECT_EQ(token->scope, row.scopes) << row.json;
    }
}

TEST(TokenResponse, quirks_are_pointers) {
    TokenRequestOptions options;
    options.access_token_pointers = {"/authed_user/access_token", "/access_token"};
    options.refresh_token_pointers = {"/data/refresh"};
    options.expires_pointers = {"/data/ttl"};
    options.capture = {{"instance_url", "/instance_url"}, {"team", "/team/id"}, {"none", "/none"}};
    options.error_when = {{"/code", "7"}, {"/ok", "false"}};
    const auto token = read_token_response(
        answer(200, R"({"ok":true,"code":0,"authed_user":{"access_token":"u"},"access_token":"b",
                        "data":{"refresh":"r","ttl":9},"instance_url":"https://x.example","team":{"id":12}})"), options);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_TRUE(token->access_token.equals("u"));
    EXPECT_TRUE(token->refresh_token.equals("r"));
    EXPECT_EQ(token->expires_in, 9);
    EXPECT_EQ(token->captured, (std::map<std::string, std::string>{{"instance_url", "https://x.example"}, {"team", "12"}}));
    EXPECT_FALSE(read_token_response(answer(200, R"({"code":7,"access_token":"t"})"), options));
    EXPECT_FALSE(read_token_response(answer(200, R"({"ok":false,"access_token":"t"})"), options));
}

TEST(TokenResponse, OA10_deep_nesting_is_refused_without_harm) {
    std::string body = R"({"access_token":"t","x":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    EXPECT_FALSE(read_token_response(answer(200, body), {}));
}

}  // namespace
}  // namespace claviger::oauth
