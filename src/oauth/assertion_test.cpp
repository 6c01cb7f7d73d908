// OA-26: assertions live at most five minutes, have an id of their own, name the configured audience and are signed by a
// listed algorithm. OA-14: one way of client authentication, or an error before anything is sent.
#include "oauth/assertion.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "crypto/jws.hpp"
#include "json/parse.hpp"
#include "oauth/token.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;
using crypto::Jwk;

constexpr std::array kAll{crypto::SignatureAlgorithm::rs256, crypto::SignatureAlgorithm::es256, crypto::SignatureAlgorithm::hs256};

struct Parts {
    base::FakeClock clock;
    base::FakeRandom random;
    Jwk key = Jwk::generate_p256().value();
    [[nodiscard]] Signing signing() { return {&clock, &random}; }
};

Client key_client(const Jwk& key) {
    Client client{"client-1", {}, ClientAuthentication::private_key_jwt};
    client.private_key = key.private_json().value();
    client.assertion.key_id = "k1";
    return client;
}

TokenRequest request_of(Client client, Parts& parts) {
    TokenRequest request;
    request.endpoint = net::Url::parse("https://as.example/token").value();
    request.client = std::move(client);
    request.grant_type = "refresh_token";
    request.grant.emplace_back("refresh_token", base::Secret("rt"));
    request.signing = parts.signing();
    return request;
}

std::map<std::string, std::string> form_of(std::string_view body) {
    std::map<std::string, std::string> out;
    for (const auto& piece : base::split(body, '&')) {
        const auto equals = piece.find('=');
        out[piece.substr(0, equals)] = base::form_decode(std::string_view(piece).substr(equals + 1)).value();
    }
    return out;
}

json::Object claims_of(const crypto::UnverifiedJws& jws) { return json::parse(jws.payload).value().get_object(); }

TEST(Assertion, OA26_private_key_jwt) {
    Parts parts;
    const auto request = request_of(key_client(parts.key), parts);
    auto sent = form_of(token_http_request(request)->body);
    EXPECT_EQ(sent.at("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    EXPECT_EQ(sent.at("client_id"), "client-1");
    EXPECT_EQ(sent.count("client_secret"), 0U);
    const auto jws = crypto::read_jws(sent.at("client_assertion")).value();
    EXPECT_TRUE(crypto::verify_jws(jws, parts.key, kAll));
    EXPECT_EQ(jws.key_id, "k1");
    const auto claims = claims_of(jws);
    const auto now = parts.clock.now().time_since_epoch().count() / 1000;
    EXPECT_EQ(json::string_at(claims, "iss"), "client-1");
    EXPECT_EQ(json::string_at(claims, "sub"), "client-1");
    EXPECT_EQ(json::string_at(claims, "aud"), "https://as.example/token");
    EXPECT_EQ(json::int_at(claims, "iat"), now);
    EXPECT_EQ(json::int_at(claims, "exp"), now + 300);
    EXPECT_GE(json::string_at(claims, "jti")->size(), 22U);
    // Every request has one of its own, a repeated one too.
    const auto second = crypto::read_jws(form_of(token_http_request(request)->body).at("client_assertion")).value();
    EXPECT_NE(json::string_at(claims_of(second), "jti"), json::string_at(claims, "jti"));
}

TEST(Assertion, OA26_client_secret_jwt_never_sends_the_secret) {
    Parts parts;
    Client client{"client-1", base::Secret("the secret of the client"), ClientAuthentication::client_secret_jwt};
    client.assertion.audience = "https://as.example";
    const auto http = token_http_request(request_of(std::move(client), parts)).value();
    EXPECT_EQ(http.body.find("the+secret"), std::string::npos);
    const auto jws = crypto::read_jws(form_of(http.body).at("client_assertion")).value();
    EXPECT_EQ(jws.algorithm, crypto::SignatureAlgorithm::hs256);
    EXPECT_TRUE(crypto::verify_jws(jws, Jwk::shared_secret("the secret of the client").value(), kAll));
    EXPECT_EQ(json::string_at(claims_of(jws), "aud"), "https://as.example");
}

TEST(Assertion, OA26_no_longer_life_and_no_own_claim_overridden) {
    Parts parts;
    Assertion assertion{"", "", "iss", "", "aud", {{"scope", "a b"}}, std::chrono::hours(24)};
    const auto made = crypto::read_jws(sign_assertion(parts.key, assertion, parts.signing())->reveal()).value();
    EXPECT_EQ(*json::int_at(claims_of(made), "exp") - *json::int_at(claims_of(made), "iat"), 300);
    EXPECT_EQ(json::string_at(claims_of(made), "scope"), "a b");
    EXPECT_FALSE(claims_of(made).contains("sub"));
    for (const auto* name : {"iss", "sub", "aud", "exp", "iat", "nbf", "jti"}) {
        assertion.claims = {{name, "x"}};
        EXPECT_FALSE(sign_assertion(parts.key, assertion, parts.signing())) << name;
    }
    for (const auto* algorithm : {"none", "RS512", "HS256", "RS256", "es256"}) {
        const Assertion wrong{algorithm, "", "iss", "", "aud", {}, std::chrono::seconds(60)};
        EXPECT_FALSE(sign_assertion(parts.key, wrong, parts.signing())) << algorithm;
    }
}

TEST(Assertion, OA26_issued_a_while_ago_it_lives_no_longer_and_an_audience_is_left_out_where_there_is_none) {
    Parts parts;
    const Assertion assertion{"", "", "iss", "", "", {}, std::chrono::seconds(300), std::chrono::seconds(60)};
    const auto made = crypto::read_jws(sign_assertion(parts.key, assertion, parts.signing())->reveal()).value();
    const auto now = parts.clock.now().time_since_epoch().count() / 1000;
    EXPECT_EQ(json::int_at(claims_of(made), "iat"), now - 60);
    EXPECT_EQ(json::int_at(claims_of(made), "exp"), now + 240);
    EXPECT_FALSE(claims_of(made).contains("aud"));
    EXPECT_FALSE(sign_assertion(parts.key, Assertion{"", "", "", "", "aud", {}}, parts.signing())) << "no issuer";
}

TEST(Assertion, OA14_method_and_credential_must_fit) {
    Parts parts;
    struct Row { const char* what; Client client; };
    std::vector<Row> rows;
    rows.push_back({"no key", Client{"c", {}, ClientAuthentication::private_key_jwt}});
    rows.push_back({"no secret", Client{"c", {}, ClientAuthentication::client_secret_jwt}});
    rows.push_back({"damaged key", key_client(parts.key)});
    rows.back().client.private_key = base::Secret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----");
    rows.push_back({"public key", key_client(parts.key)});
    rows.back().client.private_key = base::Secret(json::to_text(json::Value(parts.key.public_members())));
    rows.push_back({"both", key_client(parts.key)});
    rows.back().client.client_secret = base::Secret("secret");
    rows.push_back({"another algorithm", key_client(parts.key)});
    rows.back().client.assertion.algorithm = "RS256";
    for (auto& row : rows) {
        const auto http = token_http_request(request_of(std::move(row.client), parts));
        ASSERT_FALSE(http) << row.what;
        EXPECT_EQ(http.error().code, ErrorCode::invalid_input) << row.what;
    }
}

}  // namespace
}  // namespace claviger::oauth
