#include "oauth/assertion.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "crypto/jws.hpp"
#include "json/value.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;
using base::Result;
using crypto::SignatureAlgorithm;

constexpr std::chrono::seconds kMostLife{300};
constexpr std::size_t kIdBytes = 16;
constexpr std::array<std::string_view, 7> kOwnClaims{"iss", "sub", "aud", "exp", "iat", "nbf", "jti"};

Result<SignatureAlgorithm> algorithm_for(const crypto::Jwk& key, const std::string& stated) {
    const auto text = stated.empty() ? key.algorithm() : stated;
    if (const auto known = crypto::signature_algorithm_from(text)) return *known;
    if (!text.empty())
        return base::fail(ErrorCode::unsupported, fmt::format("assertions are not signed by {} here", base::printable(text, 40)),
                          "use RS256, PS256, ES256 or EdDSA, or HS256 with the client secret");
    switch (key.type()) {
        case crypto::KeyType::rsa: return SignatureAlgorithm::rs256;
        case crypto::KeyType::ec_p256: return SignatureAlgorithm::es256;
        case crypto::KeyType::ed25519: return SignatureAlgorithm::eddsa;
        case crypto::KeyType::oct: break;
    }
    return SignatureAlgorithm::hs256;
}

}  // namespace

std::chrono::seconds life_of(const Assertion& assertion) {
    return assertion.lifetime > std::chrono::seconds(0) ? std::min(assertion.lifetime, kMostLife) : kMostLife;
}

base::Instant Signing::now() const { return clock != nullptr ? clock->now() : base::SystemClock().now(); }

std::string Signing::unique_id() const {
    if (random != nullptr) return random->token(kIdBytes);
    return base::SystemRandom().token(kIdBytes);
}

Result<base::Secret> sign_assertion(const crypto::Jwk& key, const Assertion& assertion, const Signing& signing) {
    TRY(algorithm, algorithm_for(key, assertion.algorithm));
    if (assertion.issuer.empty()) return base::fail(ErrorCode::invalid_input, "an assertion needs an issuer");
    json::Object claims;
    for (const auto& [name, value] : assertion.claims) {
        if (std::find(kOwnClaims.begin(), kOwnClaims.end(), name) != kOwnClaims.end())
            return base::fail(ErrorCode::invalid_input, fmt::format("the claims set '{}', which Claviger sets itself", name),
                              "remove it from the claims of the definition");
        claims[name] = value;
    }
    claims["iss"] = assertion.issuer;
    if (!assertion.subject.empty()) claims["sub"] = assertion.subject;
    if (!assertion.audience.empty()) claims["aud"] = assertion.audience;
    const auto issued = std::chrono::floor<std::chrono::seconds>(signing.now()).time_since_epoch() - assertion.issued_ago;
    claims["iat"] = issued.count();
    claims["exp"] = (issued + life_of(assertion)).count();
    claims["jti"] = signing.unique_id();
    json::Object header{{"typ", "JWT"}};
    const auto& key_id = assertion.key_id.empty() ? key.key_id() : assertion.key_id;
    if (!key_id.empty()) header["kid"] = key_id;
    return crypto::sign_jws(key, algorithm, std::move(header), json::to_text(json::Value(std::move(claims))));
}

Result<base::Secret> client_assertion(const Client& client, const net::Url& endpoint, const Signing& signing) {
    const bool by_secret = client.authentication == ClientAuthentication::client_secret_jwt;
    TRY(key, by_secret ? crypto::Jwk::shared_secret(client.client_secret.reveal())
                       : crypto::Jwk::private_key(client.private_key.reveal()));
    auto assertion = client.assertion;
    if (by_secret && assertion.algorithm.empty()) assertion.algorithm = "HS256";
    if (assertion.issuer.empty()) assertion.issuer = client.client_id;
    if (assertion.subject.empty()) assertion.subject = client.client_id;
    if (assertion.audience.empty()) assertion.audience = endpoint.text();
    auto signed_one = sign_assertion(key, assertion, signing);
    if (!signed_one) return base::fail(signed_one.error().within("cannot authenticate the client"));
    return signed_one;
}

}  // namespace claviger::oauth
