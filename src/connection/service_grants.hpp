// The grants of service accounts: a signed assertion (RFC 7523 section 2.1) or another token (RFC 8693) stands where
// else a human says yes. Internal to connection/, for mint.hpp. Thread rule: pure functions but for the randomness of
// `signing`.
#pragma once

#include "connection/connection.hpp"
#include "oauth/token.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// Scopes, resource (RFC 8707) and audience: what the token is for.
base::Result<void> add_targets(const provider::ProviderDefinition& definition, const Connection& connection,
                               oauth::TokenRequest& request);

// `oauth.grant.assertion`, its texts filled from the connection's fields, signed by {{private_key}} unless another key is
// named. jwt_bearer: it is the grant, for the token endpoint where no audience is written, and scopes that it claims are not
// sent beside it. jwt_header: it authorizes the request for the token. self_signed_jwt: it is the token.
// ErrorCode::invalid_input: a field is missing, or the key is none.
base::Result<oauth::TokenRequest> jwt_bearer_request(const provider::ProviderDefinition& definition, const Connection& connection,
                                                     oauth::Client client, net::Url token_endpoint, const oauth::Signing& signing);
base::Result<oauth::TokenRequest> jwt_header_request(const provider::ProviderDefinition& definition, const Connection& connection,
                                                     oauth::Client client, net::Url token_endpoint, const oauth::Signing& signing);
base::Result<oauth::TokenResponse> self_signed_jwt(const provider::ProviderDefinition& definition, const Connection& connection,
                                                   const oauth::Client& client, const oauth::Signing& signing);
base::Result<oauth::TokenRequest> token_exchange_request(const provider::ProviderDefinition& definition, const Connection& connection,
                                                         oauth::Client client, net::Url token_endpoint);

}  // namespace claviger::connection
