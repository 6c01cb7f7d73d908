// The system's own trust store with the session's authority added, for programs that read no variable (`run --transparent`):
// files in the session's directory, and where each is to be shown to the program. Nothing outside of it is changed.
// Thread rule: main thread.
#pragma once

#include <filesystem>
#include <vector>

#include "app/child_environment.hpp"
#include "base/error.hpp"
#include "sys/sandbox.hpp"

namespace claviger::app {

// Where a system keeps certificates: bundles, OpenSSL's directory of single ones, Java's store; those below `root` that exist
// ("/"; another in tests). Makes `directory`.
base::Result<std::vector<sys::ShownMount>> make_system_trust(const std::filesystem::path& directory, const TrustFiles& files,
                                                            const std::filesystem::path& root);

}  // namespace claviger::app
