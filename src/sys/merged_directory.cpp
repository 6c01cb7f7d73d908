#include "sys/merged_directory.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/mount.h>

#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"

namespace claviger::sys {
namespace {

namespace fs = std::filesystem;
using base::Result;

constexpr const char* kName = "claviger-merged";  // what mountinfo calls it
constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

Result<void> not_shown(const fs::path& target) { return base::fail(errno_error(errno, "cannot show the session's own entries in", target.native())); }

// What is there already came first.
void add_missing(const fs::path& from, const fs::path& to) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(from, error)) {
        std::error_code ignored;
        const fs::path made = to / entry.path().filename();
        if (entry.is_symlink(ignored)) {
            fs::copy_symlink(entry.path(), made, ignored);
        } else if (entry.is_directory(ignored)) {
            fs::create_directory(made, entry.path(), ignored);  // with its permissions
            add_missing(entry.path(), made);
        } else if (entry.is_regular_file(ignored)) {
            fs::copy_file(entry.path(), made, fs::copy_options::skip_existing, ignored);
        }
    }
}

}  // namespace

Result<void> mount_merged(const fs::path& source, const fs::path& target) {
    const Descriptor before(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));  // what is covered next
    if (!before.valid()) return not_shown(target);
    if (::mount(kName, target.c_str(), "tmpfs", kFlags, "mode=0755,size=64m") != 0) return not_shown(target);
    add_missing(source, target);
    add_missing("/proc/self/fd/" + std::to_string(before.get()), target);
    if (::mount(nullptr, target.c_str(), nullptr, MS_REMOUNT | MS_RDONLY | kFlags, nullptr) != 0) return not_shown(target);
    return {};
}

}  // namespace claviger::sys
