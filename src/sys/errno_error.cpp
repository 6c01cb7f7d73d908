#include "sys/errno_error.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::sys {

base::ErrorCode code_of_errno(int error_number) {
    using base::ErrorCode;
    switch (error_number) {
        case ENOENT:
        case ENOTDIR: return ErrorCode::not_found;
        case EEXIST: return ErrorCode::already_exists;
        case EACCES:
        case EPERM:
        case ELOOP: return ErrorCode::denied;
        case ENOMEM:
        case EMFILE:
        case ENFILE:
        case EFBIG: return ErrorCode::limit;
        case EAGAIN:
        case EBUSY: return ErrorCode::busy;
        default: return ErrorCode::storage;
    }
}

base::Error errno_error(int error_number, std::string_view what, std::string_view subject) {
    std::string hint;
    switch (error_number) {
        case ENOSPC:
        case EDQUOT: hint = "free some space on that disk and try again; nothing was changed"; break;
        case EROFS: hint = "the file system is read-only; mount it writable or set CLAVIGER_HOME elsewhere"; break;
        case EIO: hint = "the disk reported an error; check the system log before trying again"; break;
        case EACCES:
        case EPERM: hint = "check the owner and the permissions"; break;
        case ELOOP: hint = "replace the symbolic link by what it points to"; break;
        default: break;
    }
    // strerrordesc_np is thread-safe and never localised.
    const char* reason = strerrordesc_np(error_number);
    return base::Error::make(code_of_errno(error_number),
                             fmt::format("{} {}: {}", what, base::printable(subject, 400),
                                         base::to_lower(reason != nullptr ? reason : "unknown error")),
                             std::move(hint));
}

}  // namespace claviger::sys
