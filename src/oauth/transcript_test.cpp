#include "oauth/transcript.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"

namespace claviger::oauth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

http::Request post(std::string_view type, std::string_view body, std::string_view authorization = {}) {
    http::Request request{"POST", *net::Url::parse("https://auth.example/token?tenant=canary-in-query"), {}, base::WipedString(body)};
    request.fields.set("Content-Type", type);
    if (!authorization.empty()) request.fields.set("Authorization", authorization);
    return request;
}
base::Result<http::Response> answer(int status, std::string_view type, std::string_view body) {
    http::Response response{status, {}, base::WipedString(body)};
    response.fields.set("Content-Type", type);
    return response;
}
struct TranscriptTest : testing::Test {
    base::FakeClock clock;
    Recorder recorder{clock};
    TranscriptTest() {
        recorder.transcript().flow = "pkce";
        recorder.transcript().redirect_uri = "http://127.0.0.1:7998/auth/callback/oauth";
    }
    std::string text() { return json::to_pretty_text(to_json(recorder.transcript())); }
    std::vector<std::string> subjects() {
        std::vector<std::string> out;
        for (const auto& check : what_to_check(recorder.transcript())) out.push_back(check.subject);
        return out;
    }
};

// CL-09, LG-02: whatever shape a request has, only names that are known to be harmless keep their value.
TEST_F(TranscriptTest, LG02_no_secret_enters_whatever_the_form_of_the_request) {
    constexpr const char* kForm = "application/x-www-form-urlencoded";
    recorder.exchange(post(kForm, "grant_type=authorization_code&code=canary-code&client_secret=canary%2Fsecret&code_verifier=canary-verifier&client_id=app-1234567890"),
                      answer(200, "application/json", R"({"access_token":"canary-access","token_type":"Bearer","expires_in":3600,"refresh_token":"canary-refresh","nested":{"token":"canary-nested"},"list":["canary-list"]})"));
    recorder.exchange(post("application/json", R"({"grant_type":"authorization_code","client_secret":"canary-json","deep":{"er":{"est":"canary-deep"}}})", "Basic Y2FuYXJ5OmNhbmFyeQ=="),
                      answer(200, kForm, "access_token=canary-form-answer&scope=read"));
    recorder.exchange(post("text/plain", "canary-plain"), answer(500, "text/html", "<html><title>Oops</title>canary-page</html>"));
    recorder.sent_to_browser(*net::Url::parse("https://auth.example/authorize?state=canary-state&code_challenge=canary-challenge&scope=read+write&login_hint=canary-hint"));
    recorder.browser_returned({{"code", "canary-returned"}, {"state", "canary-state"}, {"iss", "https://auth.example"}});
    const auto shown = text();
    EXPECT_THAT(shown, Not(HasSubstr("canary")));
    EXPECT_THAT(shown, Not(HasSubstr("Y2FuYXJ5")));
    for (const char* part : {"\"client_secret\"", "\"read write\"", "\"app-... (14 characters)\"", "\"Authorization (Basic)\"", "\"nested/token\"", "\"Oops\"", "\"deep/er/est\"", "\"3600\""})
        EXPECT_THAT(shown, HasSubstr(part));
}

TEST_F(TranscriptTest, LG02_a_server_that_repeats_a_secret_gives_nothing_away) {
    recorder.exchange(post("application/x-www-form-urlencoded", "grant_type=authorization_code&client_secret=hunter2-short"),
                      answer(401, "application/json", R"({"error":"invalid_client","error_description":"no client with the secret hunter2-short","hunter2-short":1})"));
    EXPECT_THAT(text(), Not(HasSubstr("hunter2")));
    EXPECT_THAT(text(), HasSubstr("no client with the secret [hidden]"));
}

// What a server decodes it can repeat decoded: the password of Basic, both secrets of PLAINTEXT (RFC 5849 section 3.4.4).
TEST_F(TranscriptTest, LG02_what_a_server_decodes_and_repeats_is_hidden_too) {
    recorder.exchange(post("application/x-www-form-urlencoded", "grant_type=client_credentials", "Basic " + base::base64_encode("app:hunter%20two")),
                      answer(401, "application/json", R"({"error":"invalid_client","error_description":"'hunter two' and 'hunter%20two' are wrong"})"));
    recorder.exchange(post("text/plain", "", R"(OAuth realm="here", oauth_consumer_key="my-consumer-key", oauth_signature_method="PLAINTEXT", oauth_signature="blue%2520moon%26red%2520sun", oauth_token="the-token")"),
                      answer(401, "text/plain", "oauth_problem=signature_invalid&oauth_problem_advice=blue%20moon%20and%20red%20sun%20of%20the-token"));
    for (const char* secret : {"hunter", "moon", "sun", "the-token"}) EXPECT_THAT(text(), Not(HasSubstr(secret)));
    for (const char* part : {"\"my-c... (15 characters)\"", "\"PLAINTEXT\"", "\"here\"", "'[hidden]' and"}) EXPECT_THAT(text(), HasSubstr(part));
}

// RFC 7523, RFC 9449: of what the client signed, whom it is for and by which key; never the signature.
TEST_F(TranscriptTest, LG02_of_a_signed_assertion_its_telling_claims_are_shown) {
    const auto part = [](std::string_view json) { return base::base64url_encode(json); };
    const auto jwt = part(R"({"alg":"ES256","kid":"key-1","typ":"JWT"})") + "." +
                     part(R"({"iss":"client-1234567","sub":"client-1234567","aud":"https://auth.example/token","exp":1800000000,"jti":"canary-jti"})") + ".canary-signature";
    recorder.exchange(post("application/x-www-form-urlencoded", "grant_type=client_credentials&client_assertion=" + jwt), answer(401, "application/json", R"({"error":"invalid_client"})"));
    EXPECT_THAT(text(), Not(HasSubstr("canary")));
    EXPECT_THAT(text(), Not(HasSubstr(jwt.substr(0, 20))));
    for (const char* shown : {"client_assertion/alg", "\"ES256\"", "\"key-1\"", "\"https://auth.example/token\"", "\"clie... (14 characters)\"", "\"2027-01-15T08:00:00Z\""})
        EXPECT_THAT(text(), HasSubstr(shown));
    EXPECT_TRUE(recorder.transcript().steps.back().body.size() < 10);
}

TEST_F(TranscriptTest, harmless_members_are_shown_and_the_rest_is_hidden) {
    recorder.exchange(post("application/json", R"({"grant_type":"x","confirm":true,"nothing":null,"oauth_version":"1.0"})"),
                      answer(400, "application/json", R"({"code":"canary-code","error":{"code":1234,"message":"what is wrong"},"errors":[{"message":"the first","code":"E7","id":"canary-id"}],)"
                                                      R"("interval":5,"ok":false,"oauth_callback_confirmed":"true","user_code":"canary-user","client_id":"app-1234567890"})"));
    EXPECT_THAT(text(), Not(HasSubstr("canary")));
    for (const char* part : {"\"1234\"", "\"what is wrong\"", "\"errors/0/message\"", "\"the first\"", "\"E7\"", "\"5\"", "\"false\"", "\"confirm\"", "\"null\"", "\"app-... (14 characters)\""})
        EXPECT_THAT(text(), HasSubstr(part));
}

// A redirect URL looks like a token to the cleaner; one that was sent and shown is known.
TEST_F(TranscriptTest, what_was_sent_and_shown_may_come_back) {
    recorder.exchange(post("application/json", R"({"redirect_uris":["http://127.0.0.1:7998/auth/callback/oauth"]})"),
                      answer(201, "application/json", R"({"redirect_uris":["http://127.0.0.1:7998/auth/callback/oauth"],"grant_types":["http://127.0.0.1:7998/auth/canary-1234/other"]})"));
    const auto& last = recorder.transcript().steps.back();
    EXPECT_EQ(last.answered_with("redirect_uris")->value, R"(["http://127.0.0.1:7998/auth/callback/oauth"])");
    EXPECT_THAT(text(), Not(HasSubstr("canary")));
}

TEST_F(TranscriptTest, each_step_has_its_name) {
    using Kind = Step::Kind;
    const auto kinds = {Kind::metadata, Kind::registration, Kind::pushed_authorization, Kind::device_authorization, Kind::token, Kind::temporary_credentials, Kind::token_credentials, Kind::keys, Kind::userinfo, Kind::revocation};
    for (const auto kind : kinds) {
        const auto url = "https://auth.example/" + std::string(to_string(kind));
        recorder.expect(*net::Url::parse(url), kind);
        http::Request request{"POST", *net::Url::parse(url + "?x=1"), {}, base::WipedString("grant_type=x")};
        recorder.exchange(request, answer(500, "text/plain", ""));
        EXPECT_EQ(recorder.transcript().steps.back().kind, kind);
        EXPECT_EQ(transcript_from_json(text())->steps.back().kind, kind);
    }
    recorder.exchange(post("application/x-www-form-urlencoded", "grant_type=x"), answer(500, "text/plain", ""));
    EXPECT_EQ(recorder.transcript().steps.back().kind, Kind::token) << "by its form, where nothing is known";
}

// RFC 8628 section 3.5: twenty polls must not push out what came before.
TEST_F(TranscriptTest, polling_is_one_step) {
    recorder.exchange(post("application/x-www-form-urlencoded", "client_id=abc"), answer(200, "application/json", R"({"interval":5})"));
    for (int i = 0; i < 100; ++i) recorder.exchange(post("application/x-www-form-urlencoded", "grant_type=device"), answer(400, "application/json", R"({"error":"authorization_pending"})"));
    recorder.exchange(post("application/x-www-form-urlencoded", "grant_type=device"), answer(400, "application/json", R"({"error":"expired_token"})"));
    ASSERT_EQ(recorder.transcript().steps.size(), 3u);
    EXPECT_EQ(recorder.transcript().steps[1].times, 100);
    EXPECT_EQ(transcript_from_json(text())->steps[1].times, 100);
}

TEST_F(TranscriptTest, LG02_the_error_that_is_shown_repeats_no_secret_either) {
    recorder.exchange(post("application/x-www-form-urlencoded", "client_secret=hunter-two"), answer(401, "application/json", "{}"));
    auto error = base::Error::make(base::ErrorCode::authorization_failed, "bad secret hunter-two", "not hunter-two");
    const auto masked = recorder.masked(base::Error::make(base::ErrorCode::authorization_failed, "outer").within("x"));
    EXPECT_EQ(masked.message, "x: outer");
    error = recorder.masked(std::move(error));
    EXPECT_EQ(error.message + "; " + error.hint, "bad secret [hidden]; not [hidden]");
}

TEST_F(TranscriptTest, a_secret_that_is_a_part_of_what_stands_for_it_ends_too) {
    recorder.exchange(post("application/x-www-form-urlencoded", "client_secret=hidden"),
                      answer(400, "application/json", R"({"hint":"[hidden]","error":"hidden","error_description":"hidden hidden"})"));
    EXPECT_THAT(text(), HasSubstr("[hidden]"));
}

TEST_F(TranscriptTest, what_is_written_reads_back) {
    recorder.transcript().provider = "acme";
    recorder.transcript().pkce = false;
    recorder.exchange(post("application/json", R"({"grant_type":"x"})"), base::fail(base::ErrorCode::tls, "bad certificate"));
    recorder.exchange(post("application/json", R"({"grant_type":"x"})"), answer(400, "application/json", R"({"error":"invalid_request"})"));
    recorder.ended(base::Error::make(base::ErrorCode::authorization_failed, "invalid_request"));
    const auto read = transcript_from_json(text());
    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_EQ(json::to_pretty_text(to_json(*read)), text());
    EXPECT_FALSE(transcript_from_json("[]"));
    EXPECT_EQ(transcript_from_json(R"({"format":2})").error().code, base::ErrorCode::unsupported);
}

TEST_F(TranscriptTest, it_stays_bounded) {
    for (int i = 0; i < 200; ++i) recorder.sent_to_browser(*net::Url::parse("https://auth.example/" + std::to_string(i)));
    EXPECT_EQ(recorder.transcript().steps.size(), 40u);
    EXPECT_EQ(recorder.transcript().steps.back().url, "https://auth.example/199");
}

struct Case { int status; const char* type; const char* body; std::vector<std::string> first; };
TEST_F(TranscriptTest, what_to_check_follows_from_the_answer) {
    const Case cases[] = {
        {401, "application/json", R"({"error":"invalid_client"})", {"client secret", "client id"}},
        {400, "application/json", R"({"error":"invalid_grant"})", {"redirect URL", "PKCE", "code", "client id", "DPoP"}},
        {400, "application/json", R"({"error":"invalid_scope"})", {"scopes"}},
        {400, "application/json", R"({"error":"unauthorized_client"})", {"kind of app", "client id", "client secret"}},
        {400, "application/json", R"({"error":"unsupported_grant_type"})", {"grant", "token URL"}},
        {400, "application/json", R"({"error":{"code":"invalid_client","message":"no"}})", {"client secret", "client id"}},
        {200, "application/json", R"({"ok":true})", {"answer"}},
        {200, "text/html", "<title>Welcome</title>", {"token URL", "redirect URL"}},
        {404, "text/html", "gone", {"token URL"}},
        {302, "text/plain", "", {"token URL"}},
        {503, "text/plain", "", {"the service"}},
        {401, "text/plain", "", {"client secret", "client id"}},
    };
    for (const auto& row : cases) {
        SCOPED_TRACE(std::to_string(row.status) + " " + row.body);
        recorder.exchange(post("application/x-www-form-urlencoded", "grant_type=authorization_code&client_id=abc"), answer(row.status, row.type, row.body));
        EXPECT_EQ(subjects(), row.first);
    }
    const std::pair<base::ErrorCode, const char*> failures[] = {{base::ErrorCode::tls, "certificate"}, {base::ErrorCode::network, "address"}, {base::ErrorCode::address_refused, "address"}};
    for (const auto& [code, subject] : failures) {
        recorder.exchange(post("application/json", "{}"), base::fail(code, "x"));
        EXPECT_EQ(subjects().front(), subject);
    }
}

// What cannot be wrong in a flow is not advised; what the server's own words name comes first.
TEST_F(TranscriptTest, what_to_check_depends_on_flow_request_and_words) {
    struct Row { const char* flow; Step::Kind kind; const char* authentication; const char* body; int status; const char* answer; std::vector<std::string> first; };
    using Kind = Step::Kind;
    const Row rows[] = {
        {"client_credentials", Kind::token, "private_key_jwt", "client_assertion=a.b.c", 401, R"({"error":"invalid_client"})", {"private key", "client id"}},
        {"client_credentials", Kind::token, "client_secret_jwt", "client_assertion=a.b.c", 401, R"({"error":"invalid_client"})", {"client secret", "client id"}},
        {"client_credentials", Kind::token, "", "assertion=a.b.c", 400, R"({"error":"invalid_grant"})", {"assertion", "client secret", "scopes"}},
        {"client_credentials", Kind::token, "", "x=1", 400, R"({"error":"invalid_request"})", {"body", "client secret", "scopes"}},
        {"device_code", Kind::device_authorization, "", "client_id=a", 400, R"({"error":"unauthorized_client"})", {"kind of app", "client id", "client secret"}},
        {"device_code", Kind::device_authorization, "", "client_id=a", 400, R"({"error":"invalid_request","error_description":"device_code is not allowed for this client"})", {"kind of app", "client id", "scopes", "client secret"}},
        {"device_code", Kind::device_authorization, "", "client_id=a", 404, "{}", {"device authorization URL"}},
        {"device_code", Kind::token, "", "client_id=a", 400, R"({"error":"authorization_pending"})", {"the code"}},
        {"device_code", Kind::token, "", "client_id=a", 400, R"({"error":"invalid_grant"})", {"the code", "client id"}},
        {"pkce", Kind::pushed_authorization, "", "client_id=a", 400, R"({"error":"invalid_request","error_description":"redirect_uri did not match"})", {"redirect URL", "PKCE", "scopes", "client id"}},
        {"pkce", Kind::token, "", "x=1", 400, R"({"error":"invalid_request","error_description":"code_verifier=abc is missing its redirect_uri"})", {"redirect URL", "PKCE", "body", "client secret"}},
        {"pkce", Kind::pushed_authorization, "", "client_id=a", 302, "", {"pushed authorization URL"}},
        {"pkce", Kind::token, "", "x=1", 400, R"({"error":"invalid_grant","error_description":"DPoP proof JWT not provided"})", {"DPoP", "redirect URL", "PKCE", "code", "client id"}},
        {"pkce", Kind::token, "", "x=1", 400, R"({"error":"invalid_dpop_proof"})", {"DPoP"}},
        {"pkce", Kind::token, "", "x=1", 400, R"({"error":"some_code","error_description":"wrong client_secret"})", {"client secret", "redirect URL", "PKCE", "client id"}},
        {"pkce", Kind::token, "", "x=1", 200, R"({"access_token":"x","token_type":"mac"})", {"the answer"}},
        {"pkce", Kind::userinfo, "", "x=1", 200, R"({"a":"x"})", {"answer", "userinfo URL"}},
        {"oauth1", Kind::temporary_credentials, "", "x=1", 401, R"({"oauth_problem":"signature_invalid"})", {"consumer secret", "signature method", "placement", "realm", "clock"}},
        {"oauth1", Kind::temporary_credentials, "", "oauth_signature_method=RSA-SHA1", 401, R"({"oauth_problem":"signature_invalid"})", {"private key", "signature method", "placement", "realm", "clock"}},
        {"oauth1", Kind::temporary_credentials, "", "x=1", 401, R"({"oauth_problem":"consumer_key_unknown"})", {"consumer key", "consumer secret"}},
        {"oauth1", Kind::temporary_credentials, "", "x=1", 400, R"({"oauth_problem":"signature_method_rejected"})", {"signature method"}},
        {"oauth1", Kind::temporary_credentials, "", "x=1", 400, R"({"oauth_problem":"parameter_absent","oauth_parameters_absent":"oauth_callback"})", {"parameters", "placement", "realm", "redirect URL"}},
        {"oauth1", Kind::temporary_credentials, "", "x=1", 401, R"({"oauth_problem":"timestamp_refused"})", {"clock"}},
        {"oauth1", Kind::temporary_credentials, "", "x=1", 200, R"({"oauth_token":"x","oauth_token_secret":"y"})", {"version", "request token URL"}},
        {"oauth1", Kind::temporary_credentials, "", "x=1", 200, R"({"oauth_token":"x"})", {"the answer", "request token URL"}},
        {"oauth1", Kind::token_credentials, "", "x=1", 401, R"({"oauth_problem":"token_rejected"})", {"the token"}},
        {"oauth1", Kind::token_credentials, "", "x=1", 401, "{}", {"consumer key", "consumer secret", "signature method", "placement", "realm", "redirect URL", "clock"}},
        {"oauth1", Kind::token_credentials, "", "x=1", 404, "{}", {"access token URL"}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(std::string(row.flow) + " " + row.answer);
        Recorder one(clock);
        auto& transcript = one.transcript();
        transcript.flow = row.flow;
        transcript.client_authentication = row.authentication;
        const std::string_view flow = row.flow;
        if (flow == "pkce" || flow == "oauth1") transcript.redirect_uri = "http://127.0.0.1:7998/auth/callback/oauth";
        const auto request = post("application/x-www-form-urlencoded", row.body);
        one.expect(request.url, row.kind);
        one.exchange(request, answer(row.status, "application/json", row.answer));
        std::vector<std::string> subjects;
        for (const auto& check : what_to_check(transcript)) subjects.push_back(check.subject);
        EXPECT_EQ(subjects, row.first);
    }
    // The problem of OAuth 1 may stand in the challenge alone.
    Recorder one(clock);
    one.transcript().flow = "oauth1";
    auto refused = answer(401, "text/plain", "");
    refused->fields.set("WWW-Authenticate", R"(OAuth realm="x", oauth_problem="timestamp_refused")");
    one.exchange(post("text/plain", ""), refused);
    EXPECT_EQ(one.transcript().steps.back().error(), "timestamp_refused");
    EXPECT_EQ(what_to_check(one.transcript()).front().subject, "clock");
}

TEST_F(TranscriptTest, what_to_check_when_the_browser_brings_an_error_or_nothing) {
    recorder.sent_to_browser(*net::Url::parse("https://auth.example/authorize?client_id=abc&scope=a"));
    EXPECT_EQ(subjects(), (std::vector<std::string>{"the page", "redirect URL", "client id", "scopes", "PKCE", "browser"}));
    recorder.browser_returned({{"error", "access_denied"}, {"error_description", "no"}});
    EXPECT_EQ(subjects().front(), "the answer");
    recorder.sent_to_browser(*net::Url::parse("https://auth.example/authorize?client_id=abc&scope=a"));
    recorder.browser_returned({{"error", "unsupported_response_type"}});
    EXPECT_EQ(subjects().front(), "kind of app");
}

TEST_F(TranscriptTest, a_wrong_clock_comes_first) {
    auto refused = answer(400, "application/json", R"({"error":"invalid_grant"})");
    refused->fields.set("Date", "Fri, 15 Jan 2027 09:00:00 GMT");  // the fake clock stands at 08:00:00
    recorder.exchange(post("application/json", "{}"), refused);
    ASSERT_EQ(subjects().front(), "clock");
    EXPECT_THAT(what_to_check(recorder.transcript()).front().advice, HasSubstr("3600 seconds behind"));
}

}  // namespace
}  // namespace claviger::oauth
