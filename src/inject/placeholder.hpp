// What stands in the environment of a program where its key would: a text that looks as its library wants a key to look
// (api_key.key_pattern), the same in every session, and never the secret. Thread rule: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "connection/connection.hpp"
#include "provider/definition.hpp"

namespace claviger::inject {

inline constexpr std::string_view kPlaceholder = "claviger-managed";  // where no pattern says otherwise

// Names of the environment -> values, for each name that `export` knows. What an `api_url` or `base_url` is exported to
// gets the real one, which a library must know, or is left out.
std::map<std::string, std::string> placeholders(const provider::ProviderDefinition& definition, const connection::Connection& connection);

// The names of the environment that hold something of a connection, whatever connection that is: those of placeholders(),
// without the URLs.
std::vector<std::string> credential_variables(const provider::ProviderDefinition& definition);

// The first place that api_url names exactly, as an origin or URL; empty when it names none.
std::string first_api_url(const provider::ProviderDefinition& definition, const provider::VariableValues& variables);

}  // namespace claviger::inject
