#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"
#include "sys/files.hpp"

namespace claviger::sys {

using base::fail;
using base::Result;

Result<ReservedFile> ReservedFile::create(const std::filesystem::path& path, std::size_t room) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return fail(errno_error(errno, "cannot create", path.native()));
    ReservedFile file(fd, path);
    int failure = 0;
    do {
        failure = ::posix_fallocate(fd, 0, static_cast<off_t>(room));
    } while (failure == EINTR);
    if (failure == 0 && ::fsync(fd) != 0) failure = errno;
    if (failure == 0) {
        auto named = sync_directory(path.parent_path());
        if (named) return file;
        file.remove();
        return fail(std::move(named).error());
    }
    file.remove();
    return fail(errno_error(failure, "cannot set room aside in", path.native()));
}

Result<void> ReservedFile::write(std::string_view bytes) {
    off_t at = 0;
    while (!bytes.empty()) {
        const auto written = ::pwrite(fd_, bytes.data(), bytes.size(), at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail(errno_error(errno, "cannot write", path_.native()));
        at += written;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fdatasync(fd_) != 0) return fail(errno_error(errno, "cannot sync", path_.native()));
    return {};
}

void ReservedFile::remove() {
    if (fd_ < 0) return;
    ::unlink(path_.c_str());
    ::close(std::exchange(fd_, -1));
}

ReservedFile::ReservedFile(ReservedFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

ReservedFile& ReservedFile::operator=(ReservedFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
}

ReservedFile::~ReservedFile() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace claviger::sys
