// Revoke: ends a connection's tokens at the provider, refresh token first (RFC 7009 section 2.1, OA-20), by the endpoint of
// the definition or of the login's metadata, or by the definition's own request. It changes nothing that is stored.
// Thread rule: on the Loop's thread; what is borrowed outlives the task.
#pragma once

#include <string>
#include <vector>

#include "connection/connection.hpp"
#include "http/client.hpp"
#include "oauth/revocation.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

struct RevokedToken {
    std::string token;  // "refresh_token", "access_token", or of what is no token "api_key", "password", "credential"
    oauth::RevocationOutcome outcome;
};

struct RevokeParts {
    http::Client& http;
    const base::Clock& clock;
    base::Random& random;
};

// `client`: the record that the connection was made with; null when there is none. An access token whose end has passed is
// dead already and not in the result; an empty result means that there is nothing to revoke.
net::Task<std::vector<RevokedToken>> revoke_at_provider(RevokeParts with, const provider::ProviderDefinition& definition,
                                                        const Connection& connection, const ClientRecord* client);

}  // namespace claviger::connection
