#include "inject/sign_hmac.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "inject/test_connection.hpp"

namespace claviger::inject {
namespace {

using namespace testing;
using Lines = std::vector<std::string>;

struct SignHmac : ::testing::Test {
    SignHmac() {
        definition = definition_of(provider::AuthType::custom);
        definition.inject.present = true;
        definition.inject.sign = "hmac";
        rule().key = "{{secret}}";
        rule().message = "{{request.timestamp}}{{request.method}}{{request.target}}{{request.body}}";
        rule().headers = {{"X-Key", "{{id}}"}, {"X-Sign", "v1={{request.signature}}"}, {"X-Time", "{{request.timestamp}}"}};
        fields = {{"id", "key-1"}, {"secret", "s3cret"}};
    }
    provider::HmacSignature& rule() {
        if (!definition.inject.hmac) definition.inject.hmac.emplace();
        return *definition.inject.hmac;
    }
    base::Result<Injection> make() {
        auto stored = connection_to(definition, {});
        for (const auto& [name, value] : fields) stored.fields.emplace(name, base::Secret(value));
        return Injection::make(definition, stored, kNow);
    }
    Lines applied(http::RequestHead request, std::string_view body = {}) {
        const auto injection = make();
        if (!injection) return {"error " + std::string(base::to_string(injection.error().code))};
        const Occasion occasion{kNow, random, body, {}};
        const auto done = injection->apply(request, url_of("https://api.acme.com/"), &occasion);
        if (!done) return {"error " + std::string(base::to_string(done.error().code))};
        return lines_of(request);
    }
    provider::ProviderDefinition definition;
    std::map<std::string, std::string> fields;
    base::FakeRandom random;
};

http::RequestHead post_of(std::string target, std::initializer_list<std::pair<std::string, std::string>> lines = {}) {
    auto request = request_to(std::move(target), lines);
    request.method = "POST";
    request.framing = {http::BodyFraming::Kind::length, 7};
    return request;
}

TEST_F(SignHmac, the_text_is_hashed_and_the_callers_copies_go) {
    const std::string expected = base::hex_encode(crypto::hmac_sha256("s3cret", "1800000000POST/v1/orders?a=b{\"a\":1}"));
    EXPECT_EQ(applied(post_of("/v1/orders?a=b", {{"x_sign", "mine"}, {"X-Time", "1"}, {"Accept", "*/*"}}), "{\"a\":1}"),
              (Lines{"Accept: */*", "X-Key: key-1", "X-Sign: v1=" + expected, "X-Time: 1800000000"}));
}

TEST_F(SignHmac, RFC4231_test_case_2) {
    fields["secret"] = "Jefe";
    rule().message = "what do ya want for nothing?";
    rule().headers = {{"X-Sign", "{{request.signature}}"}};
    struct Row { const char *algorithm, *expected; };
    for (const auto& [algorithm, expected] :
         {Row{"sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
          {"sha512", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
          {"sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"}}) {  // of RFC 2202
        rule().algorithm = algorithm;
        EXPECT_EQ(applied(request_to("/")), (Lines{"X-Sign: " + std::string(expected)})) << algorithm;
    }
}

TEST_F(SignHmac, keys_signatures_and_times_in_their_encodings) {
    rule().message = "{{request.path}}|{{request.query}}|{{request.host}}|{{request.content_type}}|{{request.body_sha256}}";
    rule().key_encoding = "base64";
    rule().encoding = "base64";
    rule().timestamp = "rfc3339";
    rule().headers = {{"X-Sign", "{{request.signature}}"}, {"X-Time", "{{request.timestamp}}"}};
    fields["secret"] = base::base64_encode(std::string("\0raw\xff", 5));
    const std::string text = "/a|b=c|api.acme.com|text/plain|" + crypto::sha256_hex("{}");
    const std::string expected = base::base64_encode(crypto::hmac_sha256(std::string("\0raw\xff", 5), text));
    EXPECT_EQ(applied(post_of("/a?b=c", {{"Host", "api.acme.com"}, {"Content-Type", "text/plain"}}), "{}"),
              (Lines{"Host: api.acme.com", "Content-Type: text/plain", "X-Sign: " + expected, "X-Time: 2027-01-15T08:00:00Z"}));
    fields["secret"] = "not base64!";
    EXPECT_EQ(applied(request_to("/")), Lines{"error invalid_input"});
    rule().key_encoding = "hex";
    fields["secret"] = "0a0B";
    rule().timestamp = "milliseconds";
    EXPECT_EQ(applied(request_to("/")).back(), "X-Time: 1800000000000");
}

TEST_F(SignHmac, only_a_text_with_the_body_needs_it) {
    EXPECT_TRUE(make()->covers_body(post_of("/"), url_of("https://api.acme.com/")));
    EXPECT_FALSE(make()->covers_body(request_to("/"), url_of("https://api.acme.com/")));
    rule().message = "{{request.body_sha256}}";
    EXPECT_TRUE(make()->covers_body(post_of("/"), url_of("https://api.acme.com/")));
    rule().message = "{{request.target}}";
    EXPECT_FALSE(make()->covers_body(post_of("/"), url_of("https://api.acme.com/")));
}

TEST_F(SignHmac, PX24_values_are_no_templates_and_every_nonce_is_new) {
    fields["id"] = "{{secret}}{{request.signature}}";
    rule().headers = {{"X-Key", "{{id}}"}, {"X-Nonce", "{{request.nonce}}"}};
    const auto first = applied(request_to("/")), second = applied(request_to("/"));
    EXPECT_EQ(first.front(), "X-Key: {{secret}}{{request.signature}}");
    EXPECT_NE(first.back(), second.back());
}

TEST_F(SignHmac, what_is_missing_is_said) {
    fields.erase("id");
    EXPECT_EQ(applied(request_to("/")), Lines{"error invalid_input"});
    fields["id"] = "a\r\nX-B: c";
    EXPECT_EQ(applied(request_to("/")), Lines{"error invalid_input"});
    definition.inject.hmac.reset();
    EXPECT_EQ(applied(request_to("/")), Lines{"error invalid_input"});
}

}  // namespace
}  // namespace claviger::inject
