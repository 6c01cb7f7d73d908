// Writing packages, reproducibly: the same files give the same bytes on every machine and day. Entries are sorted
// and stored (not deflated: the bytes must not depend on a compressor's version), their time is 1980-01-01, there
// are no extra fields or comments. Thread rule: pure functions.
#pragma once

#include <string>

#include "provider/dialects/archive.hpp"

namespace claviger::provider {

// What read_archive would refuse is not written: ErrorCode::invalid_input or limit. read(write(x)) == x, except
// that a package whose files all lie beside a manifest in one folder is read without that folder.
base::Result<std::string> write_archive(const PackageFiles& package);

}  // namespace claviger::provider
