// Token revocation (RFC 7009), and the requests that servers without it want instead: one request, one answer, no redirect
// (OA-08), with client authentication and a hint (OA-20). Thread rule: on the Loop's thread; the readers are pure.
#pragma once

#include <string>

#include "http/client.hpp"
#include "oauth/token.hpp"
#include "oauth/types.hpp"

namespace claviger::oauth {

// What the server did. Only `revoked` means that the token is dead.
enum class Revoked {
    revoked,      // it confirmed; an unknown token counts (RFC 7009 section 2.2)
    refused,      // it said no
    unreachable,  // no answer, or "not now" (429, 5xx)
    unsupported   // it cannot revoke such a token
};
std::string_view to_string(Revoked result);  // "revoked", "refused", "unreachable", "unsupported"

struct RevocationOutcome {
    Revoked result = Revoked::unreachable;
    std::string why;  // for people; empty when revoked
};

RevocationOutcome read_revocation(const http::Response& response, const TokenRequestOptions& options);
// `request`: no grant_type; `grant` holds token and token_type_hint, or what the definition says instead.
net::Task<RevocationOutcome> revoke_token(http::Client& http, TokenRequest request);

// RFC 7592 section 2.3: the client itself, where it was registered dynamically (OA-16).
net::Task<RevocationOutcome> delete_client(http::Client& http, net::Url registration_client_uri, base::Secret registration_access_token);

}  // namespace claviger::oauth
