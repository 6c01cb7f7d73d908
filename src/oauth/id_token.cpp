#include "oauth/id_token.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "crypto/jwk.hpp"
#include "crypto/jws.hpp"
#include "json/parse.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/metadata_fetch.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;
using base::Result;
using crypto::SignatureAlgorithm;

constexpr std::size_t kMaxSubject = 255;  // OpenID Connect Core section 2
constexpr std::chrono::minutes kSkew{5};  // clocks of two machines
constexpr std::int64_t kYear9999 = 253'402'300'799;

constexpr std::array kAsymmetric{SignatureAlgorithm::rs256, SignatureAlgorithm::ps256, SignatureAlgorithm::es256,
                                 SignatureAlgorithm::eddsa};
constexpr std::array kSymmetric{SignatureAlgorithm::hs256};

tl::unexpected<base::Error> wrong(std::string_view what) {
    return base::fail(ErrorCode::protocol, fmt::format("the ID token {}", what));
}

Result<void> verify_with_secret(const crypto::UnverifiedJws& jws, const IdTokenRules& rules) {
    if (rules.client_secret.empty()) return wrong("is signed with a client secret, but this client has none");
    TRY(key, crypto::Jwk::shared_secret(rules.client_secret.reveal()));
    return crypto::verify_jws(jws, key, kSymmetric);
}

// The key that the header names. Without a name there must be only one that fits (OpenID Connect Core section 10.1).
Result<void> verify_with_key_set(const crypto::UnverifiedJws& jws, std::string_view key_set) {
    TRY(keys, crypto::read_key_set(key_set));
    const crypto::Jwk* chosen = nullptr;
    for (const auto& key : keys) {
        if (!crypto::fits(jws.algorithm, key) || (!jws.key_id.empty() && key.key_id() != jws.key_id)) continue;
        if (chosen != nullptr) return wrong("does not say which of the server's keys it is signed with");
        chosen = &key;
    }
    if (chosen == nullptr) return wrong("is signed with a key that the server does not publish");
    return crypto::verify_jws(jws, *chosen, kAsymmetric);
}

// RFC 8725 section 3.11: an access token, a logout token or a DPoP proof of the same server is no ID token.
bool other_kind(std::string_view type) { return base::to_lower(type).ends_with("+jwt"); }

Result<void> check_audience(const json::Object& claims, const std::string& client_id) {
    std::vector<std::string_view> audiences;
    if (const auto one = json::string_at(claims, "aud")) audiences.push_back(*one);
    if (const auto* many = json::array_at(claims, "aud"))
        for (const auto& item : *many)
            if (item.is_string()) audiences.emplace_back(item.get_string());
    if (std::find(audiences.begin(), audiences.end(), client_id) == audiences.end()) return wrong("is for another client");
    const auto party = json::string_at(claims, "azp");
    if (audiences.size() > 1 && !party) return wrong("is for several clients and does not say for which it was issued");
    if (claims.contains("azp") && party != client_id) return wrong("was issued to another client");
    return {};
}

// Seconds since 1970, with a fraction where the server sends one.
std::optional<base::Instant> time_at(const json::Object& claims, std::string_view name) {
    const auto* value = json::find(claims, name);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const double seconds = value->to_number<double>();
    if (!(seconds >= 0) || seconds > static_cast<double>(kYear9999)) return std::nullopt;
    return base::Instant(base::Duration(static_cast<std::int64_t>(seconds * 1000)));
}

Result<void> check_times(const json::Object& claims, base::Instant now) {
    const auto expires = time_at(claims, "exp"), issued = time_at(claims, "iat");
    if (!expires || !issued) return wrong("does not say when it was issued and when it expires");
    if (*expires + kSkew <= now) return wrong("has expired");
    if (*issued > now + kSkew) return wrong("was issued in the future: one of the two clocks is wrong");
    if (!claims.contains("nbf")) return {};
    const auto from = time_at(claims, "nbf");
    if (!from || *from > now + kSkew) return wrong("is not valid yet");
    return {};
}

Result<void> check_claims(const json::Object& claims, const IdTokenRules& rules) {
    if (rules.issuer.empty() || json::string_at(claims, "iss") != rules.issuer) return wrong("comes from another issuer");
    TRY_VOID(check_audience(claims, rules.client_id));
    TRY_VOID(check_times(claims, rules.now));
    const auto nonce = json::string_at(claims, "nonce");
    if (!rules.nonce.empty() && (!nonce || !base::equal_constant_time(*nonce, rules.nonce)))
        return wrong("belongs to another login");
    return {};
}

}  // namespace

Result<IdClaims> verify_id_token(std::string_view id_token, std::string_view key_set, const IdTokenRules& rules) {
    auto jws = crypto::read_jws(id_token);
    if (!jws) return base::fail(jws.error().within("the ID token cannot be used"));
    if (other_kind(jws->type)) return wrong("is another kind of token");
    auto verified = jws->algorithm == SignatureAlgorithm::hs256 ? verify_with_secret(*jws, rules)
                                                                : verify_with_key_set(*jws, key_set);
    if (!verified) return base::fail(verified.error().within("the ID token cannot be used"));
    const auto value = json::parse(jws->payload);
    if (!value || !value->is_object()) return wrong("holds no claims");
    const auto& claims = value->get_object();
    TRY_VOID(check_claims(claims, rules));
    const auto subject = json::string_at(claims, "sub").value_or("");
    if (!is_vschar(subject, kMaxSubject)) return wrong("has no usable subject");
    const auto text = [&](std::string_view name) { return base::printable(json::string_at(claims, name).value_or("")); };
    IdClaims out;
    out.issuer = rules.issuer;
    out.subject = std::string(subject);
    out.email = text("email");
    out.name = text("name");
    out.preferred_username = text("preferred_username");
    out.email_verified = json::bool_at(claims, "email_verified").value_or(false);
    return out;
}

net::Task<Result<IdClaims>> verify_id_token(http::Client& http, net::Url jwks_uri, base::Secret id_token, IdTokenRules rules) {
    auto document = co_await fetch_metadata(http, std::move(jwks_uri));
    if (!document) co_return base::fail(document.error());
    if (!*document) co_return base::fail(ErrorCode::not_found, "the server publishes no keys where it says it does");
    co_return verify_id_token(id_token.reveal(), **document, rules);
}

}  // namespace claviger::oauth
