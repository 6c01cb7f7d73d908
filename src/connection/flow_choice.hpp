// Which flow a login runs: the definition's, or the one that --flow asks for if it fits. Also for whoever says what can
// be chosen. Thread rule: pure functions.
#pragma once

#include <optional>
#include <vector>

#include "base/error.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

// The flows that this definition's endpoints and capabilities allow, the definition's own first.
std::vector<provider::Flow> flows_of(const provider::ProviderDefinition& definition);

// ErrorCode::usage when it does not fit; the hint names what can be used.
base::Result<provider::Flow> choose_flow(const provider::ProviderDefinition& definition,
                                         const std::optional<provider::Flow>& asked);

// Whether a login by this flow registers a client by itself instead of asking for one (RFC 7591).
bool registers_client(const provider::OAuth2& oauth, provider::Flow flow);

}  // namespace claviger::connection
