// Packages: ZIP files from strangers, in memory only; nothing is ever written or executed (PK-03). An archive is
// refused whole when any part of it is odd: what two ZIP readers could read differently, what would leave the
// package's folder, what is larger than it says (PK-01, PK-02). Thread rule: pure functions, no shared state.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace claviger::provider {

// Files by path ("manifest.json", "docs/a.md"); folders are implied. Owns the contents.
struct PackageFiles {
    std::map<std::string, std::string> files;
    friend bool operator==(const PackageFiles&, const PackageFiles&) = default;
};

struct ArchiveLimits {
    static constexpr std::size_t kBytes = std::size_t{10} << 20;
    static constexpr std::size_t kUnpackedBytes = std::size_t{50} << 20;
    static constexpr std::size_t kEntries = 1000;
    static constexpr std::size_t kRatio = 100;  // unpacked : packed, of each entry
    static constexpr std::size_t kNameBytes = 255;
    static constexpr std::size_t kDepth = 16;
};

// Does it start like a ZIP file (also an empty one)?
bool looks_like_archive(std::string_view bytes) noexcept;

// All files, or ErrorCode::limit / invalid_input / unsupported with the reason. One folder that wraps the whole
// package ("acme/manifest.json") is stripped; a well-formed __MACOSX/ folder is checked and left out.
base::Result<PackageFiles> read_archive(std::string_view bytes);

}  // namespace claviger::provider
