// Token introspection (RFC 7662): what the server says of a token; one request, one answer, no redirect (OA-08).
// Thread rule: on the Loop's thread; the reader is pure.
#pragma once

#include <cstdint>
#include <optional>

#include "http/client.hpp"
#include "oauth/token.hpp"

namespace claviger::oauth {

struct Introspection {
    bool active = false;
    std::optional<std::int64_t> expires_at;  // `exp`: seconds since 1970, by the server's clock
};

// ErrorCode::network: it cannot answer now; protocol: an answer that is none; authorization_failed: it refused to answer.
base::Result<Introspection> read_introspection(const http::Response& response);
// `request`: no grant_type; the token is added to its parameters, as an access token. `expires_at` of it is by our clock.
net::Task<base::Result<Introspection>> introspect_token(http::Client& http, TokenRequest request, base::Secret access_token);

}  // namespace claviger::oauth
