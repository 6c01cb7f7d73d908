// Steps: the further requests that a definition lists after each token answer (oauth.steps): a session of the service's
// own, a second token. What each brings is a secret field of the connection. Internal to connection/.
// Thread rule: on the Loop's thread.
#pragma once

#include "connection/connection.hpp"
#include "connection/mint.hpp"
#include "oauth/token.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// Whether a field that a step brings is not there at all, so that the connection cannot be used.
bool lacks_step(const Connection& connection, const provider::ProviderDefinition& definition);

// Asks them in order, each with what the earlier ones brought. Fields, captured values, `steps_at` and `steps_end` of
// `connection` change together, or nothing does: a failure's `shown` names the step. The tokens are stored before, so nothing
// here may cost them. All that is given outlives the task.
net::Task<tl::expected<void, oauth::TokenFailure>> ask_steps(MintParts with, const provider::ProviderDefinition& definition,
                                                             Connection& connection, const oauth::Client& client);

}  // namespace claviger::connection
