// JSON Web Signatures in their compact form (RFC 7515, RFC 7518 section 3, RFC 8037; RFC 8725 for what is refused).
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "crypto/jwk.hpp"
#include "json/value.hpp"

namespace claviger::crypto {

enum class SignatureAlgorithm { rs256, ps256, es256, eddsa, hs256 };  // `none` does not exist here

std::string_view to_string(SignatureAlgorithm algorithm);
std::optional<SignatureAlgorithm> signature_algorithm_from(std::string_view text);

// Whether a key of this kind is for this algorithm: a public key is never a secret for HS256 (RFC 8725 section 2.1).
bool fits(SignatureAlgorithm algorithm, const Jwk& key);

// `header` beside "alg", which is set here. Secret, since whoever holds an assertion can use it while it lives.
base::Result<base::Secret> sign_jws(const Jwk& key, SignatureAlgorithm algorithm, json::Object header, std::string_view payload);

// Split and decoded, the signature not yet looked at: the header only chooses the key.
struct UnverifiedJws {
    SignatureAlgorithm algorithm;
    json::Object header;
    std::string key_id, type;
    std::string signed_part, payload, signature;
};
// At most 64 KiB. Errors: protocol; another algorithm, `none` and anything critical are unsupported.
base::Result<UnverifiedJws> read_jws(std::string_view compact);

// ErrorCode::protocol unless the algorithm is `allowed`, the key is for it, and the signature is right.
base::Result<void> verify_jws(const UnverifiedJws& jws, const Jwk& key, std::span<const SignatureAlgorithm> allowed);

}  // namespace claviger::crypto
