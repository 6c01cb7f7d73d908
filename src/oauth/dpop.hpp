// DPoP: tokens that are worth nothing without a key (RFC 9449, OA-22). A proof is made for one request: method, URL
// without query and fragment, time, an id of its own, and at a resource server the hash of the token.
// Thread rule: pure functions but for the randomness of `signing`.
#pragma once

#include <string>
#include <string_view>

#include "crypto/jwk.hpp"
#include "http/message.hpp"
#include "oauth/assertion.hpp"

namespace claviger::oauth {

struct DpopRequest {
    std::string_view method;
    const net::Url& url;
    std::string_view access_token;  // empty at the token endpoint
    std::string_view nonce;         // as the server gave it; empty: none yet
};

// The value of the DPoP field (section 4.2), by a P-256 key with its private part.
base::Result<base::Secret> dpop_proof(const crypto::Jwk& key, const DpopRequest& request, const Signing& signing);

// A P-256 key of a new connection, as the JWK that is stored with it.
base::Result<base::Secret> new_dpop_key();
// The dpop_jkt of the authorization request (section 10).
base::Result<std::string> dpop_thumbprint(const base::Secret& private_jwk);

// The nonce that an answer asks to be used: of a resource server (401 with the challenge `DPoP error="use_dpop_nonce"`,
// section 9) or an authorization server (400 with that error in the body, section 8). Empty: it asks for none.
std::string demanded_nonce(int status, const http::Fields& fields, std::string_view body = {});

}  // namespace claviger::oauth
