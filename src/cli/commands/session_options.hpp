// The options that say what a session serves and lets through: of `run`, and of what explains it. Thread rule: main thread.
#pragma once

#include "app/run_session.hpp"
#include "cli/commands/handlers.hpp"

namespace claviger::cli {

// --read-only, --allow, --ask, --deny, --rate, --for. ErrorCode::usage.
base::Result<app::RunRequest> parse_rule_options(const Invocation& invocation);
// The same and --use, --only, by themselves.
base::Result<app::RunRequest> parse_session_options(const Invocation& invocation);
// All of it against what is stored: whether the providers of --use exist, and --unmatched or its setting. Where `run` says
// what a human may want to know.
// `may_ask`: a project file that is not trusted may be asked for on the terminal.
base::Result<void> complete_session_options(Context& context, const Invocation& invocation, app::RunRequest& request, bool may_ask);
// The project file of this directory, unless --no-project. ErrorCode::denied: it is not trusted and nobody can be asked.
base::Result<void> use_project(Context& context, const Invocation& invocation, app::RunRequest& request, bool may_ask);

}  // namespace claviger::cli
