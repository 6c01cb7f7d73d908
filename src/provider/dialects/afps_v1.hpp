// AFPS 1.x manifests of type "provider", in and out: docs/formats/afps.md. What the model has no place for (version,
// author, keywords, uploadProtocols, x-*) is kept in `unknown`, so that writing gives it back.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "provider/dialects/afps_write.hpp"
#include "provider/dialects/dialect.hpp"

namespace claviger::provider {

// One definition, named by the part of "@scope/name" after the slash; findings point into the manifest.
DialectRead read_afps_v1(const json::Document& document);

// A manifest that `register` reads to the same definition, with all members of the AFPS v1 manifest that it may come
// from; what AFPS v1 has no word for is in the extension (extension.hpp). Fails, rather than write something that is
// wider or does not register, where other readers would be misled about places, endpoints or client authentication.
base::Result<afps::Written> write_afps_v1(const ProviderDefinition& definition);
// The same text, unchecked.
std::string to_afps_v1_manifest(const ProviderDefinition& definition);

}  // namespace claviger::provider
