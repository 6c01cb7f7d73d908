// Files: the only door to the file system, so that tests can lie to it. Everything private is created 0600 (files)
// and 0700 (directories) from the first moment, never create-then-chmod (CL-06). Thread rule: safe from any thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace claviger::sys {

// Whole file, at most `limit` bytes (ErrorCode::limit). not_found when absent. Follows no symlink at the last step
// when `no_follow`.
base::Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit, bool no_follow = false);
base::Result<base::Secret> read_secret_file(const std::filesystem::path& path, std::size_t limit);

// Temp file in the same directory (O_EXCL, 0600), write, fsync, rename, fsync of the directory: afterwards the file
// is the old or the new one, whole, at any crash.
base::Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes);
// The same by link(2): fails with already_exists when another process was first (VA-05).
base::Result<void> create_file_exclusively(const std::filesystem::path& path, std::string_view bytes);
base::Result<void> remove_file_durably(const std::filesystem::path& path);

// Makes missing parents and the directory 0700; refuses one that is a symlink, foreign, or group- or
// world-writable (CL-07). Error says what to do.
base::Result<void> ensure_private_directory(const std::filesystem::path& path);
base::Result<void> check_private_directory(const std::filesystem::path& path);

// $CLAVIGER_HOME, else $XDG_DATA_HOME/claviger, else ~/.claviger (from the password database when HOME is unset).
base::Result<std::filesystem::path> claviger_home();

// An exclusive advisory lock (F_OFD) on a file, held while this lives. Blocks at most `wait`.
class FileLock {
public:
    static base::Result<FileLock> acquire(const std::filesystem::path& path, std::chrono::milliseconds wait);
    FileLock(FileLock&&) noexcept;
    FileLock& operator=(FileLock&&) noexcept;
    ~FileLock();

private:
    explicit FileLock(int fd) : fd_(fd) {}
    int fd_ = -1;
};

}  // namespace claviger::sys
