#include "app/isolation.hpp"

#include <algorithm>
#include <cerrno>
#include <map>

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "sys/files.hpp"
#include "sys/process.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;
using Environment = std::map<std::string, std::string>;

bool contains(const fs::path& directory, const fs::path& path) {
    return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

std::string value_of(const Environment& environment, const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

// Where claviger_home() would look with another environment.
std::vector<fs::path> usual_homes(const Environment& environment) {
    std::vector<fs::path> homes;
    if (const fs::path data = value_of(environment, "XDG_DATA_HOME"); data.is_absolute()) homes.push_back(data / "claviger");
    if (const fs::path home = value_of(environment, "HOME"); home.is_absolute()) homes.push_back(home / ".claviger");
    std::vector<char> buffer(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr && found->pw_dir[0] == '/') {
        homes.push_back(fs::path(found->pw_dir) / ".claviger");
        homes.push_back(fs::path(found->pw_dir) / ".local/share/claviger");
    }
    return homes;
}

Result<void> refuse_other_names(const fs::path& home) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(home, error)) {
        struct stat info {};
        if (::lstat(entry.path().c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink < 2) continue;
        return base::fail(ErrorCode::no_isolation, "cannot isolate the program: " + entry.path().string() + " has a second name (a hard link) elsewhere",
                          "find it with: find / -xdev -samefile " + entry.path().string() + "; delete it, or use --no-sandbox");
    }
    return {};
}

// The file that exec would take, "" when there is none: exec says that better.
fs::path program_file(const std::string& name, const Environment& environment) {
    std::error_code error;
    if (name.find('/') != std::string::npos) return fs::canonical(name, error);
    for (const auto& directory : base::split(value_of(environment, "PATH"), ':')) {
        const fs::path candidate = fs::path(directory.empty() ? "." : directory) / name;
        if (::access(candidate.c_str(), X_OK) == 0) return fs::canonical(candidate, error);
    }
    return {};
}

Result<void> refuse_inside(const fs::path& path, const std::vector<fs::path>& hidden, const std::string& what, const std::string& hint) {
    for (const auto& directory : hidden) {
        if (path.empty() || !contains(directory, path)) continue;
        return base::fail(ErrorCode::denied, what + " " + base::printable(path.string()) + " lies in " + directory.string() + ", which is hidden from programs", hint);
    }
    return {};
}

}  // namespace

Result<sys::SandboxPlan> plan_isolation(const fs::path& home, WantedIsolation wanted, const std::vector<std::string>& command) {
    sys::SandboxPlan plan;
    plan.choice = wanted.choice;
    plan.own_network = wanted.own_network;
    if (plan.choice == sys::SandboxChoice::none) return plan;
    const auto environment = sys::environment();
    std::error_code error;
    TRY_VOID(sys::ensure_private_directory(home));
    auto homes = usual_homes(environment);
    homes.insert(homes.begin(), home);
    for (const auto& one : homes) {
        const fs::path real = fs::canonical(one, error);
        if (error || !fs::is_directory(real, error)) continue;
        if (std::find(plan.hidden.begin(), plan.hidden.end(), real) != plan.hidden.end()) continue;
        TRY_VOID(refuse_other_names(real));
        plan.hidden.push_back(real);
    }
    const fs::path here = fs::canonical(".", error);
    TRY_VOID(refuse_inside(here, plan.hidden, "the working directory", "change to another directory"));
    if (!command.empty()) {
        TRY_VOID(refuse_inside(program_file(command.front(), environment), plan.hidden, "the program", "move it to another directory"));
    }
    TRY_VOID(refuse_inside(fs::canonical(fs::temp_directory_path(error), error), plan.hidden, "the directory for temporary files", "set TMPDIR to another directory"));
    plan.control = sys::find_control_points(environment, ::geteuid(), here);
    if (plan.own_network) sys::add_name_services(plan.control);
    return plan;
}

std::string describe(const sys::SandboxReport& report) {
    if (report.isolation == sys::Isolation::none) {
        return "L0: no sandbox; the program has no credential of its own, but can read what you can, the vault's key file among it, "
               "and call claviger as you";
    }
    return std::string("L1: the program cannot reach the vault, the broker or your other processes") +
           (report.own_network ? ", nor any network but through the session's proxy" : "") + " (" +
           (report.isolation == sys::Isolation::namespaces ? "namespaces, " : "") + "Landlock ABI " + std::to_string(report.landlock_abi) + ", seccomp)";
}

Result<void> check_reachable(const fs::path& home) {
    const auto hidden = base::fail(ErrorCode::denied, "the vault is hidden inside a claviger run session", "run it in a terminal of your own");
    if (sys::is_covered(home)) return hidden;
    // With Landlock alone names can be seen, but our own files not be opened.
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(home, error)) {
        struct stat info {};
        if (::lstat(entry.path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
        const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd >= 0) ::close(fd);
        else if (errno == EACCES && info.st_uid == ::geteuid() && (info.st_mode & S_IRUSR) != 0) return hidden;
        break;
    }
    return {};
}

}  // namespace claviger::app
