// A connection whose token is about to be handed out. Thread rule: main thread.
#pragma once

#include "cli/command.hpp"
#include "cli/context.hpp"

namespace claviger::cli {

// Renews the token first when its end is near or past, unless --no-refresh says not to. When that fails, one that is still
// valid is handed out all the same, with a warning; for one that has expired the error says why.
base::Result<connection::Connection> renewed_if_due(Context& context, const Invocation& invocation, connection::Connection connection);

}  // namespace claviger::cli
