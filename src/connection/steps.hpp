// Steps: the further requests that a definition lists after each token answer (oauth.steps): a session of the service's
// own, a second token. What each brings is a secret field of the connection. Internal to connection/.
// Thread rule: on the Loop's thread.
#pragma once

#include "connection/connection.hpp"
#include "connection/mint.hpp"
#include "oauth/token.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// Whether a field that a step brings is not there yet: the connection wants a renewal.
bool lacks_step(const Connection& connection, const provider::ProviderDefinition& definition);

// Asks them in order, each with what the earlier ones brought, and puts fields and captured values into `connection`, whose
// end becomes the earliest of `token_end` (of the access token itself) and the steps' own ends. A failure's `shown` names the
// step; then only what came before it is changed, never the end. The tokens are stored before: nothing here may cost them.
// All that is given outlives the task.
net::Task<tl::expected<void, oauth::TokenFailure>> ask_steps(MintParts with, const provider::ProviderDefinition& definition,
                                                             Connection& connection, const oauth::Client& client,
                                                             std::optional<base::Instant> token_end);

}  // namespace claviger::connection
