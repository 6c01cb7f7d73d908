// AFPS 2.x manifests of type "integration", in only: docs/formats/afps.md. Each of the package's `auths` becomes a
// definition: the first is named as the package, each other <package>-<auth key>. An "mcp-server" package holds no
// provider: no definitions and one warning. Thread rule: pure functions.
#pragma once

#include "provider/dialects/dialect.hpp"

namespace claviger::provider {

DialectRead read_afps_v2(const json::Document& document);

}  // namespace claviger::provider
