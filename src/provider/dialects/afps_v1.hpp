// AFPS 1.x manifests of type "provider", in and out: docs/formats/afps.md. What the model has no place for (version,
// author, keywords, uploadProtocols, x-*) is kept in `unknown`, so that writing gives it back.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "provider/dialects/dialect.hpp"

namespace claviger::provider {

// One definition, named by the part of "@scope/name" after the slash; findings point into the manifest.
DialectRead read_afps_v1(const json::Document& document);

// A manifest that read_afps_v1 reads to the same definition: for a definition that was read from AFPS v1, with all
// of its members; for another one, as far as AFPS v1 can say it.
std::string to_afps_v1_manifest(const ProviderDefinition& definition);
json::Object to_afps_v1_object(const ProviderDefinition& definition);
// What a manifest would lose or change, as native pointers: AFPS v1 has no word for it.
std::vector<std::string> not_in_afps_v1(const ProviderDefinition& definition);

}  // namespace claviger::provider
