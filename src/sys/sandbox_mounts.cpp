#include "sys/sandbox_mounts.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/text.hpp"
#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"
#include "sys/files.hpp"
#include "sys/merged_directory.hpp"

namespace claviger::sys {
namespace {

using base::Result;
namespace fs = std::filesystem;

constexpr const char* kCoverName = "claviger-cover";  // what mountinfo calls the source of our mounts
constexpr std::size_t kMostMountBytes = 16 * 1024 * 1024;

struct Mount {
    int id = -1;
    std::string device;  // major:minor
    fs::path root, point;
};

// Spaces and the like stand as three octal digits.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        if (text[i] == '\\' && i + 3 < text.size() && std::from_chars(text.data() + i + 1, text.data() + i + 4, value, 8).ptr == text.data() + i + 4) {
            out += static_cast<char>(value);
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::vector<Mount> mounts_in(std::string_view mountinfo) {
    std::vector<Mount> mounts;
    for (const auto& line : base::split(mountinfo, '\n')) {
        const auto words = base::split(line, ' ');
        if (words.size() < 5) continue;
        Mount mount;
        std::from_chars(words[0].data(), words[0].data() + words[0].size(), mount.id);
        mount.device = words[2];
        mount.root = unescaped(words[3]);
        mount.point = unescaped(words[4]);
        mounts.push_back(std::move(mount));
    }
    return mounts;
}

// The part of `path` below `directory`: empty when they are the same, nothing when it is not below.
std::optional<fs::path> below(const fs::path& path, const fs::path& directory) {
    auto [at, rest] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
    if (at != directory.end() && !(std::next(at) == directory.end() && at->empty())) return std::nullopt;
    fs::path tail;
    for (; rest != path.end(); ++rest) tail /= *rest;
    return tail;
}

fs::path joined(const fs::path& directory, const fs::path& tail) { return tail.empty() ? directory : directory / tail; }

Result<void> mount_cover(const fs::path& target, unsigned long flags, const char* options) {
    if (::mount(kCoverName, target.c_str(), "tmpfs", flags | MS_NOSUID | MS_NODEV, options) == 0) return {};
    return base::fail(errno_error(errno, "cannot cover", target.native()));
}

Result<void> cover_one(const fs::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return {};  // gone, or below another cover
    if (S_ISDIR(info.st_mode)) return mount_cover(path, MS_RDONLY | MS_NOEXEC, "mode=0,size=4k,nr_inodes=2");
    if (::mount("/dev/null", path.c_str(), nullptr, MS_BIND, nullptr) == 0) return {};
    return base::fail(errno_error(errno, "cannot cover", path.native()));
}

// An empty directory of the session's own, into which those entries are put back that it may have.
Result<void> cover_runtime_directory(const fs::path& directory, const std::vector<fs::path>& kept) {
    std::vector<std::pair<fs::path, Descriptor>> entries;
    for (const auto& path : kept) {
        Descriptor at(::open(path.c_str(), O_PATH | O_CLOEXEC));
        if (at.valid()) entries.emplace_back(path, std::move(at));
    }
    TRY_VOID(mount_cover(directory, 0, "mode=0700,size=64m"));
    for (const auto& [path, at] : entries) {
        struct stat info {};
        if (::fstat(at.get(), &info) != 0) continue;
        std::error_code error;
        fs::create_directories(S_ISDIR(info.st_mode) ? path : path.parent_path(), error);
        if (!S_ISDIR(info.st_mode)) Descriptor(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
        const std::string source = "/proc/self/fd/" + std::to_string(at.get());
        if (::mount(source.c_str(), path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
            return base::fail(errno_error(errno, "cannot keep", path.native()));
        }
    }
    return {};
}

// The owner's other terminals: whoever opens one writes onto its screen and reads what is typed there. The program keeps the
// descriptors that it was given; the name of its own terminal is shown as /dev/console, where ttyname(3) looks for it.
Result<void> hide_terminals() {
    constexpr const char* kTerminals = "/dev/pts";
    struct statfs system {};
    if (::statfs(kTerminals, &system) != 0 || static_cast<unsigned long>(system.f_type) != DEVPTS_SUPER_MAGIC) return {};
    Descriptor own;
    for (int fd = 0; fd < 3 && own.get() < 0; ++fd) {
        std::array<char, 256> name{};  // by its name: the descriptor's own mount is that of the namespace outside
        if (::ttyname_r(fd, name.data(), name.size()) == 0) own = Descriptor(::open(name.data(), O_PATH | O_CLOEXEC));
    }
    if (::mount("devpts", kTerminals, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620") != 0)
        return base::fail(errno_error(errno, "cannot hide the terminals in", kTerminals));
    if (own.get() >= 0) (void)::mount(("/proc/self/fd/" + std::to_string(own.get())).c_str(), "/dev/console", nullptr, MS_BIND, nullptr);
    return {};
}

}  // namespace

std::vector<fs::path> names_by_mounts(const fs::path& path, int mount_id, std::string_view mountinfo) {
    std::vector<fs::path> names{path};
    const auto mounts = mounts_in(mountinfo);
    const auto own = std::find_if(mounts.begin(), mounts.end(), [&](const Mount& mount) { return mount.id == mount_id; });
    if (own == mounts.end()) return names;
    const auto tail = below(path, own->point);
    if (!tail) return names;
    const fs::path inside = joined(own->root, *tail);  // where it is on its file system
    for (const auto& mount : mounts) {
        if (mount.device != own->device) continue;
        if (const auto from_root = below(inside, mount.root)) names.push_back(joined(mount.point, *from_root));
        else if (below(mount.root, inside)) names.push_back(mount.point);
    }
    std::sort(names.begin() + 1, names.end());
    names.erase(std::unique(names.begin() + 1, names.end()), names.end());
    names.erase(std::remove(names.begin() + 1, names.end(), path), names.end());
    return names;
}

Result<std::vector<fs::path>> names_by_mounts(const fs::path& path) {
    struct statx info {};
    if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &info) != 0 || (info.stx_mask & STATX_MNT_ID) == 0) {
        return base::fail(errno_error(errno == 0 ? ENOSYS : errno, "cannot examine the mount of", path.native()));
    }
    TRY(text, read_file("/proc/self/mountinfo", kMostMountBytes));
    auto names = names_by_mounts(path, static_cast<int>(info.stx_mnt_id), text);
    // What another mount hides by itself is not there to be covered.
    std::erase_if(names, [](const fs::path& name) {
        std::error_code error;
        return !fs::exists(name, error);
    });
    return names;
}

Result<void> cover(const SandboxPlan& plan) {
    TRY_VOID(hide_terminals());
    std::vector<fs::path> all;  // before the first cover, which may hide the next
    for (const auto& directory : plan.hidden) {
        TRY(names, names_by_mounts(directory));
        all.insert(all.end(), names.begin(), names.end());
    }
    for (const auto& path : all) {
        TRY_VOID(cover_one(path));
        std::error_code gone;
        if (!is_covered(path) && fs::is_directory(path, gone)) {
            return base::fail(base::ErrorCode::internal, "the cover over " + path.string() + " does not hold");
        }
    }
    for (const auto& path : plan.control.paths) TRY_VOID(cover_one(path));
    if (plan.control.runtime_directory) TRY_VOID(cover_runtime_directory(*plan.control.runtime_directory, plan.control.kept));
    return {};
}

Result<void> show_mount(const ShownMount& mount) {
    if (mount.directory) return mount_merged(mount.source, mount.target);
    if (::mount(mount.source.c_str(), mount.target.c_str(), nullptr, MS_BIND, nullptr) == 0) return {};
    return base::fail(errno_error(errno, "cannot show the session's own file at", mount.target.native()));
}

bool is_covered(const fs::path& path) {
    struct stat info {};
    struct statfs system {};
    if (::stat(path.c_str(), &info) != 0 || ::statfs(path.c_str(), &system) != 0) return false;
    return (info.st_mode & 07777) == 0 && static_cast<unsigned long>(system.f_type) == TMPFS_MAGIC && (system.f_flags & ST_RDONLY) != 0;
}

bool inside_sandbox() {
    auto text = read_file("/proc/self/mountinfo", kMostMountBytes);
    return text && text->find(std::string(" - tmpfs ") + kCoverName + " ") != std::string::npos;
}

}  // namespace claviger::sys
