#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"
#include "sys/files.hpp"

namespace claviger::sys {

using base::ErrorCode;
using base::fail;
using base::Result;

Result<FileLock> FileLock::acquire(const std::filesystem::path& path, std::chrono::milliseconds wait, Kind kind) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) return fail(errno_error(errno, "cannot open lock", path.native()));
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

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

FileLock::~FileLock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace claviger::sys
