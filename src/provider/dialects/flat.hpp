// The flat payload of POST /api/providers, in and out: the fields of AFPS v1 without its nesting (docs/formats/afps.md).
// `clientId` and `clientSecret` never enter a definition: they are dropped with a warning, without their values.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "provider/dialects/afps_write.hpp"
#include "provider/dialects/dialect.hpp"

namespace claviger::provider {

DialectRead read_flat(const json::Document& document);
// As write_afps_v1() and to_afps_v1_manifest().
base::Result<afps::Written> write_flat(const ProviderDefinition& definition);
std::string to_flat_payload(const ProviderDefinition& definition);

}  // namespace claviger::provider
