// The end of an access token whose answer names none, asked for at the definition's introspection endpoint (RFC 7662).
// Internal to connection/. Thread rule: on the Loop's thread.
#pragma once

#include <optional>
#include <string>

#include "connection/connection.hpp"
#include "connection/mint.hpp"
#include "oauth/types.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// Whether that is to be asked for: the definition has the endpoint, and the answer no end.
bool wants_introspection(const provider::ProviderDefinition& definition, const oauth::TokenResponse& token, base::Instant now);

struct IntrospectedEnd {
    std::optional<base::Instant> end;
    std::string warning;  // why there is none, or that the token is not active; empty: nothing to say
};
// Never fails: the token is stored already. `client` as at the token endpoint; all that is given outlives the task.
net::Task<IntrospectedEnd> introspected_end(MintParts with, const provider::ProviderDefinition& definition,
                                            const Connection& connection, const oauth::Client& client);

}  // namespace claviger::connection
