// The published JSON Schema of native definitions (providers/schema/provider.schema.json), for editors: what
// `claviger inspect --schema` prints. Thread rule: constant.
#pragma once

#include <string_view>

namespace claviger::provider {

std::string_view definition_schema_text();

}  // namespace claviger::provider
