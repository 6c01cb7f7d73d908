// The native format: JSON with comments, as docs/provider-definition.md says, with the older spellings (host_url,
// docs, supports_device_flow, authorization_method, registration, both shapes of export). null means absent.
// Thread rule: pure functions.
#pragma once

#include "provider/dialects/dialect.hpp"

namespace claviger::provider {

DialectRead read_native(const json::Document& document);

}  // namespace claviger::provider
