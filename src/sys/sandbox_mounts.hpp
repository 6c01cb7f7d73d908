// The namespace half of the sandbox, and the other names that a directory has by mounts. Internal to the folder.
// Thread rule: for a process with one thread.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "sys/sandbox.hpp"

namespace claviger::sys {

// `path` itself, and every place where a mount shows it, a directory above it or a part of it. `mountinfo` is the text of
// /proc/self/mountinfo, `mount_id` that of the mount `path` lies on.
std::vector<std::filesystem::path> names_by_mounts(const std::filesystem::path& path, int mount_id, std::string_view mountinfo);
base::Result<std::vector<std::filesystem::path>> names_by_mounts(const std::filesystem::path& path);

// Moves this process to a mount namespace of its own, and to a network namespace if asked for, with a user namespace around
// them where that is needed. After a failure the process may be half inside and must end.
base::Result<void> enter_namespaces(bool network);
base::Result<void> show_mount(const ShownMount& mount);
// Covers what the plan hides; the process must be in a namespace of its own.
base::Result<void> cover(const SandboxPlan& plan);
// Gives up the capabilities that act on the kernel as a whole; what an ordinary root needs for files, users and
// networks stays; what it needs for networks goes too where the network is the program's `own`.
void drop_kernel_capabilities(bool own_network);

}  // namespace claviger::sys
