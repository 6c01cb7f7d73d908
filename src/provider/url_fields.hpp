// Every place of a definition that holds an endpoint, with its native pointer: one list for validation, for the
// variables that a login must ask for, and for tests. Ownership: `text` points into the definition.
// Thread rule: pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "provider/definition.hpp"

namespace claviger::provider {

struct UrlField {
    std::string pointer;      // "/oauth/token_url"
    const std::string* text;  // never empty
};

// Endpoints that Claviger calls or opens: templates of one URL each.
std::vector<UrlField> endpoint_fields(const ProviderDefinition& definition);
// api_url and authorized_uris: where the credential may go.
std::vector<UrlField> place_fields(const ProviderDefinition& definition);
// Names of all {variables} used in any of them, in order, without repetition.
std::vector<std::string> variables_used(const ProviderDefinition& definition);
// Whether what is captured as `captured` is the value of this variable: the same name, '-' as '_', since a variable's has no '-'.
bool is_value_of(std::string_view captured, std::string_view variable);
// The value among `captured` by that rule, else nullptr.
const std::string* captured_value(const std::map<std::string, std::string>& captured, std::string_view variable);
// Whether the variable's value comes with an answer of the provider (`capture`), so that no login asks for it: it is
// captured by name, and no endpoint that a login needs before the first token uses it.
bool is_captured_variable(const ProviderDefinition& definition, std::string_view name);
// Whether `name` stands for a whole origin somewhere ("{name}/path"), not for one label or segment.
bool is_origin_variable(const ProviderDefinition& definition, std::string_view name);

}  // namespace claviger::provider
