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

TEST(TokenRequest, basic_can_go_as_it_is_to_a_server_that_does_not_decode) {
    auto request = code_request(ClientAuthentication::client_secret_basic, "s+/=% \xc3\xa9", "id+1");
    request.basic_form_encoded = false;
    EXPECT_EQ(*token_http_request(request)->fields.find("Authorization"), "Basic " + base::base64_encode("id+1:s+/=% \xc3\xa9"));
    request.basic.emplace("u/", "p=");
    EXPECT_EQ(*token_http_request(request)->fields.find("Authorization"), "Basic " + base::base64_encode("u/:p="));
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

TEST(TokenAnswer, OA19_kinds_of_failure_by_status_and_body) {
    using Kind = TokenFailure::Kind;
    struct Row { int status; const char *body, *type; Kind kind; const char* error; };
    const char* const json = "application/json";
    const char* const html = "text/html";
    const Row rows[] = {
        {400, R"({"error":"invalid_grant"})", json, Kind::refused, "invalid_grant"},
        {401, R"({"error":"invalid_grant"})", json, Kind::refused, "invalid_grant"},
        {403, R"({"error":"invalid_grant"})", json, Kind::refused, "invalid_grant"},
        {400, R"({"error":"invalid_client"})", json, Kind::refused, "invalid_client"},
        {401, R"({"error":"invalid_client"})", json, Kind::refused, "invalid_client"},
        {400, R"({"error":"unauthorized_client"})", json, Kind::refused, "unauthorized_client"},
        {400, R"({"error":{"type":"OAuthException","message":"x"}})", json, Kind::refused, "OAuthException"},
        {400, R"({"error":"temporarily_unavailable"})", json, Kind::unavailable, "temporarily_unavailable"},
        {400, R"({"error":"server_error"})", json, Kind::unavailable, "server_error"},
        {400, "", json, Kind::refused, ""},
        {400, "<html>", html, Kind::refused, ""},
        {401, "", html, Kind::refused, ""},
        {404, "<html>", html, Kind::refused, ""},
        {405, "", html, Kind::refused, ""},
        {408, "", html, Kind::unavailable, ""},
        {425, "", html, Kind::unavailable, ""},
        {429, R"({"error":"invalid_grant"})", json, Kind::unavailable, "invalid_grant"},
        {500, R"({"error":"invalid_grant"})", json, Kind::unavailable, "invalid_grant"},
        {500, "oops", html, Kind::unavailable, ""},
        {502, "", html, Kind::unavailable, ""},
        {503, R"({"error":"invalid_client"})", json, Kind::unavailable, "invalid_client"},
        {504, "", html, Kind::unavailable, ""},
        {301, "", html, Kind::refused, ""},
        {302, R"({"access_token":"t"})", json, Kind::refused, ""},
        {307, "", html, Kind::refused, ""},
        {308, "", html, Kind::refused, ""},
        {200, R"({"error":"invalid_grant"})", json, Kind::refused, "invalid_grant"},
        {200, R"({"ok":false,"error":"token_revoked"})", json, Kind::refused, "token_revoked"},
        {200, "error=bad_refresh_token&error_description=no", "application/x-www-form-urlencoded", Kind::refused, "bad_refresh_token"},
        {200, "{}", json, Kind::broken, ""},
        {200, "<html>welcome</html>", html, Kind::broken, ""},
        {200, "", json, Kind::broken, ""},
        {204, "", json, Kind::broken, ""},
        {200, R"({"access_token":"t","token_type":"mac"})", json, Kind::broken, ""},
        {200, R"({"access_token":"t","access_token":"u"})", json, Kind::broken, ""},
    };
    EXPECT_GE(std::size(rows), 30U);
    for (const auto& row : rows) {
        const auto outcome = read_token_answer(answer(row.status, row.body, row.type), {});
        ASSERT_FALSE(outcome) << row.status << row.body;
        EXPECT_EQ(static_cast<int>(outcome.error().kind), static_cast<int>(row.kind)) << row.status << row.body;
        EXPECT_EQ(outcome.error().error, row.error) << row.status << row.body;
        EXPECT_EQ(outcome.error().status, row.status);
        EXPECT_FALSE(outcome.error().shown.message.empty());
    }
}

TEST(TokenAnswer, Retry_After_is_seconds_or_a_date_counted_from_the_answers_own) {
    struct Row { const char *after, *date; std::optional<int> seconds; };
    const Row rows[] = {
        {"120", "", 120}, {" 0 ", "", 0}, {"soon", "", {}}, {"-1", "", {}}, {"1.5", "", {}}, {"", "", {}},
        {"Sun, 06 Nov 1994 08:51:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 120},
        {"Sun, 06 Nov 1994 08:49:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:51:37 GMT", "", {}},
        {"99999999999999999999", "", {}},
    };
    for (const auto& row : rows) {
        auto response = answer(503, "");
        response.fields.set("Retry-After", row.after);
        if (*row.date != 0) response.fields.set("Date", row.date);
        const auto outcome = read_token_answer(response, {});
        ASSERT_FALSE(outcome);
        const auto expected = row.seconds ? std::optional(std::chrono::seconds(*row.seconds)) : std::nullopt;
        EXPECT_EQ(outcome.error().retry_after, expected) << row.after;
    }
}

// What the definition adds says "later", not that a dead grant lives (RFC 6749 section 5.2).
TEST(TokenAnswer, OA19_a_plain_no_is_no_later) {
    TokenRequestOptions options;
    options.retry_status = {400, 403};
    for (const auto* word : {"invalid_grant", "invalid_client", "unauthorized_client", "invalid_request", "invalid_scope"}) {
        const auto failure = read_token_answer(answer(400, "{\"error\":\"" + std::string(word) + "\"}"), options).error();
        EXPECT_EQ(static_cast<int>(failure.kind), static_cast<int>(TokenFailure::Kind::refused)) << word;
    }
    for (const auto* body : {"", "{}", R"({"error":"rate_limited"})"}) {
        const auto failure = read_token_answer(answer(400, body), options).error();
        EXPECT_EQ(static_cast<int>(failure.kind), static_cast<int>(TokenFailure::Kind::unavailable)) << body;
    }
}

TEST(TokenAnswer, OA13_a_refresh_token_of_any_form_is_kept) {
    const struct { const char* json; const char* token; } rows[] = {{R"("rt")", "rt"}, {"12345", "12345"}, {R"("rt caf\u00e9")", "rt caf\xc3\xa9"}, {R"("")", ""}, {"null", ""}, {R"("a\nb")", ""}};
    for (const auto& row : rows) {
        const auto token = read_token_answer(answer(200, R"({"access_token":"at","token_type":"Bearer","refresh_token":)" + std::string(row.json) + "}"), {});
        ASSERT_TRUE(token) << row.json;
        EXPECT_TRUE(token->refresh_token.equals(row.token)) << row.json;
    }
}

TEST(TokenAnswer, later_and_until_when_is_said_where_the_definition_says) {
    TokenRequestOptions options;
    options.retry_status = {403};
    options.retry_after_header = "X-Wait";
    options.retry_at_header = "X-Reset";
    using Fields = std::vector<std::pair<const char*, const char*>>;
    struct Row { Fields fields; std::optional<int> seconds; };
    const Row rows[] = {
        {{}, {}},
        {{{"X-Wait", "30"}}, 30},
        {{{"X-Wait", "30"}, {"X-Reset", "784111837"}, {"Retry-After", "5"}}, 30},
        {{{"X-Reset", "784111837"}, {"Retry-After", "5"}}, 60},
        {{{"X-Reset", "Sun, 06 Nov 1994 08:51:37 GMT"}}, 120},
        {{{"X-Reset", "1994-11-06T08:51:37Z"}}, 120},
        {{{"X-Reset", "784111837000"}}, 60},  // milliseconds
        {{{"X-Reset", "784111837999"}}, 60},
        {{{"X-Reset", "9223372036854775807"}}, {}},  // never
        {{{"X-Reset", "9223372036854775807"}, {"Retry-After", "5"}}, 5},
        {{{"X-Reset", "1"}}, 0},  // it is past
        {{{"X-Wait", "soon"}, {"X-Reset", "later"}, {"Retry-After", "5"}}, 5},
        {{{"Retry-After", "5"}}, 5},
    };
    for (const auto& row : rows) {
        auto response = answer(403, R"({"error":"rate_limited"})");
        response.fields.set("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (const auto& [name, value] : row.fields) response.fields.set(name, value);
        const auto failure = read_token_answer(response, options).error();
        EXPECT_EQ(static_cast<int>(failure.kind), static_cast<int>(TokenFailure::Kind::unavailable));
        EXPECT_EQ(failure.shown.code, ErrorCode::network);
        const auto expected = row.seconds ? std::optional(std::chrono::seconds(*row.seconds)) : std::nullopt;
        EXPECT_EQ(failure.retry_after, expected) << (row.fields.empty() ? "" : row.fields.front().second);
    }
    EXPECT_EQ(static_cast<int>(read_token_answer(answer(403, "{}"), {}).error().kind), static_cast<int>(TokenFailure::Kind::refused));
}

TEST(TokenAnswer, a_code_that_stands_elsewhere_and_a_status_that_is_a_success_here) {
    TokenRequestOptions options;
    options.error_pointers = {"/status", "/code"};
    options.error_when = {{"/code", "10010"}};
    const auto refused = read_token_answer(answer(400, R"({"status":"BAD_REFRESH_TOKEN","message":"it is gone"})"), options);
    EXPECT_EQ(refused.error().error, "BAD_REFRESH_TOKEN");
    EXPECT_EQ(refused.error().description, "it is gone");
    EXPECT_EQ(read_token_answer(answer(200, R"({"code":10010,"access_token":"t"})"), options).error().error, "10010");
    EXPECT_TRUE(read_token_answer(answer(200, R"({"code":0,"access_token":"t"})"), options));
    options.ok_status = {302};
    EXPECT_TRUE(read_token_answer(answer(302, R"({"access_token":"t"})"), options));
}

TEST(TokenAnswer, the_body_is_the_token_where_the_definition_says_so) {
    TokenRequestOptions text;
    text.response_format = "text";
    EXPECT_TRUE(read_token_answer(answer(200, "tok-1\n", "text/plain"), text)->access_token.equals("tok-1"));
    EXPECT_FALSE(read_token_answer(answer(200, "", "text/plain"), text));
    EXPECT_EQ(read_token_answer(answer(401, R"({"error":"invalid_grant"})"), text).error().error, "invalid_grant");
}

TEST(TokenAnswer, XML_is_read_by_type_and_by_quirk_and_never_quoted) {
    TokenRequestOptions xml;
    xml.access_token_pointers = {"/response/data/sessionid"};
    const std::string_view body = "<response><data><sessionid>tok-1</sessionid></data></response>";
    for (const auto* type : {"application/xml; charset=utf-8", "text/xml", "application/soap+xml"})
        EXPECT_TRUE(read_token_answer(answer(200, body, type), xml)->access_token.equals("tok-1")) << type;
    EXPECT_FALSE(read_token_answer(answer(200, body, "text/plain"), xml));
    xml.response_format = "xml";
    EXPECT_TRUE(read_token_answer(answer(200, body, "text/plain"), xml)->access_token.equals("tok-1"));
    const auto broken = read_token_answer(answer(200, "<response><data>tok-1</response>", "text/xml"), xml);
    EXPECT_EQ(broken.error().kind, TokenFailure::Kind::broken);
    EXPECT_EQ(broken.error().shown.describe().find("tok-1"), std::string::npos);
}

TEST(TokenRequest, an_XML_body_is_the_template_with_values_that_stay_values) {
    auto request = code_request(ClientAuthentication::none, "");
    request.options.xml_body = "<a v=\"{{ client_id }}\"><c>{{code}}</c><r>{{refresh_token}}</r><x>{{extra}}</x></a>";
    request.options.extra_parameters = {{"extra", "<{{code}}>&"}};
    const auto http = token_http_request(request);
    ASSERT_TRUE(http);
    EXPECT_EQ(http->fields.find("Content-Type"), "application/xml");
    EXPECT_EQ(std::string_view(http->body), "<a v=\"" + request.client.client_id + "\"><c>c+/ %</c><r></r><x>&lt;{{code}}&gt;&amp;</x></a>");
    request.options.extra_parameters = {{"extra", "s3cr3t\x01"}};
    const auto refused = token_http_request(request);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("'extra'"), std::string::npos);
    EXPECT_EQ(refused.error().describe().find("s3cr3t"), std::string::npos);
}

TEST(TokenAnswer, an_answer_that_only_extends_needs_no_token_where_that_was_asked) {
    TokenRequestOptions extend;
    extend.access_token_optional = true;
    extend.error_when = {{"/result", "\"0001\""}};
    const auto outcome = read_token_answer(answer(200, R"({"result":"0000","expires_in":60})"), extend);
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(outcome->access_token.empty());
    EXPECT_EQ(outcome->expires_in, 60);
    EXPECT_FALSE(read_token_answer(answer(200, R"({"result":"0001"})"), extend));
    EXPECT_FALSE(read_token_answer(answer(200, R"({"access_token":""})"), extend));
}

TEST(TokenRequest, an_empty_name_leaves_a_parameter_out_and_empty_values_are_not_sent) {
    auto request = code_request(ClientAuthentication::none, "");
    request.options.rename = {{"redirect_uri", ""}, {"client_id", ""}};
    request.options.extra_parameters = {{"empty", ""}, {"full", "1"}};
    EXPECT_EQ(body_of(request), "grant_type=authorization_code&code=c%2B%2F+%25&code_verifier=v&full=1");
}

TEST(TokenRequest, GET_and_query_put_everything_into_the_URL) {
    for (const auto* method : {"GET", "POST"}) {
        auto request = code_request(ClientAuthentication::none, "");
        request.endpoint = net::Url::parse("https://as.example/token?v=1").value();
        request.options.method = method;
        request.options.in_query = true;
        const auto http = token_http_request(request);
        ASSERT_TRUE(http);
        EXPECT_EQ(http->method, method);
        EXPECT_TRUE(http->body.empty());
        EXPECT_TRUE(http->url.query()->starts_with("v=1&grant_type=authorization_code&code=c%2B%2F+%25&"));
        EXPECT_FALSE(http->fields.find("Content-Type"));
    }
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
    // As deep as an answer of 1 MiB can be, and whole: it is refused for its depth alone.
    for (const auto& nested : {std::string(500'000, '[') + std::string(500'000, ']'), std::string(1'000'000, '[')}) {
        const std::string body = R"({"access_token":"t","x":)" + nested + "}";
        ASSERT_LT(body.size(), std::size_t{1} << 20);
        EXPECT_FALSE(read_token_response(answer(200, body), {}));
    }
}

}  // namespace
}  // namespace claviger::oauth
