// Renewal: the refresh request that a definition describes, and what its answer does to a connection (RFC 6749
// section 6, OA-18). Values only: who may ask, when, and what must be durable is refresh.hpp's.
// Thread rule: pure functions.
#pragma once

#include "connection/connection.hpp"
#include "oauth/token.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// The request with every quirk of `refresh` applied: URL, method, body, parameters, client authentication, which token is
// sent; `resource` is repeated (RFC 8707, OA-21), scopes only where refresh_params says {{scope}}. It goes to refresh_url
// or else to the connection's own token endpoint, and nowhere else (OA-05). `client` as stored. ErrorCode::needs_login
// when there is nothing to refresh with, invalid_input when the definition's texts do not fit the connection.
base::Result<oauth::TokenRequest> renewal_request(const provider::ProviderDefinition& definition,
                                                  const Connection& connection, oauth::Client client);

// The tokens, scopes, ends and captured values of a login's answer; everything else of `connection` is the flow's.
void take_tokens(const provider::ProviderDefinition& definition, oauth::TokenResponse token, Connection& connection,
                 base::Instant now);

// A new access token replaces the old one; a refresh token only when there is a new one; captured values are merged;
// narrower scopes are kept as granted, never wider ones (OA-18). An answer without an end has the life that the token before
// had. All traces of earlier failures go. With `refresh.rotation: always` an answer without a new refresh token, and outside
// `refresh.mode: extend` one without an access token, is ErrorCode::protocol, and nothing is changed.
base::Result<void> take_renewal(const provider::ProviderDefinition& definition, oauth::TokenResponse token,
                                Connection& connection, base::Instant now);

enum class FailureClass {
    terminal,       // the grant is dead: a human must log in (OA-19)
    configuration,  // client id, secret, URL or definition are wrong: a human must correct them, the grant may live
    transient,      // later, with back-off
    policy          // our own rules forbid it now: suspended, address refused, min_interval
};
// `errors` of the definition first: each entry is a code of the error, an HTTP status, or words of the description. Then
// RFC 6749 section 5.2: of all answers only `invalid_grant` with 400 or 401 ends the grant (OA-19); a client or a request
// that is refused is a matter of configuration, and so is an answer whose refresh token alone can be used; what was not sent, not answered or not understood is tried again later.
FailureClass classify(const provider::ProviderDefinition& definition, const oauth::TokenFailure& failure);

}  // namespace claviger::connection
