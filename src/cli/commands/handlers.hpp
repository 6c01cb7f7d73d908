// One function per command; the table in command_table.cpp says what each takes. Each returns the exit code, or the
// error that maps to one. Thread rule: main thread.
#pragma once

#include "cli/context.hpp"

namespace claviger::cli {

using Outcome = base::Result<int>;

Outcome register_provider(Context&, const Invocation&);
Outcome list_providers(Context&, const Invocation&);
Outcome inspect_provider(Context&, const Invocation&);
Outcome remove_provider(Context&, const Invocation&);
Outcome confirm_provider(Context&, const Invocation&);
Outcome login(Context&, const Invocation&);
Outcome explain(Context&, const Invocation&);
Outcome provider_discover(Context&, const Invocation&);
Outcome provider_lint(Context&, const Invocation&);
Outcome provider_new(Context&, const Invocation&);
Outcome import_authsome(Context&, const Invocation&);
Outcome get_connection(Context&, const Invocation&);
Outcome export_connection(Context&, const Invocation&);
Outcome logout(Context&, const Invocation&);
Outcome set_default(Context&, const Invocation&);
Outcome revoke_connection(Context&, const Invocation&);
Outcome probe_provider(Context&, const Invocation&);
Outcome run_program(Context&, const Invocation&);
Outcome route_explain(Context&, const Invocation&);
Outcome approve(Context&, const Invocation&);
Outcome show_log(Context&, const Invocation&);
Outcome project_check(Context&, const Invocation&);
Outcome project_trust(Context&, const Invocation&);
Outcome project_forget(Context&, const Invocation&);
Outcome project_schema(Context&, const Invocation&);
Outcome rule_list(Context&, const Invocation&);
Outcome rule_add(Context&, const Invocation&);
Outcome rule_remove(Context&, const Invocation&);
Outcome vault_status(Context&, const Invocation&);
Outcome vault_rotate(Context&, const Invocation&);
Outcome vault_backup(Context&, const Invocation&);
Outcome vault_restore(Context&, const Invocation&);
Outcome vault_repair(Context&, const Invocation&);
Outcome doctor(Context&, const Invocation&);
Outcome whoami(Context&, const Invocation&);
Outcome config_list(Context&, const Invocation&);
Outcome config_get(Context&, const Invocation&);
Outcome config_set(Context&, const Invocation&);
Outcome config_unset(Context&, const Invocation&);
Outcome completion(Context&, const Invocation&);
Outcome man(Context&, const Invocation&);
Outcome version(Context&, const Invocation&);

// A provider or connection name as typed: checked before it is used for anything (CL-08).
base::Result<std::string> checked_name(std::string_view what, const std::string& typed);

// Of a command that needs one; its hint is the login. An empty name is the default one.
base::Error not_connected(const std::string& provider, const std::string& connection);
// The connection of that name, or the provider's default one; not_connected, or not_found of an unknown provider.
base::Result<connection::Connection> connection_named(Context& context, const std::string& provider, const std::string& name);
// The one that --connection names.
base::Result<connection::Connection> stored_connection(Context& context, const std::string& provider, const Invocation& invocation);
// The same for what ends it: where there is none, a login is no help.
base::Result<connection::Connection> connection_to_end(Context& context, const std::string& provider, const Invocation& invocation);
// Which of several accounts is meant must be said: what cannot be undone is not guessed. ErrorCode::usage names them.
base::Result<void> refuse_to_guess(const std::string& provider, const std::vector<std::string>& names);
base::Result<void> check_all_or_one(const Invocation& invocation);  // --all and --connection contradict each other

}  // namespace claviger::cli
