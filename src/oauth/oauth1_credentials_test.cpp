#include "oauth/oauth1_credentials.hpp"

#include <gtest/gtest.h>

namespace claviger::oauth {
namespace {

using base::ErrorCode;

net::Url url_of(std::string_view text) { return net::Url::parse(text).value(); }

OAuth1Signer signer(SignatureMethod method = SignatureMethod::hmac_sha1) {
    return OAuth1Signer::make(method, {"ck", base::Secret("cs"), {}, {}}).value();
}

http::Response answer(int status, std::string_view body, std::string_view type = "application/x-www-form-urlencoded") {
    http::Response response;
    response.status = status;
    response.fields.add("Content-Type", type);
    response.body.assign(body);
    return response;
}

CredentialRequest callback_to(net::Url endpoint) {
    CredentialRequest request{std::move(endpoint), "", false, {}};
    request.more.push_back({"oauth_callback", base::WipedString("http://127.0.0.1:7998/auth/callback/oauth")});
    return request;
}

TEST(OAuth1Credentials, a_request_is_a_signed_post) {  // RFC 5849 section 2.1
    const auto request = credential_http_request(signer(), callback_to(url_of("https://acme.example/request?x=a%20b")), {"n", "1"}).value();
    EXPECT_EQ(request.method, "POST");
    EXPECT_TRUE(request.body.empty());
    EXPECT_EQ(request.url.text(), "https://acme.example/request?x=a%20b");
    const std::string field(request.fields.find("Authorization").value());
    EXPECT_NE(field.find("oauth_callback=\"http%3A%2F%2F127.0.0.1%3A7998%2Fauth%2Fcallback%2Foauth\""), std::string::npos) << field;

    auto in_query = callback_to(url_of("https://acme.example/request?x=1"));
    in_query.in_query = true;
    const auto other = credential_http_request(signer(), std::move(in_query), {"n", "1"}).value();
    EXPECT_FALSE(other.fields.find("Authorization"));
    EXPECT_TRUE(other.url.text().starts_with("https://acme.example/request?x=1&oauth_consumer_key=ck&")) << other.url.text();
}

TEST(OAuth1Credentials, what_is_never_sent) {  // OA-09, OA-25, OA-29
    EXPECT_EQ(credential_http_request(signer(), callback_to(url_of("http://acme.example/request")), {"n", "1"}).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(credential_http_request(signer(), callback_to(url_of("https://acme.example/request?oauth_nonce=1")), {"n", "1"}).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(credential_http_request(signer(SignatureMethod::plaintext), callback_to(url_of("http://127.0.0.1/request")), {"n", "1"}).error().code, ErrorCode::denied);
    EXPECT_TRUE(credential_http_request(signer(), callback_to(url_of("http://127.0.0.1/request")), {"n", "1"}));
}

TEST(OAuth1Credentials, answers_that_are_right) {
    const auto read = read_credentials(answer(200, "oauth_token=a%2Bb&oauth_token_secret=s%26+t&oauth_callback_confirmed=true\n", "text/html"), "temporary credentials");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(read->token.equals("a+b"));
    EXPECT_TRUE(read->secret.equals("s& t"));
    EXPECT_TRUE(read->callback_confirmed);
    const auto token = read_credentials(answer(200, "oauth_token=t&oauth_token_secret=&user_id=7&screen_name=ada&oauth_session_handle=h&refresh_token=r&"
                                                    "oauth_expires_in=3600&bad%0Aname=1&ctl=%01&oauth_callback_confirmed=TRUE"), "token credentials");
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_TRUE(token->secret.empty());
    EXPECT_FALSE(token->callback_confirmed);
    EXPECT_EQ(token->expires_in, std::chrono::seconds(3600));
    EXPECT_EQ(token->further, (std::map<std::string, std::string>{{"screen_name", "ada"}, {"user_id", "7"}}));
}

TEST(OAuth1Credentials, answers_that_are_not) {
    struct Row { http::Response response; ErrorCode code; std::string_view said; };
    std::vector<Row> rows;
    for (const std::string_view body : {"", "{}", "oauth_token=a", "oauth_token=&oauth_token_secret=b", "oauth_token=a&oauth_token=a&oauth_token_secret=b",
                                        "oauth_token=%zz&oauth_token_secret=b", "oauth_token=%0d%0a&oauth_token_secret=b", "oauth_token=a&oauth_token_secret=%00"})
        rows.push_back({answer(200, body), ErrorCode::protocol, "temporary credentials"});
    rows.push_back({answer(200, "oauth_problem=parameter_absent"), ErrorCode::authorization_failed, "parameter_absent"});
    rows.push_back({answer(302, ""), ErrorCode::protocol, "redirect"});
    rows.push_back({answer(429, ""), ErrorCode::network, "429"});
    rows.push_back({answer(503, "oauth_token=a&oauth_token_secret=b"), ErrorCode::network, "503"});
    rows.push_back({answer(401, "Invalid signature", "text/plain"), ErrorCode::authorization_failed, "HTTP 401: Invalid signature"});
    rows.push_back({answer(401, "<html>no</html>", "text/html"), ErrorCode::authorization_failed, "HTTP 401"});
    for (auto& row : rows) {
        const auto read = read_credentials(row.response, "temporary credentials");
        ASSERT_FALSE(read) << std::string(row.response.body);
        EXPECT_EQ(read.error().code, row.code) << std::string(row.response.body);
        EXPECT_NE(read.error().message.find(row.said), std::string::npos) << read.error().message;
    }
    auto challenged = answer(401, "");
    challenged.fields.add("WWW-Authenticate", "OAuth realm=\"x\", oauth_problem=\"timestamp_refused\"");
    EXPECT_NE(read_credentials(challenged, "x").error().hint.find("clock"), std::string::npos);
}

TEST(OAuth1Credentials, no_answer_is_shown_with_its_tokens) {  // OA-32
    const auto read = read_credentials(answer(401, "bad token nnch734d00sl2jdk9834kjsdf\x1b[2J", "text/plain"), "x");
    EXPECT_EQ(read.error().message.find("nnch734d"), std::string::npos);
    EXPECT_EQ(read.error().message.find('\x1b'), std::string::npos);
}

TEST(OAuth1Credentials, the_link_for_the_human) {  // RFC 5849 section 2.2
    const auto link = owner_authorization_url(url_of("https://acme.example/a?x=1"), base::Secret("t+&"), {{"scope", "a b"}}).value();
    EXPECT_EQ(link.text(), "https://acme.example/a?x=1&oauth_token=t%2B%26&scope=a+b");
    EXPECT_EQ(owner_authorization_url(url_of("https://acme.example/a"), base::Secret("t"), {{"OAuth_Token", "x"}}).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(owner_authorization_url(url_of("https://acme.example/a?oauth_token=x"), base::Secret("t"), {}).error().code, ErrorCode::invalid_input);
    EXPECT_FALSE(owner_authorization_url(url_of("http://acme.example/a"), base::Secret("t"), {}));
}

TEST(OAuth1Credentials, the_callback) {  // OA-25
    const base::Secret token("t");
    EXPECT_TRUE(read_owner_authorization({{"oauth_token", "t"}, {"oauth_verifier", "v"}}, token)->equals("v"));
    struct Row { Parameters callback; ErrorCode code; std::string_view said; };
    const std::vector<Row> rows{
        {{{"oauth_token", "T"}, {"oauth_verifier", "v"}}, ErrorCode::authorization_failed, "another login"},
        {{{"oauth_token", "t"}}, ErrorCode::authorization_failed, "oauth_verifier"},
        {{{"oauth_verifier", "v"}}, ErrorCode::authorization_failed, "oauth_verifier"},
        {{{"oauth_token", "t"}, {"oauth_verifier", ""}}, ErrorCode::authorization_failed, "oauth_verifier"},
        {{{"oauth_token", "t"}, {"oauth_verifier", "v"}, {"oauth_verifier", "w"}}, ErrorCode::protocol, "repeats"},
        {{{"denied", "t"}}, ErrorCode::authorization_failed, "said no"},
        {{{"denied", "t"}, {"oauth_token", "t"}, {"oauth_verifier", "v"}}, ErrorCode::authorization_failed, "said no"},
        {{{"oauth_token", "t"}, {"oauth_problem", "user_refused"}}, ErrorCode::authorization_failed, "said no"},
        {{{"oauth_token", "t"}, {"oauth_problem", "permission_unknown"}}, ErrorCode::authorization_failed, "permission_unknown"}};
    for (const auto& row : rows) {
        const auto read = read_owner_authorization(row.callback, token);
        ASSERT_FALSE(read) << row.said;
        EXPECT_EQ(read.error().code, row.code) << read.error().message;
        EXPECT_NE(read.error().message.find(row.said), std::string::npos) << read.error().message;
    }
}

}  // namespace
}  // namespace claviger::oauth
