#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <vector>

#include <fmt/format.h>

#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"
#include "sys/files.hpp"

namespace claviger::sys {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
namespace fs = std::filesystem;

constexpr const char* kElsewhere = "or set CLAVIGER_HOME to a directory of your own";

// Trailing slashes would make lstat follow a symlink.
fs::path without_trailing_slash(const fs::path& path) {
    fs::path clean = path.lexically_normal();
    if (!clean.has_filename() && clean.has_relative_path()) clean = clean.parent_path();
    return clean;
}

// Somebody who may rename the directory away owns what is in it; a sticky bit (as on /tmp) forbids that.
Result<void> check_parents(const fs::path& directory) {
    for (fs::path at = directory.parent_path(); !at.empty(); at = at.parent_path()) {
        struct stat info {};
        if (::stat(at.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0) {
            return fail(ErrorCode::denied,
                        fmt::format("{} lies in {}, which everybody may change", directory.native(), at.native()),
                        fmt::format("run: chmod o-w {}, {}", at.native(), kElsewhere));
        }
        if (at == at.parent_path()) break;
    }
    return {};
}

Result<void> make_missing(const fs::path& directory) {
    std::vector<fs::path> missing;
    struct stat info {};
    for (fs::path at = directory; !at.empty() && ::lstat(at.c_str(), &info) != 0; at = at.parent_path()) {
        if (errno != ENOENT) return fail(errno_error(errno, "cannot examine", at.native()));
        missing.push_back(at);
        if (at == at.parent_path()) break;
    }
    for (auto next = missing.rbegin(); next != missing.rend(); ++next) {
        if (::mkdir(next->c_str(), 0700) != 0 && errno != EEXIST) {
            return fail(errno_error(errno, "cannot create directory", next->native()));
        }
        TRY_VOID(sync_directory(next->has_parent_path() ? next->parent_path() : fs::path(".")));
    }
    return {};
}

}  // namespace

Result<void> check_private_directory(const fs::path& path) {
    const fs::path directory = without_trailing_slash(path);
    struct stat info {};
    if (::lstat(directory.c_str(), &info) != 0) return fail(errno_error(errno, "cannot examine", directory.native()));
    const auto& name = directory.native();
    if (S_ISLNK(info.st_mode)) {
        return fail(ErrorCode::denied, fmt::format("{} is a symbolic link", name),
                    "set CLAVIGER_HOME to the directory itself");
    }
    if (!S_ISDIR(info.st_mode)) {
        return fail(ErrorCode::denied, fmt::format("{} is not a directory", name), fmt::format("move it away, {}", kElsewhere));
    }
    if (info.st_uid != ::geteuid()) {
        return fail(ErrorCode::denied, fmt::format("{} belongs to another user", name),
                    fmt::format("change its owner, {}", kElsewhere));
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fail(ErrorCode::denied, fmt::format("other users may write to {}", name),
                    fmt::format("run: chmod 700 {}, {}", name, kElsewhere));
    }
    return {};
}

Result<void> ensure_private_directory(const fs::path& path) {
    const fs::path directory = without_trailing_slash(path);
    TRY_VOID(make_missing(directory));
    TRY_VOID(check_private_directory(directory));
    return check_parents(fs::absolute(directory));
}

Result<fs::path> claviger_home() {
    const auto from = [](const char* name) -> fs::path {
        const char* value = std::getenv(name);
        return value != nullptr ? fs::path(value) : fs::path();
    };
    if (const fs::path own = from("CLAVIGER_HOME"); !own.empty()) return without_trailing_slash(fs::absolute(own));
    // The XDG rule: a relative path is to be ignored.
    if (const fs::path data = from("XDG_DATA_HOME"); data.is_absolute()) return without_trailing_slash(data / "claviger");
    if (const fs::path home = from("HOME"); home.is_absolute()) return without_trailing_slash(home / ".claviger");
    std::vector<char> buffer(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr ||
        found->pw_dir == nullptr || found->pw_dir[0] != '/') {
        return fail(ErrorCode::not_found, "this user has no home directory", "set CLAVIGER_HOME to a directory of your own");
    }
    return fs::path(found->pw_dir) / ".claviger";
}

std::optional<std::string_view> network_file_system_name(std::uint64_t magic) {
    struct Kind {
        std::uint64_t magic;
        std::string_view name;
    };
    // Numbers from linux/magic.h and statfs(2). FUSE is not here: most of it is local.
    static constexpr std::array kKinds = {
        Kind{0x6969, "nfs"},       Kind{0x517B, "smb"},   Kind{0xFF534D42, "cifs"}, Kind{0xFE534D42, "smb2"},
        Kind{0x01021997, "9p"},    Kind{0x564C, "ncp"},   Kind{0x5346414F, "afs"},  Kind{0x6B414653, "afs"},
        Kind{0x73757245, "coda"},  Kind{0x00C36400, "ceph"}, Kind{0x0BD00BD0, "lustre"}, Kind{0x7461636F, "ocfs2"},
        Kind{0x47504653, "gpfs"},  Kind{0xAAD7AAEA, "panfs"}, Kind{0x01161970, "gfs2"},
    };
    for (const auto& kind : kKinds) {
        if (kind.magic == magic) return kind.name;
    }
    return std::nullopt;
}

Result<std::optional<std::string>> network_file_system(const fs::path& path) {
    struct statfs info {};
    if (::statfs(path.c_str(), &info) != 0) return fail(errno_error(errno, "cannot examine", path.native()));
    const auto name = network_file_system_name(static_cast<std::uint32_t>(info.f_type));
    if (!name) return std::optional<std::string>();
    return std::optional<std::string>(*name);
}

}  // namespace claviger::sys
