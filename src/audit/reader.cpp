#include "audit/reader.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/segments.hpp"
#include "sys/errno_error.hpp"

namespace claviger::audit {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kLongestLine = 64 * 1024;  // ours are shorter than 2 KiB

}  // namespace

Result<SegmentReader> SegmentReader::open(const std::filesystem::path& home, SegmentName name, const base::Secret& audit_key) {
    const auto path = path_of(home, name);
    sys::Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid()) return fail(sys::errno_error(errno, "cannot open", path.native()));
    struct stat info {};
    if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return fail(ErrorCode::corrupt, path.native() + " is not a regular file");
    return SegmentReader(std::move(file), std::move(name), audit_key);
}

Result<void> SegmentReader::read(const Take& take) {
    std::string piece(kPiece, '\0');
    while (!fault_) {
        const auto got = ::read(file_.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(sys::errno_error(errno, "cannot read", name_.text()));
        if (got == 0) return {};
        rest_.append(piece.data(), static_cast<std::size_t>(got));
        std::size_t at = 0;
        for (std::size_t end = 0; !fault_ && (end = rest_.find('\n', at)) != std::string::npos; at = end + 1) {
            line(std::string_view(rest_).substr(at, end - at), take);
        }
        rest_.erase(0, at);
        if (rest_.size() > kLongestLine) fault_ = "it is too long to be one";
    }
    return {};
}

void SegmentReader::line(std::string_view text, const Take& take) {
    const auto number = chain_.lines();  // the head is 0
    if (!chain_.accepts(text)) {
        fault_ = "it was changed, or lines before it are missing";
        return;
    }
    if (number == 0) {
        if (const auto head = read_head(text, name_); !head) fault_ = head.error().message;
        return;
    }
    auto entry = read_entry(text, number);
    if (entry) take(std::move(*entry), number);
    else fault_ = entry.error().message;
}

}  // namespace claviger::audit
