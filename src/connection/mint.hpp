// Mint: a token without a human's browser (RFC 6749 section 4.4, RFC 7523 section 2.1, RFC 8693): at the first login of
// the flow client_credentials, and instead of a refresh where the definition says `refresh.mode: remint`.
// Thread rule: on the Loop's thread.
#pragma once

#include "connection/connection.hpp"
#include "http/client.hpp"
#include "oauth/token.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

struct MintParts {
    http::Client& http;
    const base::Clock& clock;
    base::Random& random;
};

// `connection`: variables, fields (of service accounts), requested scopes; its tokens are not read. `client` as stored.
// The caller decides what a failure means.
net::Task<oauth::TokenOutcome> mint_token(MintParts with, const provider::ProviderDefinition& definition,
                                          const Connection& connection, oauth::Client client, net::Url token_endpoint);

}  // namespace claviger::connection
