// Files: the only door to the file system, so that tests can lie to it. Everything private is created 0600 (files)
// and 0700 (directories) from the first moment, never create-then-chmod (CL-06). Thread rule: safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace claviger::sys {

// Whole file, at most `limit` bytes (ErrorCode::limit). not_found when absent. Follows no symlink at the last step
// when `no_follow`.
base::Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit, bool no_follow = false);
base::Result<base::Secret> read_secret_file(const std::filesystem::path& path, std::size_t limit);
// read_secret_file, but refuses (denied) a symlink, a foreign file and one that others may read or write.
base::Result<base::Secret> read_private_file(const std::filesystem::path& path, std::size_t limit);
// Everything up to end of file from an open descriptor, which stays open. One buffer in locked memory.
base::Result<base::Secret> read_secret_descriptor(int fd, std::size_t limit);

// Temp file in the same directory (O_EXCL, 0600), write, fsync, rename, fsync of the directory: afterwards the file
// is the old or the new one, whole, at any crash.
base::Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes);
// The same by link(2): fails with already_exists when another process was first (VA-05).
base::Result<void> create_file_exclusively(const std::filesystem::path& path, std::string_view bytes);
base::Result<void> remove_file_durably(const std::filesystem::path& path);
// fsync of a directory, so that a name made or removed in it is durable.
base::Result<void> sync_directory(const std::filesystem::path& directory);

// Makes missing parents and the directory 0700; refuses one that is a symlink, foreign, or group- or
// world-writable (CL-07). Error says what to do.
base::Result<void> ensure_private_directory(const std::filesystem::path& path);
base::Result<void> check_private_directory(const std::filesystem::path& path);

// $CLAVIGER_HOME, else $XDG_DATA_HOME/claviger, else ~/.claviger (from the password database when HOME is unset).
base::Result<std::filesystem::path> claviger_home();

// Name of the network file system `path` is on ("nfs", "smb", ...), whose locks cannot be relied on (ST-08);
// nullopt for a local one.
base::Result<std::optional<std::string>> network_file_system(const std::filesystem::path& path);
// The table behind it: the name for a statfs(2) magic number.
std::optional<std::string_view> network_file_system_name(std::uint64_t magic);

// write_file_atomically for content that comes in pieces. Nothing is visible before commit(); without one the
// temporary file is removed. Ownership: value; one writer.
class AtomicFile {
public:
    static base::Result<AtomicFile> create(const std::filesystem::path& path);
    AtomicFile(AtomicFile&& other) noexcept;
    AtomicFile& operator=(AtomicFile&&) = delete;
    ~AtomicFile();
    base::Result<void> append(std::string_view bytes);
    base::Result<void> commit();

private:
    AtomicFile(int fd, std::filesystem::path temporary, std::filesystem::path target);
    int fd_ = -1;
    std::filesystem::path temporary_, target_;
};

// An advisory lock (F_OFD) on a file, held while this lives: alone, or with others that share it. Blocks at most `wait`.
class FileLock {
public:
    enum class Kind { exclusive, shared };
    static base::Result<FileLock> acquire(const std::filesystem::path& path, std::chrono::milliseconds wait,
                                          Kind kind = Kind::exclusive);
    // One byte of the file, alone: many locks in one file, told apart by their place, which is below
    // 2^63. One try; nullopt when taken.
    static base::Result<std::optional<FileLock>> try_byte(const std::filesystem::path& path, std::uint64_t place);
    // Which file it is, whatever name it has now: "device:inode".
    [[nodiscard]] std::string file_identity() const;
    FileLock(FileLock&&) noexcept;
    FileLock& operator=(FileLock&&) noexcept;
    ~FileLock();

private:
    explicit FileLock(int fd) : fd_(fd) {}
    int fd_ = -1;
};

// What a file has from its making on and a copy of it has not: inode and time of birth. Made empty and private when absent.
base::Result<std::string> birth_mark(const std::filesystem::path& path);

// A file with room set aside on the disk, so that what must be written later finds its place also when the disk is full by
// then. Private; its name is durable once it exists. Ownership: value; the file stays when this goes.
class ReservedFile {
public:
    // Replaces one of that name. storage: there is no room.
    static base::Result<ReservedFile> create(const std::filesystem::path& path, std::size_t room);
    // From the beginning of the file; durable on success.
    base::Result<void> write(std::string_view bytes);
    // Without fsync: one that comes back after a crash is found and judged by its content.
    void remove();
    ReservedFile(ReservedFile&&) noexcept;
    ReservedFile& operator=(ReservedFile&&) noexcept;
    ~ReservedFile();

private:
    ReservedFile(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
    int fd_ = -1;
    std::filesystem::path path_;
};

}  // namespace claviger::sys
