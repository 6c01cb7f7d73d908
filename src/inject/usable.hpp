// Whether a connection may be used now. Internal to inject/. Thread rule: pure.
#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "connection/connection.hpp"
#include "provider/definition.hpp"

namespace claviger::inject {

// ErrorCode::needs_login with the command to run when it is expired, suspended or marked.
base::Result<void> check_usable(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                                base::Instant now);

}  // namespace claviger::inject
