#include "sys/append_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "sys/errno_error.hpp"

namespace claviger::sys {

using base::fail;
using base::Result;

namespace {

struct flock whole_file() {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return whole;
}

}  // namespace

Result<AppendFile> AppendFile::create(const std::filesystem::path& path) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) return fail(errno_error(errno, "cannot create", path.native()));
    auto lock = whole_file();
    if (::fcntl(file.get(), F_OFD_SETLK, &lock) != 0) return fail(errno_error(errno, "cannot lock", path.native()));
    return AppendFile(std::move(file), path);
}

Result<void> AppendFile::append(std::string_view bytes) {
    if (torn_ && ::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) return fail(errno_error(errno, "cannot mend", path_.native()));
    torn_ = false;
    auto written = write_all(file_.get(), bytes, path_.native());
    if (written) size_ += bytes.size();
    else torn_ = ::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0;
    return written;
}

Result<void> AppendFile::sync() {
    if (::fsync(file_.get()) != 0) return fail(errno_error(errno, "cannot sync", path_.native()));
    return {};
}

bool AppendFile::is_held(const std::filesystem::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    auto lock = whole_file();
    return file.valid() && ::fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace claviger::sys
