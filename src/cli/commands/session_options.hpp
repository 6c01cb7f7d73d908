// The options that say what a session serves and lets through: of `run`, and of what explains it. Thread rule: main thread.
#pragma once

#include "app/run_session.hpp"
#include "cli/commands/handlers.hpp"

namespace claviger::cli {

// --use, --only, --read-only, --allow, --ask, --deny, by themselves. ErrorCode::usage.
base::Result<app::RunRequest> parse_session_options(const Invocation& invocation);
// The same against what is stored: whether the providers of --use exist, and --unmatched or its setting. Where `run` says
// what a human may want to know.
base::Result<void> complete_session_options(Context& context, const Invocation& invocation, app::RunRequest& request);

}  // namespace claviger::cli
