// The Landlock half of the sandbox. Internal to the folder. Thread rule: for a process with one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/error.hpp"

namespace claviger::sys {

struct LandlockRules {
    std::vector<std::filesystem::path> hidden;  // canonical; empty = everything below "/" is allowed
    std::optional<std::uint16_t> only_port;     // TCP may be connected to this port alone; needs kLandlockAbiNetwork
};
// For good, for this process and all that come from it. no_new_privs must be set.
base::Result<void> enter_landlock(const LandlockRules& rules);

}  // namespace claviger::sys
