// Which names a package's entries may have: safe on every file system, although nothing is written to one, and so
// that no two of them are the same file anywhere (PK-02). Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace claviger::provider {

// One name alone: relative, '/' between parts, valid UTF-8, no "." or "..", no backslash, colon or control byte,
// at most 255 bytes and 16 parts. A trailing '/' means a folder.
base::Result<void> check_entry_name(std::string_view name);

// All together: no two equal after case folding and NFC, no file that is also a folder.
base::Result<void> check_distinct_names(const std::vector<std::string_view>& names);

}  // namespace claviger::provider
