// The {variables} of a stored connection's URLs: what a human said, and what the provider's answers told (`capture`).
// Thread rule: pure functions.
#pragma once

#include "connection/connection.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// Complete and checked as at the login (OA-27). A captured value counts where `vars` declares a variable of its name,
// and passes the same checks: pattern, enum, one host label, an https origin. What a human chose stays; a default gives
// way. A captured origin on this machine is ErrorCode::denied unless the login itself was there. A value that no answer
// has told yet is left out.
base::Result<provider::VariableValues> variables_of(const provider::ProviderDefinition& definition, const Connection& connection);

}  // namespace claviger::connection
