// ID tokens are used only after every check (OA-31, RFC 8725, OpenID Connect Core section 3.1.3.7).
#include "oauth/id_token.hpp"

#include <gtest/gtest.h>

#include <functional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "crypto/jwk.hpp"
#include "crypto/jws.hpp"
#include "json/value.hpp"

namespace claviger::oauth {
namespace {

using crypto::Jwk;
using crypto::SignatureAlgorithm;

constexpr std::int64_t kNow = 1'800'000'000;

json::Object good_claims() {
    return {{"iss", "https://as.example"}, {"sub", "248289761001"}, {"aud", "client-1"}, {"nonce", "n-0S6_WzA2Mj"}, {"exp", kNow + 600}, {"iat", kNow - 5},
            {"email", "jane.doe.1985@example.com"}, {"email_verified", true}, {"name", "Jane\x1b Doe"}, {"preferred_username", "j.doe"}};
}

struct Issuer {
    Jwk key = Jwk::generate_p256().value();
    std::string kid = "k1";

    [[nodiscard]] std::string published(std::string_view as = "k1") const {
        auto members = key.public_members();
        members["kid"] = as;
        return json::to_text(json::Value(json::Object{{"keys", json::Array{members}}}));
    }
    [[nodiscard]] std::string token(const json::Object& claims, json::Object header = {{"kid", "k1"}}) const {
        return std::string(crypto::sign_jws(key, SignatureAlgorithm::es256, std::move(header), json::to_text(json::Value(claims)))->reveal());
    }
};

IdTokenRules rules() {
    return IdTokenRules{"https://as.example", "client-1", "n-0S6_WzA2Mj", base::Instant(std::chrono::seconds(kNow)), {}};
}

TEST(IdToken, GivesTheClaimsOfARightOne) {
    const Issuer issuer;
    for (const auto& header : {json::Object{{"kid", "k1"}}, json::Object{}, json::Object{{"typ", "JWT"}, {"kid", "k1"}}}) {
        const auto claims = verify_id_token(issuer.token(good_claims(), header), issuer.published(), rules());
        ASSERT_TRUE(claims) << claims.error().describe();
        EXPECT_EQ(claims->issuer, "https://as.example");
        EXPECT_EQ(claims->subject, "248289761001");
        EXPECT_EQ(claims->email, "jane.doe.1985@example.com");
        EXPECT_TRUE(claims->email_verified);
        EXPECT_EQ(claims->preferred_username, "j.doe");
        EXPECT_EQ(claims->name.find('\x1b'), std::string::npos) << "what is shown is printable";
    }
}

TEST(IdToken, RefusesWrongClaims) {
    struct Row { const char* what; std::function<void(json::Object&)> change; const char* says; };
    const std::vector<Row> rows{
        {"iss", [](auto& c) { c["iss"] = "https://as.example/"; }, "another issuer"},
        {"iss missing", [](auto& c) { c.erase("iss"); }, "another issuer"},
        {"aud", [](auto& c) { c["aud"] = "client-2"; }, "for another client"},
        {"aud missing", [](auto& c) { c.erase("aud"); }, "for another client"},
        {"aud a number", [](auto& c) { c["aud"] = 7; }, "for another client"},
        {"aud list without us", [](auto& c) { c["aud"] = json::Array{"x", "y"}; c["azp"] = "client-1"; }, "for another client"},
        {"aud list without azp", [](auto& c) { c["aud"] = json::Array{"client-1", "y"}; }, "several clients"},
        {"azp of another", [](auto& c) { c["aud"] = json::Array{"client-1", "y"}; c["azp"] = "y"; }, "to another client"},
        {"azp of another, one aud", [](auto& c) { c["azp"] = "y"; }, "to another client"},
        {"azp no text", [](auto& c) { c["azp"] = 1; }, "to another client"},
        {"nonce", [](auto& c) { c["nonce"] = "other"; }, "another login"},
        {"nonce missing", [](auto& c) { c.erase("nonce"); }, "another login"},
        {"exp past", [](auto& c) { c["exp"] = kNow - 301; }, "expired"},
        {"exp missing", [](auto& c) { c.erase("exp"); }, "does not say when"},
        {"exp text", [](auto& c) { c["exp"] = "1900000000"; }, "does not say when"},
        {"exp endless", [](auto& c) { c["exp"] = 1e300; }, "does not say when"},
        {"iat missing", [](auto& c) { c.erase("iat"); }, "does not say when"},
        {"iat in the future", [](auto& c) { c["iat"] = kNow + 301; }, "future"},
        {"nbf in the future", [](auto& c) { c["nbf"] = kNow + 301; }, "not valid yet"},
        {"sub missing", [](auto& c) { c.erase("sub"); }, "subject"},
        {"sub empty", [](auto& c) { c["sub"] = ""; }, "subject"},
        {"sub too long", [](auto& c) { c["sub"] = std::string(256, 'a'); }, "subject"},
        {"sub with a line break", [](auto& c) { c["sub"] = "a\nb"; }, "subject"},
    };
    const Issuer issuer;
    for (const auto& row : rows) {
        auto claims = good_claims();
        row.change(claims);
        const auto read = verify_id_token(issuer.token(claims), issuer.published(), rules());
        ASSERT_FALSE(read) << row.what;
        EXPECT_NE(read.error().message.find(row.says), std::string::npos) << row.what << ": " << read.error().message;
    }
}

TEST(IdToken, AcceptsWhatTheStandardsAllow) {
    struct Row { const char* what; std::function<void(json::Object&)> change; };
    const std::vector<Row> rows{
        {"a clock five minutes off", [](auto& c) { c["exp"] = kNow - 299; c["iat"] = kNow + 299; }},
        {"several audiences", [](auto& c) { c["aud"] = json::Array{"client-1", "y"}; c["azp"] = "client-1"; }},
        {"a list of one", [](auto& c) { c["aud"] = json::Array{"client-1"}; }},
        {"a time with a fraction", [](auto& c) { c["iat"] = kNow - 0.5; }},
    };
    const Issuer issuer;
    for (const auto& row : rows) {
        auto claims = good_claims();
        row.change(claims);
        EXPECT_TRUE(verify_id_token(issuer.token(claims), issuer.published(), rules())) << row.what;
    }
    auto claims = good_claims();
    claims.erase("nonce");
    auto none_sent = rules();
    none_sent.nonce.clear();
    EXPECT_TRUE(verify_id_token(issuer.token(claims), issuer.published(), none_sent));
}

TEST(IdToken, RefusesWrongSignaturesAndKeys) {
    const Issuer issuer, stranger;
    const auto good = issuer.token(good_claims());
    EXPECT_FALSE(verify_id_token(stranger.token(good_claims()), issuer.published(), rules()));
    EXPECT_FALSE(verify_id_token(issuer.token(good_claims(), {{"kid", "unknown"}}), issuer.published(), rules()));
    EXPECT_FALSE(verify_id_token(good, issuer.published("renamed"), rules()));
    EXPECT_FALSE(verify_id_token(good, R"({"keys":[]})", rules()));
    EXPECT_FALSE(verify_id_token(good, "<html>", rules()));
    const auto dot = good.rfind('.');
    const auto unsigned_token = base::base64url_encode(R"({"alg":"none"})") + good.substr(good.find('.'), dot - good.find('.')) + ".";
    EXPECT_FALSE(verify_id_token(unsigned_token, issuer.published(), rules()));
    EXPECT_FALSE(verify_id_token(good.substr(0, dot + 1), issuer.published(), rules()));
    for (const auto* type : {"at+jwt", "application/at+jwt", "dpop+jwt", "logout+JWT"})
        EXPECT_FALSE(verify_id_token(issuer.token(good_claims(), {{"kid", "k1"}, {"typ", type}}), issuer.published(), rules())) << type;
    // Two keys and no name: which one is not for us to guess.
    const auto one = issuer.published(), other = stranger.published("k2");
    const auto both = one.substr(0, one.size() - 2) + "," + other.substr(other.find('[') + 1);
    EXPECT_FALSE(verify_id_token(issuer.token(good_claims(), {}), both, rules()));
    EXPECT_TRUE(verify_id_token(good, both, rules()));
}

TEST(IdToken, Hs256IsForClientsWithASecretAlone) {
    const auto signed_with = [](std::string_view secret) {
        return std::string(crypto::sign_jws(Jwk::shared_secret(secret).value(), SignatureAlgorithm::hs256, {}, json::to_text(json::Value(good_claims())))->reveal());
    };
    const Issuer issuer;
    auto confidential = rules();
    confidential.client_secret = base::Secret("the client's own secret");
    EXPECT_TRUE(verify_id_token(signed_with("the client's own secret"), issuer.published(), confidential));
    EXPECT_FALSE(verify_id_token(signed_with("another secret"), issuer.published(), confidential));
    EXPECT_FALSE(verify_id_token(signed_with("the client's own secret"), issuer.published(), rules())) << "a public client";
    // The published key as the secret, or a secret among the published keys: both are forgeries.
    EXPECT_FALSE(verify_id_token(signed_with(issuer.published()), issuer.published(), rules()));
    EXPECT_FALSE(verify_id_token(signed_with("abc"), R"({"keys":[{"kty":"oct","k":"YWJj"}]})", rules()));
    EXPECT_FALSE(verify_id_token(signed_with("abc"), R"({"keys":[{"kty":"oct","k":"YWJj"}]})", confidential));
}

}  // namespace
}  // namespace claviger::oauth
