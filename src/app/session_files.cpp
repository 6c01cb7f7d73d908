#include "app/session_files.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <set>
#include <vector>

#include "app/system_trust.hpp"
#include "base/text.hpp"
#include "crypto/java_trust_store.hpp"
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

// What wget reads first of all, and one line more: it knows no variable for whom to trust.
std::string wget_settings(const fs::path& bundle) {
    struct stat info {};
    const bool readable_by_all = ::stat("/etc/wgetrc", &info) == 0 && (info.st_mode & S_IROTH) != 0;
    const auto system = readable_by_all ? sys::read_file("/etc/wgetrc", kMostBundleBytes) : base::Result<std::string>("");
    return system.value_or("") + "\nca_certificate = " + bundle.string() + "\n";
}

std::string php_settings(const fs::path& bundle) {
    return "curl.cainfo = \"" + bundle.string() + "\"\nopenssl.cafile = \"" + bundle.string() + "\"\n";
}

// Keys and comments beside the certificates stay where they are.
std::string certificates_of(std::string_view text) {
    constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----", kEnd = "-----END CERTIFICATE-----";
    std::string found;
    for (auto begin = text.find(kBegin); begin != std::string_view::npos; begin = text.find(kBegin, begin)) {
        const auto end = text.find(kEnd, begin);
        if (end == std::string_view::npos) break;
        found.append(text.substr(begin, end + kEnd.size() - begin)).push_back('\n');
        begin = end;
    }
    return found;
}

}  // namespace

std::string users_authorities(const std::map<std::string, std::string>& environment) {
    std::set<std::string> files;
    for (const auto name : trust_variables()) {
        if (const auto found = environment.find(std::string(name)); found != environment.end()) files.insert(found->second);
    }
    const std::string system = certificates_of(system_trust_bundle());
    std::string all;
    for (const auto& file : files) {
        const auto text = sys::read_file(file, kMostBundleBytes);
        const std::string certificates = text ? certificates_of(*text) : "";
        if (certificates != system) all += certificates;
    }
    return all;
}

bool has_java(const std::map<std::string, std::string>& environment) {
    if (environment.contains("JAVA_HOME") || ::access("/usr/lib/jvm", F_OK) == 0) return true;
    const auto path = environment.find("PATH");
    if (path == environment.end()) return false;
    for (const fs::path directory : base::split(path->second, ':')) {
        if (::access((directory / "java").c_str(), X_OK) == 0) return true;
    }
    return false;
}

std::string system_trust_bundle() {
    for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}) {
        if (auto text = sys::read_file(path, kMostBundleBytes)) return std::move(*text);
    }
    return {};
}

TrustFiles SessionFiles::trust() const {
    return {directory_ / "ca-bundle.pem", directory_ / "additional.pem", directory_ / "wgetrc", directory_ / "php",
            java_ ? directory_ / "trust-store.p12" : fs::path()};
}

base::Result<SessionFiles> SessionFiles::create(const Authorities& authorities) {
    const fs::path base = base_directory();
    sweep(base);
    std::string pattern = (base / (std::string(kPrefix) + std::to_string(::getpid()) + "-XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) {  // 0700, O_EXCL
        return base::fail(base::ErrorCode::storage, "cannot make a directory in " + base.string(),
                          "free some space there or set TMPDIR");
    }
    SessionFiles files{fs::path(pattern)};
    files.kept_ = sys::Descriptor(::open(pattern.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (files.kept_.valid()) (void)::flock(files.kept_.get(), LOCK_SH);
    files.java_ = authorities.java;
    const TrustFiles at = files.trust();
    const std::string additional = authorities.session + "\n" + authorities.configured + "\n" + authorities.users;
    const std::string bundle = system_trust_bundle() + "\n" + additional;
    TRY_VOID(write_new(at.additional, additional));
    TRY_VOID(write_new(at.bundle, bundle));
    TRY_VOID(write_new(at.wgetrc, wget_settings(at.bundle)));
    TRY_VOID(sys::ensure_private_directory(at.php_directory));
    TRY_VOID(write_new(at.php_directory / "claviger.ini", php_settings(at.bundle)));
    if (authorities.java) {
        TRY(store, crypto::java_trust_store(bundle));
        TRY_VOID(write_new(at.java_store, store));
    }
    return files;
}

base::Result<std::vector<sys::ShownMount>> SessionFiles::for_own_network(bool trusted) const {
    std::vector<sys::ShownMount> mounts;
    if (trusted) {
        TRY(stores, make_system_trust(directory_ / "system", trust(), "/"));
        mounts = std::move(stores);
    }
    std::error_code error;
    const fs::path asked = fs::canonical("/etc/resolv.conf", error);
    if (error) return mounts;  // without one programs ask this machine, which is right
    // Without a search list: a name with something appended to it would have an address too, as every name has.
    const fs::path file = directory_ / "resolv.conf";
    TRY_VOID(write_new(file, "nameserver 127.0.0.1\noptions ndots:0\n"));
    fs::permissions(file, fs::perms::group_read | fs::perms::others_read, fs::perm_options::add, error);
    mounts.push_back({file, asked});
    return mounts;
}

SessionFiles::SessionFiles(SessionFiles&& other) noexcept : directory_(std::move(other.directory_)), kept_(std::move(other.kept_)), java_(other.java_) { other.directory_.clear(); }


SessionFiles::~SessionFiles() {
    if (directory_.empty()) return;
    std::error_code error;
    fs::remove_all(directory_, error);
}

}  // namespace claviger::app
