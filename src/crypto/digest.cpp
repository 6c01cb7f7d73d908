#include "crypto/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include "base/text.hpp"

namespace claviger::crypto {
namespace {

const unsigned char* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string text_of(const unsigned char* bytes, std::size_t size) {
    return std::string(reinterpret_cast<const char*>(bytes), size);
}

std::string hmac(const EVP_MD* digest, std::string_view key, std::string_view bytes) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    HMAC(digest, key.data(), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(), out, &size);
    return text_of(out, size);
}

}  // namespace

std::string sha256(std::string_view bytes) {
    unsigned char out[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(out, bytes_of(bytes), bytes.size());
    return text_of(out, sizeof out);
}

std::string sha256_hex(std::string_view bytes) { return base::hex_encode(sha256(bytes)); }

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    // The streaming form: crypto_auth_hmacsha256 takes keys of exactly 32 bytes only.
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
    crypto_auth_hmacsha256_update(&state, bytes_of(bytes), bytes.size());
    unsigned char out[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_final(&state, out);
    base::wipe(&state, sizeof state);
    return text_of(out, sizeof out);
}

std::string sha1(std::string_view bytes) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(bytes.data(), bytes.size(), out, &size, EVP_sha1(), nullptr);
    return text_of(out, size);
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) { return hmac(EVP_sha1(), key, bytes); }
std::string hmac_sha512(std::string_view key, std::string_view bytes) { return hmac(EVP_sha512(), key, bytes); }

std::string s256_challenge(std::string_view verifier) { return base::base64url_encode(sha256(verifier)); }

}  // namespace claviger::crypto
