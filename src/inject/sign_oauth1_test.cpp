#include "inject/sign_oauth1.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "inject/test_connection.hpp"

namespace claviger::inject {
namespace {

using namespace testing;
using base::ErrorCode;

class SignOAuth1 : public ::testing::Test {
protected:
    SignOAuth1() {
        definition = definition_of(provider::AuthType::oauth1);
        definition.oauth1.emplace();
        definition.oauth1->access_token_url = "https://acme.com/token";
    }
    base::Result<Injection> make(bool with_client = true) {
        auto stored = connection_to(definition, {{"access_token_secret", "token-secret"}});
        stored.access_token = base::Secret("token-1");
        stored.client_id = "consumer-1";
        connection::ClientRecord client;
        client.client_id = client_id;
        client.client_secret = base::Secret("consumer-secret");
        return Injection::make(definition, stored, kNow, with_client ? &client : nullptr);
    }
    // The lines of the request after it was signed, or one line "error ...".
    std::vector<std::string> signed_lines(http::RequestHead request, std::string_view url, std::string_view body = {}) {
        const auto injection = make();
        if (!injection) return {"error " + std::string(base::to_string(injection.error().code))};
        const Occasion occasion{kNow, random, body, {}};
        const auto applied = injection->apply(request, url_of(url), &occasion);
        if (!applied) return {"error " + std::string(base::to_string(applied.error().code))};
        auto lines = lines_of(request);
        lines.push_back("target " + request.target);
        return lines;
    }
    // The same request signed by the layer below with the same randomness: what must be on the wire.
    std::string expected(std::string_view method, std::string_view url, std::string_view target, std::string_view form = {}) {
        const auto signer = oauth::OAuth1Signer::make(oauth::signature_method_from(definition.oauth1->signature_method).value(),
                                                      {"consumer-1", base::Secret("consumer-secret"), base::Secret("token-1"), base::Secret("token-secret")});
        const auto parameters = signer->sign({method, url_of(url), target, form}, oauth::make_stamp(random, kNow)).value();
        return std::string(oauth::authorization_value(parameters, definition.oauth1->realm));
    }
    void rewind() { random = base::FakeRandom(); }

    provider::ProviderDefinition definition;
    std::string client_id = "consumer-1";
    base::FakeRandom random;
};

http::RequestHead form_post(std::string target, std::string type = "application/x-www-form-urlencoded") {
    auto request = request_to(std::move(target), {{"Content-Type", std::move(type)}});
    request.method = "POST";
    request.framing = {http::BodyFraming::Kind::length, 3};
    return request;
}

TEST_F(SignOAuth1, covers_what_goes_on_the_wire) {  // OA-25
    definition.oauth1->realm = "Photos";
    const auto lines = signed_lines(request_to("/x?a=1&b=%20"), "https://api.acme.com/x?a=1&b=%20");
    rewind();
    EXPECT_EQ(lines, (std::vector<std::string>{"Authorization: " + expected("GET", "https://api.acme.com/", "/x?a=1&b=%20"), "target /x?a=1&b=%20"}));
    EXPECT_TRUE(lines.front().starts_with("Authorization: OAuth realm=\"Photos\", oauth_consumer_key=\"consumer-1\", oauth_token=\"token-1\""));
    EXPECT_EQ(lines.front().find("secret"), std::string::npos);
}

TEST_F(SignOAuth1, takes_out_what_the_caller_signed) {
    auto request = request_to("/x?oauth_token=mine&a=1&OAuth-Signature=s&oauth_other=kept", {{"Authorization", "OAuth mine"}, {"Accept", "*/*"}, {"authorization", "Bearer x"}});
    const auto lines = signed_lines(request, "https://api.acme.com/x");
    rewind();
    EXPECT_EQ(lines, (std::vector<std::string>{"Accept: */*", "Authorization: " + expected("GET", "https://api.acme.com/", "/x?a=1&oauth_other=kept"),
                                               "target /x?a=1&oauth_other=kept"}));
}

TEST_F(SignOAuth1, signs_after_the_rules_of_the_definition) {
    definition.inject.present = true;
    definition.inject.headers = {{"X-Consumer", "{{client_id}}"}};
    definition.inject.query = {{"key", "{{client_id}}"}};
    const auto lines = signed_lines(request_to("/x?key=mine&a"), "https://api.acme.com/x");
    rewind();
    EXPECT_EQ(lines, (std::vector<std::string>{"X-Consumer: consumer-1", "Authorization: " + expected("GET", "https://api.acme.com/", "/x?a&key=consumer-1"),
                                               "target /x?a&key=consumer-1"}));
}

TEST_F(SignOAuth1, a_form_is_covered_and_nothing_else) {
    const auto injection = make().value();
    EXPECT_TRUE(injection.covers_body(form_post("/x"), url_of("https://api.acme.com/x")));
    EXPECT_TRUE(injection.covers_body(form_post("/x", "Application/x-www-form-urlencoded;charset=utf-8"), url_of("https://api.acme.com/x")));
    EXPECT_FALSE(injection.covers_body(form_post("/x", "application/json"), url_of("https://api.acme.com/x")));
    EXPECT_FALSE(injection.covers_body(request_to("/x", {{"Content-Type", "application/x-www-form-urlencoded"}}), url_of("https://api.acme.com/x")));
    auto compressed = form_post("/x");
    compressed.fields.add("Content-Encoding", "gzip");
    EXPECT_FALSE(injection.covers_body(compressed, url_of("https://api.acme.com/x")));
    const auto lines = signed_lines(form_post("/x?q"), "https://api.acme.com/x", "a=b&c");
    rewind();
    EXPECT_EQ(lines[1], "Authorization: " + expected("POST", "https://api.acme.com/", "/x?q", "a=b&c"));
    EXPECT_EQ(signed_lines(form_post("/x"), "https://api.acme.com/x", "a=b&%6fauth_token=c"), std::vector<std::string>{"error invalid_input"});
    EXPECT_EQ(signed_lines(form_post("/x"), "https://api.acme.com/x", "oauth-nonce"), std::vector<std::string>{"error invalid_input"});
}

TEST_F(SignOAuth1, goes_into_the_query_where_the_definition_says_so) {
    definition.oauth1->placement = "query";
    const auto lines = signed_lines(request_to("/x?a=1", {{"Authorization", "Bearer mine"}}), "https://api.acme.com/x?a=1");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_TRUE(lines.front().starts_with("target /x?a=1&oauth_consumer_key=consumer-1&oauth_token=token-1&")) << lines.front();
    EXPECT_NE(lines.front().find("&oauth_signature="), std::string::npos);
}

TEST_F(SignOAuth1, every_request_has_a_stamp_of_its_own) {
    EXPECT_NE(signed_lines(request_to("/x"), "https://api.acme.com/x"), signed_lines(request_to("/x"), "https://api.acme.com/x"));
}

TEST_F(SignOAuth1, never_for_another_host_or_in_the_clear) {  // OA-25, PX-11
    EXPECT_EQ(signed_lines(request_to("/x"), "https://other.example/x"), std::vector<std::string>{"error needs_login"});
    EXPECT_EQ(signed_lines(request_to("/x"), "http://api.acme.com/x"), std::vector<std::string>{"error denied"});
    EXPECT_EQ(signed_lines(request_to("*"), "https://api.acme.com/"), std::vector<std::string>{"error denied"});
    definition.api_urls = {"http://127.0.0.1:4000/"};
    EXPECT_EQ(signed_lines(request_to("/x"), "http://127.0.0.1:4000/x").size(), 2U);
    definition.oauth1->signature_method = "PLAINTEXT";
    EXPECT_EQ(signed_lines(request_to("/x"), "http://127.0.0.1:4000/x"), std::vector<std::string>{"error denied"});
}

TEST_F(SignOAuth1, needs_the_consumer_it_was_made_with) {  // OA-27
    EXPECT_EQ(make(false).error().code, ErrorCode::needs_login);
    client_id = "another";
    EXPECT_EQ(make().error().code, ErrorCode::needs_login);
    client_id = "consumer-1";
    const auto injection = make().value();
    auto request = request_to("/x");
    EXPECT_EQ(injection.apply(request, url_of("https://api.acme.com/x")).error().code, ErrorCode::unsupported) << "without an occasion";
}

}  // namespace
}  // namespace claviger::inject
