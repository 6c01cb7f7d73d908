// What a session hides from its program, and what the level of isolation is called (docs/security-model.md).
// Thread rule: main thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "sys/sandbox.hpp"

namespace claviger::app {

struct WantedIsolation {
    sys::SandboxChoice choice = sys::SandboxChoice::automatic;
    bool own_network = false;  // --transparent
};

// Hides `home`, which is made if it is missing, and every other home that this user has by the usual rules. Refuses a
// working directory, a program or a directory for temporary files that would be hidden with it, and a vault that has
// other names by hard links.
base::Result<sys::SandboxPlan> plan_isolation(const std::filesystem::path& home, WantedIsolation wanted,
                                              const std::vector<std::string>& command);

// "L1: ..." as `run` and `doctor` say it. Never more than holds.
std::string describe(const sys::SandboxReport& report);

// ErrorCode::denied inside a session that hides `home`, whatever its environment says.
base::Result<void> check_reachable(const std::filesystem::path& home);

}  // namespace claviger::app
