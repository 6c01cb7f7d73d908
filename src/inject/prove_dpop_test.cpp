// OA-22: each request of a DPoP connection carries a proof for itself, with the hash of the token and the server's nonce.
#include <gtest/gtest.h>

#include <array>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/jws.hpp"
#include "inject/test_connection.hpp"
#include "json/parse.hpp"
#include "oauth/dpop.hpp"

namespace claviger::inject {
namespace {

using namespace testing;

TEST(DpopProof, OA22_every_request_is_proven_for_itself) {
    const auto definition = definition_of(provider::AuthType::oauth2);
    auto connection = connection_to(definition, {});
    connection.access_token = base::Secret("the token");
    connection.token_type = "DPoP";
    connection.dpop_key = oauth::new_dpop_key().value();
    const auto injection = Injection::make(definition, connection, kNow).value();
    const auto url = url_of("https://api.acme.com/items?page=2");
    base::SystemRandom random;
    std::array<std::string, 2> ids;
    for (auto& id : ids) {
        auto request = request_to("/items?page=2", {{"Authorization", "Bearer mine"}, {"dpop", "mine"}});
        const Occasion occasion{kNow, random, {}, "nonce-7"};
        ASSERT_TRUE(injection.apply(request, url, &occasion));
        EXPECT_EQ(request.fields.find("Authorization"), "DPoP the token");
        ASSERT_EQ(request.fields.count("DPoP"), 1U);
        const auto jws = crypto::read_jws(request.fields.find("DPoP").value()).value();
        const auto key = crypto::Jwk::from_json(*json::object_at(jws.header, "jwk")).value();
        EXPECT_TRUE(crypto::verify_jws(jws, key, std::array{crypto::SignatureAlgorithm::es256}));
        EXPECT_EQ(key.thumbprint(), oauth::dpop_thumbprint(connection.dpop_key).value());
        const auto claims = json::parse(jws.payload).value().get_object();
        EXPECT_EQ(json::string_at(claims, "htm"), "GET");
        EXPECT_EQ(json::string_at(claims, "htu"), "https://api.acme.com/items");
        EXPECT_EQ(json::string_at(claims, "ath"), base::base64url_encode(crypto::sha256("the token")));
        EXPECT_EQ(json::string_at(claims, "nonce"), "nonce-7");
        EXPECT_EQ(json::int_at(claims, "iat"), kNow.time_since_epoch().count() / 1000);
        id = json::string_at(claims, "jti").value();
    }
    EXPECT_NE(ids[0], ids[1]);
    auto request = request_to("/items");
    EXPECT_EQ(injection.apply(request, url).error().code, base::ErrorCode::unsupported) << "without an occasion there is no proof";
}

}  // namespace
}  // namespace claviger::inject
