// Renewal: the refresh request that a definition describes, and what its answer does to a connection (RFC 6749
// section 6, OA-18). Values only: who may ask, when, and what must be durable is refresh.hpp's.
// Thread rule: pure functions.
#pragma once

#include "connection/connection.hpp"
#include "oauth/token.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// The request with every quirk of `refresh` applied: URL, method, body, parameters, client authentication, which token is
// sent. ErrorCode::needs_login when there is nothing to refresh with.
base::Result<oauth::TokenRequest> renewal_request(const provider::ProviderDefinition& definition,
                                                  const Connection& connection, oauth::Client client);

// A new access token replaces the old one; a refresh token only when there is a new one; captured values are merged;
// narrower scopes are kept as granted, never wider ones. With `refresh.rotation: always` an answer without a new refresh
// token is ErrorCode::protocol, and nothing is changed.
base::Result<void> take_renewal(const provider::ProviderDefinition& definition, oauth::TokenResponse token,
                                Connection& connection, base::Instant now);

enum class FailureClass {
    terminal,       // the grant is dead: a human must log in (OA-19)
    configuration,  // client id, secret, URL or definition are wrong: a human must correct them, the grant may live
    transient,      // later, with back-off
    policy          // our own rules forbid it now: suspended, address refused, min_interval
};
// `errors` of the definition first, then RFC 6749 section 5.2.
FailureClass classify(const provider::ProviderDefinition& definition, const oauth::TokenFailure& failure);

}  // namespace claviger::connection
