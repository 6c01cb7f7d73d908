// RSASSA-PKCS1-v1_5 with SHA-1: what OAuth 1 calls RSA-SHA1 (RFC 5849 section 3.4.3), and nothing else may use. The
// private key lives in OpenSSL's memory, which wipes it; copies share it. Thread rule: immutable, from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

struct evp_pkey_st;

namespace claviger::crypto {

class RsaSha1Key {
public:
    // PEM of an unencrypted private RSA key, "PRIVATE KEY" or "RSA PRIVATE KEY"; also on one line, as a form's field makes
    // of it. ErrorCode::invalid_input, with nothing of the key in the message.
    static base::Result<RsaSha1Key> from_pem(const base::Secret& pem);
    [[nodiscard]] base::Result<std::string> sign(std::string_view bytes) const;  // raw bytes

private:
    explicit RsaSha1Key(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
    std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace claviger::crypto
