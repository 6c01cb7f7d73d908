// Jwk: one key of JOSE (RFC 7517, RFC 7518 section 6, RFC 8037): EC P-256, RSA, Ed25519, or a shared secret. Immutable;
// copies share the key. Private parts lie in memory that is wiped, and leave it only as a Secret.
// Thread rule: const members are safe from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "json/value.hpp"

struct evp_pkey_st;

namespace claviger::crypto {

enum class KeyType { ec_p256, rsa, ed25519, oct };

class Jwk {
public:
    // Errors: invalid_input, and unsupported for another kind of key. Messages never hold a part of the key. An RSA key has
    // 2048 to 8192 bits; the public part of a private key must belong to it.
    static base::Result<Jwk> from_json(const json::Object& members);
    // PEM of a private key: PKCS#8, PKCS#1 (RSA) or SEC1 (EC), not encrypted. Line breaks may be missing, or written
    // as \n, since forms and JSON files make such texts of it.
    static base::Result<Jwk> from_pem(std::string_view pem);
    // What a human or a service account file gives: PEM, or a JWK with its private part.
    static base::Result<Jwk> private_key(std::string_view pem_or_jwk);
    static base::Result<Jwk> shared_secret(std::string_view bytes);  // not empty
    static base::Result<Jwk> generate_p256();

    [[nodiscard]] KeyType type() const { return type_; }
    [[nodiscard]] bool can_sign() const { return private_; }
    [[nodiscard]] const std::string& key_id() const { return key_id_; }        // "" when it has none
    [[nodiscard]] const std::string& use() const { return use_; }              // "sig", "enc", ""
    [[nodiscard]] const std::string& algorithm() const { return algorithm_; }  // the one that the key is for, or ""

    // The members that everybody may see; of a shared secret only "kty".
    [[nodiscard]] json::Object public_members() const;
    // The whole key as a JWK. Of an RSA key ErrorCode::unsupported: nothing here makes one.
    [[nodiscard]] base::Result<base::Secret> private_json() const;
    // RFC 7638 with SHA-256, base64url.
    [[nodiscard]] std::string thumbprint() const;
    // SHA-256 of the public part as SubjectPublicKeyInfo (RFC 5280 section 4.1), base64; "" of a shared secret.
    [[nodiscard]] std::string public_key_sha256() const;

    // For crypto/ alone.
    [[nodiscard]] evp_pkey_st* handle() const { return key_.get(); }
    [[nodiscard]] std::string_view octets() const { return octets_ ? octets_->reveal() : std::string_view(); }

private:
    Jwk() = default;
    static base::Result<Jwk> of(evp_pkey_st* owned);  // finds out what it is

    KeyType type_ = KeyType::oct;
    bool private_ = false;
    std::shared_ptr<evp_pkey_st> key_;
    std::shared_ptr<const base::Secret> octets_;
    std::string key_id_, use_, algorithm_;
};

// RFC 7517 section 5: keys that are not understood are left out. More than 100 keys: ErrorCode::limit.
base::Result<std::vector<Jwk>> read_key_set(std::string_view document);

}  // namespace claviger::crypto
