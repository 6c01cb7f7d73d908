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
    for (const char* part : {"\"client_secret\"", "\"read write\"", "\"app-... (14 characters)\"", "\"Authorization (Basic)\"", "\"nested/token\"", "\"Oops\"", "\"deep/er\"", "\"3600\""})
        EXPECT_THAT(shown, HasSubstr(part));
}

TEST_F(TranscriptTest, LG02_a_server_that_repeats_a_secret_gives_nothing_away) {
    recorder.exchange(post("application/x-www-form-urlencoded", "grant_type=authorization_code&client_secret=hunter2-short"),
                      answer(401, "application/json", R"({"error":"invalid_client","error_description":"no client with the secret hunter2-short","hunter2-short":1})"));
    EXPECT_THAT(text(), Not(HasSubstr("hunter2")));
    EXPECT_THAT(text(), HasSubstr("no client with the secret [hidden]"));
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
        {400, "application/json", R"({"error":"invalid_grant"})", {"redirect URL", "PKCE", "code", "client id"}},
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

TEST_F(TranscriptTest, what_to_check_when_the_browser_brings_an_error_or_nothing) {
    recorder.transcript().redirect_uri = "http://127.0.0.1:7998/auth/callback/oauth";
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
