// A directory shown with other entries, without a change to it: in memory, so that it costs nothing and leaves nothing. Internal to
// the folder. Thread rule: for a process with one thread, in a mount namespace of its own.
#pragma once

#include <filesystem>

#include "base/error.hpp"

namespace claviger::sys {

// At `target` the program sees what is in `source`, and of what was at `target` everything else: files as copies, links as they
// are, so that those to a neighbour lead to what is seen now. What cannot be read is left out. Read-only.
base::Result<void> mount_merged(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace claviger::sys
