#include "sys/files.hpp"

#include <cerrno>
#include <cstring>
#include <span>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/random.hpp"
#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"

namespace claviger::sys {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
namespace fs = std::filesystem;

constexpr std::size_t kReadStep = 64 * 1024;

fs::path directory_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

Result<Descriptor> open_for_reading(const fs::path& path, bool no_follow) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | (no_follow ? O_NOFOLLOW : 0));
    if (fd < 0) return fail(errno_error(errno, "cannot open", path.native()));
    return Descriptor(fd);
}

// Calls take(bytes) for each piece; `buffer` is where the pieces lie, so that the caller chooses its memory.
template <class Take>
Result<void> read_pieces(int fd, std::span<char> buffer, std::string_view subject, Take take) {
    for (;;) {
        const auto got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(errno_error(errno, "cannot read", subject));
        if (got == 0) return {};
        TRY_VOID(take(std::string_view(buffer.data(), static_cast<std::size_t>(got))));
    }
}

base::Error too_large(std::string_view subject, std::size_t limit) {
    return base::Error::make(ErrorCode::limit, fmt::format("{} is larger than {} bytes", subject, limit));
}

Result<base::Secret> read_secret(int fd, std::size_t limit, std::string_view subject) {
    // One byte more than allowed, so that a longer file is seen; the size is known before secrets are in memory.
    struct stat info {};
    std::size_t room = limit + 1;
    if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 0) {
        room = std::min(room, static_cast<std::size_t>(info.st_size) + 1);
    }
    base::Secret buffer = base::Secret::zeroed(room);
    std::size_t size = 0;
    while (size < room) {
        const auto got = ::read(fd, buffer.writable().data() + size, room - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(errno_error(errno, "cannot read", subject));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > limit) return fail(too_large(subject, limit));
    return base::Secret(buffer.reveal().substr(0, size));
}

}  // namespace

Result<void> write_all(int fd, std::string_view bytes, std::string_view subject) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail(errno_error(errno, "cannot write", subject));
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::string> read_file(const fs::path& path, std::size_t limit, bool no_follow) {
    TRY(file, open_for_reading(path, no_follow));
    std::string content;
    std::string buffer(kReadStep, '\0');
    TRY_VOID(read_pieces(file.get(), buffer, path.native(), [&](std::string_view piece) -> Result<void> {
        if (piece.size() > limit - content.size()) return fail(too_large(path.native(), limit));
        content += piece;
        return {};
    }));
    return content;
}

Result<base::Secret> read_secret_file(const fs::path& path, std::size_t limit) {
    TRY(file, open_for_reading(path, false));
    return read_secret(file.get(), limit, path.native());
}

Result<base::Secret> read_secret_descriptor(int fd, std::size_t limit) {
    return read_secret(fd, limit, fmt::format("descriptor {}", fd));
}

Result<base::Secret> read_private_file(const fs::path& path, std::size_t limit) {
    TRY(file, open_for_reading(path, true));
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return fail(errno_error(errno, "cannot examine", path.native()));
    if (!S_ISREG(info.st_mode)) return fail(ErrorCode::denied, fmt::format("{} is not a regular file", path.native()));
    if (info.st_uid != ::geteuid()) {
        return fail(ErrorCode::denied, fmt::format("{} belongs to another user", path.native()),
                    "only a file of your own is trusted; check who put it there");
    }
    if ((info.st_mode & 077) != 0) {
        return fail(ErrorCode::denied, fmt::format("{} is open to other users", path.native()),
                    fmt::format("if nobody else can have read it, run: chmod 600 {}", path.native()));
    }
    return read_secret(file.get(), limit, path.native());
}

Result<void> sync_directory(const fs::path& directory) {
    const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.valid()) return fail(errno_error(errno, "cannot open directory", directory.native()));
    // EINVAL: a file system without directory fsync keeps names durable by itself or not at all.
    if (::fsync(opened.get()) != 0 && errno != EINVAL) {
        return fail(errno_error(errno, "cannot sync directory", directory.native()));
    }
    return {};
}

AtomicFile::AtomicFile(int fd, fs::path temporary, fs::path target)
    : fd_(fd), temporary_(std::move(temporary)), target_(std::move(target)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      temporary_(std::move(other.temporary_)),
      target_(std::move(other.target_)) {}

AtomicFile::~AtomicFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(temporary_.c_str());
}

Result<AtomicFile> AtomicFile::create(const fs::path& path) {
    base::SystemRandom random;
    const fs::path temporary =
        directory_of(path) / fmt::format(".{}.{}.tmp", path.filename().native(), random.token(9));
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return fail(errno_error(errno, "cannot create a file beside", path.native()));
    return AtomicFile(fd, temporary, path);
}

Result<void> AtomicFile::append(std::string_view bytes) { return write_all(fd_, bytes, target_.native()); }

Result<void> AtomicFile::commit() {
    if (::fsync(fd_) != 0) return fail(errno_error(errno, "cannot sync", target_.native()));
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
        return fail(errno_error(errno, "cannot replace", target_.native()));
    }
    ::close(std::exchange(fd_, -1));
    return sync_directory(directory_of(target_));
}

Result<void> write_file_atomically(const fs::path& path, std::string_view bytes) {
    TRY(file, AtomicFile::create(path));
    TRY_VOID(file.append(bytes));
    return file.commit();
}

namespace {

// Without a name until it is whole: a crash leaves nothing behind. Not every file system can (then EOPNOTSUPP).
Result<bool> create_unnamed_then_link(const fs::path& path, std::string_view bytes) {
    const Descriptor file(::open(directory_of(path).c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600));
    if (!file.valid()) {
        if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) return false;
        return fail(errno_error(errno, "cannot create", path.native()));
    }
    TRY_VOID(write_all(file.get(), bytes, path.native()));
    if (::fsync(file.get()) != 0) return fail(errno_error(errno, "cannot sync", path.native()));
    const std::string self = fmt::format("/proc/self/fd/{}", file.get());
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        if (errno == ENOENT || errno == EXDEV) return false;  // no /proc here
        return fail(errno_error(errno, "cannot create", path.native()));
    }
    return true;
}

Result<void> create_named_then_link(const fs::path& path, std::string_view bytes) {
    base::SystemRandom random;
    const fs::path temporary =
        directory_of(path) / fmt::format(".{}.{}.tmp", path.filename().native(), random.token(9));
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) return fail(errno_error(errno, "cannot create", path.native()));
    auto written = write_all(file.get(), bytes, path.native());
    if (written && ::fsync(file.get()) != 0) written = fail(errno_error(errno, "cannot sync", path.native()));
    if (written && ::link(temporary.c_str(), path.c_str()) != 0) {
        written = fail(errno_error(errno, "cannot create", path.native()));
    }
    ::unlink(temporary.c_str());
    return written;
}

}  // namespace

Result<void> create_file_exclusively(const fs::path& path, std::string_view bytes) {
    TRY(linked, create_unnamed_then_link(path, bytes));
    if (!linked) {
        TRY_VOID(create_named_then_link(path, bytes));
    }
    return sync_directory(directory_of(path));
}

Result<void> remove_file_durably(const fs::path& path) {
    if (::unlink(path.c_str()) != 0) return fail(errno_error(errno, "cannot remove", path.native()));
    return sync_directory(directory_of(path));
}

}  // namespace claviger::sys
