// Form fields out of a `credentials.schema`: one per property, in the order of the file. Internal to connection/.
// Thread rule: pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "connection/dialog.hpp"
#include "json/value.hpp"

namespace claviger::connection {

// `credential_field`: the property that is "the" credential; always masked.
std::vector<FormField> schema_fields(const json::Object& schema, std::string_view credential_field);
// Property -> "integer", "number" or "boolean"; strings are left out.
std::map<std::string, std::string> schema_types(const json::Object& schema);

// "api_key" -> "Api key": for a property without a title.
std::string label_of(std::string_view name);

}  // namespace claviger::connection
