// An .afps archive as definitions, and back. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "provider/dialects/archive.hpp"
#include "provider/read.hpp"

namespace claviger::provider {

// The manifest of a package: "manifest.json" at the root, or an error that says what is there instead.
base::Result<std::string_view> manifest_of(const PackageFiles& package);

// A package of the definition's AFPS v1 manifest and, when not empty, `notes` as PROVIDER.md; reproducible.
base::Result<std::string> pack_definition(const ProviderDefinition& definition, std::string_view notes = {});

}  // namespace claviger::provider
