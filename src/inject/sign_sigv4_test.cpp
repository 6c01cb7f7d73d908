#include "inject/sign_sigv4.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "inject/test_connection.hpp"

namespace claviger::inject {
namespace {

using namespace testing;
using base::ErrorCode;

// The keys of the published examples.
const std::string kId = "AKIDEXAMPLE", kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

struct SignSigV4 : ::testing::Test {
    SignSigV4() {
        definition = definition_of(provider::AuthType::custom);
        definition.api_urls = {"**.cloud.example"};
        definition.inject.present = true;
        definition.inject.sign = "aws_sigv4";
        definition.inject.aws_sigv4.emplace();
        definition.inject.aws_sigv4->places = {{"*.store.{region}.cloud.example", "", "store", true},
                                               {"store.{region}.cloud.example", "", "store", true},
                                               {"mail.{region}.cloud.example", "", "ses", false},
                                               {"{service}.{region}.cloud.example", "", "", false},
                                               {"{service}.cloud.example", "us-east-1", "", false}};
        fields = {{"access_key_id", kId}, {"secret_access_key", kSecret}};
    }
    base::Result<Injection> make() {
        auto stored = connection_to(definition, {});
        for (const auto& [name, value] : fields) stored.fields.emplace(name, base::Secret(value));
        return Injection::make(definition, stored, kNow);
    }
    base::Result<http::RequestHead> apply(http::RequestHead request, const std::string& url, std::string_view body = {}, base::Instant now = kNow) {
        TRY(injection, make());
        const Occasion occasion{now, random, body, {}};
        TRY_VOID(injection.apply(request, url_of(url), &occasion));
        return request;
    }
    static std::string field(const http::RequestHead& request, std::string_view name) { return std::string(request.fields.find(name).value_or("-")); }
    std::string signature(http::RequestHead request, const std::string& url, std::string_view body = {}) {
        auto signed_request = apply(std::move(request), url, body);
        return signed_request ? field(*signed_request, "Authorization") : "error " + std::string(base::to_string(signed_request.error().code));
    }

    provider::ProviderDefinition definition;
    std::map<std::string, std::string> fields;
    base::FakeRandom random;
};

http::RequestHead put_of(std::string target, http::BodyFraming framing, std::initializer_list<std::pair<std::string, std::string>> lines = {}) {
    auto request = request_to(std::move(target), lines);
    request.method = "PUT";
    request.framing = framing;
    return request;
}

constexpr auto kLength = http::BodyFraming::Kind::length;

// AWS General Reference, "Signature Version 4 signing process", the complete example.
TEST_F(SignSigV4, the_published_example_of_a_query_request) {
    definition.api_urls = {"iam.amazonaws.com"};
    definition.inject.aws_sigv4->places = {{"{service}.amazonaws.com", "us-east-1", "", false}};
    auto request = request_to("/?Action=ListUsers&Version=2010-05-08", {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}});
    auto done = apply(std::move(request), "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", {}, *base::from_rfc3339("2015-08-30T12:36:00Z"));
    ASSERT_TRUE(done) << done.error().describe();
    EXPECT_EQ(field(*done, "Authorization"),
              "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, "
              "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    EXPECT_EQ(field(*done, "X-Amz-Date"), "20150830T123600Z");
}

// Amazon S3 API Reference, "Signature Calculations for the Authorization Header", the examples whose fields are all signed here.
TEST_F(SignSigV4, the_published_examples_of_an_object_store) {
    definition.api_urls = {"examplebucket.s3.amazonaws.com"};
    definition.inject.aws_sigv4->places = {{"*.s3.amazonaws.com", "us-east-1", "s3", true}};
    fields = {{"access_key_id", "AKIAIOSFODNN7EXAMPLE"}, {"secret_access_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}};
    for (const auto& [target, expected] : {std::pair{"/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
                                           std::pair{"/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}}) {
        auto done = apply(request_to(target), "https://examplebucket.s3.amazonaws.com" + std::string(target), {}, *base::from_rfc3339("2013-05-24T00:00:00Z"));
        ASSERT_TRUE(done) << done.error().describe();
        EXPECT_EQ(field(*done, "Authorization"), "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                                                 "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + std::string(expected));
    }
}

TEST_F(SignSigV4, region_and_service_come_from_the_first_place_that_fits) {
    struct Row { const char *host, *scope; };
    for (const auto& [host, scope] : {Row{"queue.eu-west-1.cloud.example", "eu-west-1/queue"}, {"mail.eu-west-1.cloud.example", "eu-west-1/ses"},
                                      {"names.cloud.example", "us-east-1/names"}, {"store.eu-west-1.cloud.example", "eu-west-1/store"},
                                      {"bucket.store.eu-west-1.cloud.example", "eu-west-1/store"}}) {
        EXPECT_NE(signature(request_to("/"), "https://" + std::string(host) + "/").find("/" + std::string(scope) + "/aws4_request,"), std::string::npos) << host;
    }
    EXPECT_EQ(signature(request_to("/"), "https://a.b.c.d.cloud.example/"), "error denied");
    definition.inject.aws_sigv4->places = {{"", "{{region}}", "store", true}};
    fields["region"] = "home";
    EXPECT_NE(signature(request_to("/"), "https://a.b.c.d.cloud.example/").find("/home/store/"), std::string::npos);
}

TEST_F(SignSigV4, PX13_what_the_caller_signed_goes) {
    auto request = request_to("/x?X-Amz-Signature=a&a=1&x_amz_credential=b&X-Amz-Expires=9", {{"Authorization", "AWS4-HMAC-SHA256 mine"}, {"x_amz_date", "1"}, {"X-Amz-Security-Token", "t"}, {"X-Amz-Target", "kept"}});
    const auto done = apply(std::move(request), "https://queue.eu-west-1.cloud.example/x");
    ASSERT_TRUE(done);
    EXPECT_EQ(done->target, "/x?a=1");
    EXPECT_EQ(done->fields.count("Authorization"), 1U);
    EXPECT_EQ(done->fields.count("X-Amz-Date"), 1U);
    EXPECT_EQ(done->fields.count("X-Amz-Security-Token"), 0U);
    EXPECT_EQ(done->fields.count("x_amz_date"), 0U);
    EXPECT_NE(field(*done, "Authorization").find("SignedHeaders=host;x-amz-date;x-amz-target,"), std::string::npos);
    http::Fields trailers;
    for (const char* name : {"X-Amz-Date", "X-Amz-Checksum-Crc32", "X-Amz-Security-Token"}) trailers.add(name, "x");
    make()->clean_trailers(trailers);
    EXPECT_EQ(trailers.items().size(), 1U);
}

TEST_F(SignSigV4, a_session_token_is_signed_with_the_rest) {
    fields["session_token"] = "the-token";
    const auto done = apply(request_to("/"), "https://queue.eu-west-1.cloud.example/");
    ASSERT_TRUE(done);
    EXPECT_EQ(field(*done, "X-Amz-Security-Token"), "the-token");
    EXPECT_NE(field(*done, "Authorization").find(";x-amz-security-token,"), std::string::npos);
}

TEST_F(SignSigV4, which_bodies_are_read_and_what_stands_for_the_others) {
    const std::string declared(64, 'a'), queue = "https://queue.eu-west-1.cloud.example/", store = "https://b.store.eu-west-1.cloud.example/";
    struct Row { std::string url, said; http::BodyFraming framing; bool covered; std::string hash; };
    const std::string of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for (const auto& [url, said, framing, covered, hash] : std::vector<Row>{
             {queue, "", {kLength, 3}, true, "-"},
             {queue, "", {kLength, kCoveredBody + 1}, true, "-"},
             {queue, "", {http::BodyFraming::Kind::chunked, 0}, true, "-"},
             {queue, declared, {kLength, kCoveredBody + 1}, false, declared},
             {queue, "UNSIGNED-PAYLOAD", {kLength, 3}, true, of_abc},
             {store, "", {kLength, 3}, true, of_abc},
             {store, "", {kLength, kCoveredBody}, true, of_abc},
             {store, "", {kLength, kCoveredBody + 1}, false, "UNSIGNED-PAYLOAD"},
             {store, "", {http::BodyFraming::Kind::chunked, 0}, false, "UNSIGNED-PAYLOAD"},
             {store, declared, {kLength, 3}, false, declared},
             {store, "UNSIGNED-PAYLOAD", {kLength, 3}, false, "UNSIGNED-PAYLOAD"},
             {store, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", {kLength, 3}, false, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
         }) {
        auto request = put_of("/", framing);
        if (!said.empty()) request.fields.add("X-Amz-Content-Sha256", said);
        EXPECT_EQ(make()->covers_body(request, url_of(url)), covered) << url << said << framing.length;
        const auto done = apply(std::move(request), url, covered ? "abc" : "");
        ASSERT_TRUE(done);
        EXPECT_EQ(field(*done, "X-Amz-Content-Sha256"), hash) << url << said << framing.length;
    }
    EXPECT_FALSE(make()->covers_body(request_to("/"), url_of(store)));
    EXPECT_EQ(signature(put_of("/", {kLength, 3}, {{"X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}}), store), "error unsupported");
}

TEST_F(SignSigV4, over_plain_http_every_body_is_signed) {
    definition.api_urls = {"http://127.0.0.1:9000"};
    definition.inject.aws_sigv4->places = {{"", "home", "store", true}};
    EXPECT_TRUE(make()->covers_body(put_of("/", {kLength, 10'000'000}, {{"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"}}), url_of("http://127.0.0.1:9000/")));
}

TEST_F(SignSigV4, a_blank_in_the_query_has_one_spelling_on_the_wire) {
    const auto done = apply(request_to("/a+b?q=a+b&r=%2b"), "https://queue.eu-west-1.cloud.example/");
    ASSERT_TRUE(done);
    EXPECT_EQ(done->target, "/a+b?q=a%20b&r=%2b");
}

TEST_F(SignSigV4, missing_keys_are_no_signature) {
    fields.erase("secret_access_key");
    const auto made = make();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::invalid_input);
}

}  // namespace
}  // namespace claviger::inject
