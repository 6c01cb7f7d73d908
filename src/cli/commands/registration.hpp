// Registering a definition, and reading the text of one: what `register` shares with the commands that write definitions.
// Thread rule: main thread.
#pragma once

#include <string>
#include <vector>

#include "cli/context.hpp"
#include "provider/read.hpp"

namespace claviger::cli {

// A file, or standard input for "-"; at most 10 MiB.
base::Result<std::string> read_definition_input(const std::string& file);
json::Array findings_json(const std::vector<provider::Finding>& findings);
// For a name that somebody typed, or that was made up: not even a bundled definition is replaced without --force.
base::Result<void> refuse_to_replace(Context& context, const Invocation& invocation, const std::string& name);
// Says what a definition would do, what it takes the place of and changes there, and which connections it suspends: those are
// returned. For whoever is asked next (CL-10).
std::vector<std::string> show_registration(Context& context, const provider::ProviderDefinition& definition);
// Shows what it will do, asks unless --yes, writes the journal and the file. Returns the connections that are suspended from
// now on. already_exists for a custom definition without --force.
base::Result<std::vector<std::string>> register_definition(Context& context, const Invocation& invocation,
                                                           const provider::ProviderDefinition& definition);

}  // namespace claviger::cli
