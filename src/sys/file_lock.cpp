#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"
#include "sys/files.hpp"

namespace claviger::sys {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

Result<Descriptor> open_lock_file(const std::filesystem::path& path) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) return fail(errno_error(errno, "cannot open lock", path.native()));
    return file;
}

// Whether the name still leads to the file that is open.
bool still_there(int fd, const std::filesystem::path& path) {
    struct stat opened {}, named {};
    return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::filesystem::path& path, std::chrono::milliseconds wait, Kind kind) {
    TRY(file, open_lock_file(path));
    const auto deadline = std::chrono::steady_clock::now() + wait;
    // OFD locks have no timed wait; polling with a growing pause does.
    for (auto pause = std::chrono::milliseconds(1);; pause = std::min(pause * 2, std::chrono::milliseconds(50))) {
        struct flock whole {};
        whole.l_type = kind == Kind::shared ? F_RDLCK : F_WRLCK;
        whole.l_whence = SEEK_SET;
        if (::fcntl(file.get(), F_OFD_SETLK, &whole) == 0) return FileLock(file.release());
        if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
            return fail(errno_error(errno, "cannot lock", path.native()));
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            return fail(ErrorCode::busy, fmt::format("{} is locked by another process", path.native()),
                        "wait until the other claviger command has finished");
        }
        std::this_thread::sleep_for(pause);
    }
}

Result<std::optional<FileLock>> FileLock::try_byte(const std::filesystem::path& path, std::uint64_t place) {
    for (;;) {
        TRY(file, open_lock_file(path));
        struct flock byte {};
        byte.l_type = F_WRLCK;
        byte.l_whence = SEEK_SET;
        byte.l_start = static_cast<off_t>(place & 0x7fffffffffffffffULL);
        byte.l_len = 1;
        if (::fcntl(file.get(), F_OFD_SETLK, &byte) != 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EACCES) return std::optional<FileLock>();
            return fail(errno_error(errno, "cannot lock", path.native()));
        }
        // Somebody may have taken the file away since it was opened: then this would lock nobody out.
        if (still_there(file.get(), path)) return std::optional<FileLock>(FileLock(file.release()));
    }
}

Result<std::string> birth_mark(const std::filesystem::path& path) {
    TRY(file, open_lock_file(path));
    struct statx info {};
    if (::statx(file.get(), "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &info) != 0)
        return fail(errno_error(errno, "cannot examine", path.native()));
    const bool born = (info.stx_mask & STATX_BTIME) != 0;
    return fmt::format("{}:{}.{}", info.stx_ino, born ? info.stx_btime.tv_sec : 0, born ? info.stx_btime.tv_nsec : 0);
}

std::string FileLock::file_identity() const {
    struct stat info {};
    if (fd_ < 0 || ::fstat(fd_, &info) != 0) return {};
    return fmt::format("{}:{}", info.st_dev, info.st_ino);
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

FileLock::~FileLock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace claviger::sys
