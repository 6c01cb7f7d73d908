// The DPoP proofs of one connection's requests (RFC 9449 section 7): each is for one method, one URL and this token.
// Internal to inject/. Thread rule: immutable after make().
#pragma once

#include "base/secret.hpp"
#include "connection/connection.hpp"
#include "crypto/jwk.hpp"
#include "http/message.hpp"
#include "inject/injection.hpp"

namespace claviger::inject {

class DpopProver {
public:
    // Whether the connection's token needs proofs.
    static bool needed(const connection::Connection& connection);
    // ErrorCode::needs_login when the key is missing.
    static base::Result<DpopProver> make(const connection::Connection& connection);
    // Replaces what the caller proved. ErrorCode::unsupported without an occasion.
    [[nodiscard]] base::Result<void> apply(http::RequestHead& request, const net::Url& url, const Occasion* occasion) const;

private:
    DpopProver(crypto::Jwk key, base::Secret token) : key_(std::move(key)), token_(std::move(token)) {}
    crypto::Jwk key_;
    base::Secret token_;
};

}  // namespace claviger::inject
