#include "oauth/dpop.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/jws.hpp"
#include "json/parse.hpp"
#include "json/value.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::oauth {
namespace {

constexpr std::size_t kMaxNonce = 1024;
constexpr std::string_view kUseNonce = "use_dpop_nonce";

std::string target_of(const net::Url& url) {  // section 4.2, htu
    auto text = url.text();
    return text.substr(0, text.find_first_of("?#"));
}

bool challenges_for_nonce(const http::Fields& fields) {
    for (const auto field : fields.all("WWW-Authenticate")) {
        const auto lower = base::to_lower(field);
        if (lower.find("dpop") != std::string::npos && lower.find(kUseNonce) != std::string::npos) return true;
    }
    return false;
}

bool answers_for_nonce(std::string_view body) {
    const auto value = json::parse(body, {.storage = json::secret_storage()});
    return value && value->is_object() && json::string_at(value->get_object(), "error") == kUseNonce;
}

}  // namespace

base::Result<base::Secret> dpop_proof(const crypto::Jwk& key, const DpopRequest& request, const Signing& signing) {
    json::Object claims{{"jti", signing.unique_id()}, {"htm", request.method}, {"htu", target_of(request.url)}};
    claims["iat"] = std::chrono::floor<std::chrono::seconds>(signing.now()).time_since_epoch().count();
    if (!request.access_token.empty()) claims["ath"] = base::base64url_encode(crypto::sha256(request.access_token));
    if (!request.nonce.empty()) claims["nonce"] = request.nonce;
    json::Object header{{"typ", "dpop+jwt"}, {"jwk", key.public_members()}};
    return crypto::sign_jws(key, crypto::SignatureAlgorithm::es256, std::move(header), json::to_text(json::Value(std::move(claims))));
}

base::Result<base::Secret> new_dpop_key() {
    TRY(key, crypto::Jwk::generate_p256());
    return key.private_json();
}

base::Result<std::string> dpop_thumbprint(const base::Secret& private_jwk) {
    TRY(key, crypto::Jwk::private_key(private_jwk.reveal()));
    return key.thumbprint();
}

std::string demanded_nonce(int status, const http::Fields& fields, std::string_view body) {
    const bool demanded = (status == 401 && challenges_for_nonce(fields)) || (status == 400 && answers_for_nonce(body));
    const auto nonce = fields.find("DPoP-Nonce").value_or("");
    return demanded && is_vschar(nonce, kMaxNonce) ? std::string(nonce) : std::string();
}

}  // namespace claviger::oauth
