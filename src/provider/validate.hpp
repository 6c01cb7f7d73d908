// The rules of the model, one set for all dialects: read_definition() runs this on every definition that a dialect
// gave. Findings point into native JSON and are led into the read file by `pointers`; read_definition() fills in the
// places. Every code is in docs/provider-definition.md. Thread rule: pure functions.
#pragma once

#include <vector>

#include "provider/dialects/dialect.hpp"
#include "provider/read.hpp"

namespace claviger::provider {

std::vector<Finding> validate(const ProviderDefinition& definition, const PointerMap& pointers = {},
                              const ReadOptions& options = {});

// Whether a header may be set by a definition (PX-12): an RFC 9110 token and none of the fields that frame or route
// the message.
bool header_name_allowed(std::string_view name);

}  // namespace claviger::provider
