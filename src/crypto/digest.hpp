// Hashes and MACs. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace claviger::crypto {

std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string sha256_hex(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);
// For RFC 6455 section 1.3 alone, where it protects nothing: 20 raw bytes.
std::string sha1(std::string_view bytes);
std::string hmac_sha512(std::string_view key, std::string_view bytes);  // 64 raw bytes
// Where a protocol asks for it (RFC 5849 section 3.4.2): 20 raw bytes.
std::string hmac_sha1(std::string_view key, std::string_view bytes);

// RFC 7636: base64url(SHA-256(verifier)).
std::string s256_challenge(std::string_view verifier);

}  // namespace claviger::crypto
