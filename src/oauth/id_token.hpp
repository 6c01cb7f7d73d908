// ID tokens (OpenID Connect Core section 3.1.3.7): used only after signature, issuer, audience, nonce and times were
// checked, else ignored (OA-31, RFC 8725). Thread rule: on the Loop's thread; the verifier is pure.
#pragma once

#include <string>
#include <string_view>

#include "http/client.hpp"
#include "oauth/types.hpp"

namespace claviger::oauth {

struct IdTokenRules {
    std::string issuer, client_id;
    std::string nonce;           // as sent; empty: none was sent
    base::Instant now;
    base::Secret client_secret;  // for HS256 of confidential clients; empty: HS256 is refused
};

// `key_set`: a JWK Set (RFC 7517). Algorithms: RS256, PS256, ES256, EdDSA, and HS256 as above; `none` never.
base::Result<IdClaims> verify_id_token(std::string_view id_token, std::string_view key_set, const IdTokenRules& rules);
// Fetches the key set first.
net::Task<base::Result<IdClaims>> verify_id_token(http::Client& http, net::Url jwks_uri, base::Secret id_token, IdTokenRules rules);

}  // namespace claviger::oauth
