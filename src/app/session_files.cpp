#include "app/session_files.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <vector>

#include "sys/files.hpp"

namespace claviger::app {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = "claviger-run-";
constexpr std::size_t kMostBundleBytes = 16 * 1024 * 1024;

// Not $XDG_RUNTIME_DIR: the sandbox empties that.
fs::path base_directory() {
    std::error_code error;
    const fs::path temporary = fs::temp_directory_path(error);
    return error ? fs::path("/tmp") : temporary;
}

// "claviger-run-<pid>-XXXXXX" of a process that is gone, owned by us.
bool is_leftover(const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) return false;
    pid_t pid = 0;
    const auto digits = std::string_view(name).substr(kPrefix.size());
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
    if (parsed.ec != std::errc{} || pid <= 0) return false;
    struct stat info {};
    if (::lstat(entry.path().c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid()) return false;
    return ::kill(pid, 0) != 0 && errno == ESRCH;
}

void sweep(const fs::path& base) {
    std::error_code error;
    std::vector<fs::path> leftovers;
    for (const auto& entry : fs::directory_iterator(base, error)) {
        if (is_leftover(entry)) leftovers.push_back(entry.path());
    }
    for (const auto& path : leftovers) fs::remove_all(path, error);
}

// Not flushed to the disk: these files are worth nothing after a crash, and an fsync costs more than all of `run`.
base::Result<void> write_new(const fs::path& path, std::string_view bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0;
    while (good && !bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        good = written > 0;
        if (good) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    if (fd >= 0) ::close(fd);
    if (good) return {};
    return base::fail(base::ErrorCode::storage, "cannot write " + path.string(), "free some space there or set TMPDIR");
}

}  // namespace

std::string system_trust_bundle() {
    for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}) {
        if (auto text = sys::read_file(path, kMostBundleBytes)) return std::move(*text);
    }
    return {};
}

base::Result<SessionFiles> SessionFiles::create(const std::string& session_ca_pem, const std::string& extra_ca_pem) {
    const fs::path base = base_directory();
    sweep(base);
    std::string pattern = (base / (std::string(kPrefix) + std::to_string(::getpid()) + "-XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) {  // 0700, O_EXCL
        return base::fail(base::ErrorCode::storage, "cannot make a directory in " + base.string(),
                          "free some space there or set TMPDIR");
    }
    SessionFiles files{fs::path(pattern)};
    TRY_VOID(write_new(files.session_ca(), session_ca_pem));
    TRY_VOID(write_new(files.bundle(), system_trust_bundle() + "\n" + extra_ca_pem + "\n" + session_ca_pem));
    return files;
}

SessionFiles::SessionFiles(SessionFiles&& other) noexcept : directory_(std::move(other.directory_)) { other.directory_.clear(); }

SessionFiles::~SessionFiles() {
    if (directory_.empty()) return;
    std::error_code error;
    fs::remove_all(directory_, error);
}

}  // namespace claviger::app
