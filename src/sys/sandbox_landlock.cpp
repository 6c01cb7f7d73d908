#include "sys/sandbox_landlock.hpp"

#include <algorithm>
#include <cerrno>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"
#include "sys/sandbox.hpp"

namespace claviger::sys {
namespace {

using base::Result;
namespace fs = std::filesystem;

// The system's header is older than the kernels this runs on, so the ABI is written down here (linux/landlock.h).
struct RulesetAttributes {
    std::uint64_t files, network, scoped;
};
struct [[gnu::packed]] PathRule {
    std::uint64_t allowed;
    std::int32_t parent;
};
struct PortRule {
    std::uint64_t allowed, port;
};
constexpr std::uint64_t kExecute = 1U << 0, kWriteFile = 1U << 1, kReadFile = 1U << 2, kReadDirectory = 1U << 3;
constexpr std::uint64_t kFirstRights = (1U << 13) - 1;  // of ABI 1: those above, removing, making of each kind
constexpr std::uint64_t kRefer = 1U << 13, kTruncate = 1U << 14;
constexpr std::uint64_t kConnectTcp = 1U << 1;
constexpr std::uint64_t kScopeAbstractSockets = 1U << 0, kScopeSignals = 1U << 1;
constexpr unsigned kVersionFlag = 1, kRulePath = 1, kRulePort = 2;

long create_ruleset(const RulesetAttributes* attributes, std::size_t size, unsigned flags) {
    return ::syscall(SYS_landlock_create_ruleset, attributes, size, flags);
}

class Ruleset {
public:
    static Result<Ruleset> make(int abi, bool network) {
        RulesetAttributes attributes{};
        attributes.files = kFirstRights;
        if (abi >= kLandlockAbiRefer) attributes.files |= kRefer;
        if (abi >= kLandlockAbiTruncate) attributes.files |= kTruncate;
        if (network) attributes.network = kConnectTcp;
        if (abi >= kLandlockAbiScopes) attributes.scoped = kScopeAbstractSockets | kScopeSignals;
        const std::size_t size = abi >= kLandlockAbiScopes ? 24 : abi >= kLandlockAbiNetwork ? 16 : 8;
        const long fd = create_ruleset(&attributes, size, 0);
        if (fd < 0) return base::fail(errno_error(errno, "cannot make", "a Landlock ruleset"));
        return Ruleset(Descriptor(static_cast<int>(fd)), attributes.files);
    }
    [[nodiscard]] std::uint64_t rights() const { return rights_; }
    [[nodiscard]] int get() const { return fd_.get(); }

    Result<void> allow(const fs::path& path, std::uint64_t rights) const {
        const Descriptor at(::open(path.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW));
        struct stat info {};
        if (!at.valid() || ::fstat(at.get(), &info) != 0) return {};  // not even a name for us, so it needs no rule
        if (S_ISLNK(info.st_mode)) return {};                         // what it points to has a rule, or is hidden
        if (!S_ISDIR(info.st_mode)) rights &= kExecute | kWriteFile | kReadFile | kTruncate;
        const PathRule rule{rights & rights_, at.get()};
        if (::syscall(SYS_landlock_add_rule, fd_.get(), kRulePath, &rule, 0) == 0) return {};
        return base::fail(errno_error(errno, "Landlock cannot allow", path.native()));
    }

private:
    Ruleset(Descriptor fd, std::uint64_t rights) : fd_(std::move(fd)), rights_(rights) {}
    Descriptor fd_;
    std::uint64_t rights_;
};

bool is_below(const fs::path& path, const fs::path& directory) {
    const auto [mismatch, end] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
    return mismatch == directory.end() && end != path.end();
}

// Every entry of `directory` but those that are hidden; those on the way to one are entered instead.
Result<void> allow_siblings(const Ruleset& ruleset, const fs::path& directory, const std::vector<fs::path>& hidden) {
    const auto is_one_of = [](const std::vector<fs::path>& paths, const fs::path& path) { return std::find(paths.begin(), paths.end(), path) != paths.end(); };
    std::vector<fs::path> on_the_way;
    for (const auto& one : hidden) {
        if (!is_below(one, directory)) continue;
        fs::path next = directory / *one.lexically_relative(directory).begin();
        if (!is_one_of(hidden, next) && !is_one_of(on_the_way, next)) on_the_way.push_back(std::move(next));
    }
    std::error_code error;
    for (fs::directory_iterator entries(directory, error); !error && entries != fs::directory_iterator(); entries.increment(error)) {
        const fs::path& path = entries->path();
        if (!is_one_of(hidden, path) && !is_one_of(on_the_way, path)) TRY_VOID(ruleset.allow(path, ruleset.rights()));
    }
    // What may be entered but not listed gets no rules: the program loses what nobody can name.
    if (error && error != std::errc::permission_denied) return base::fail(errno_error(error.value(), "cannot list", directory.native()));
    for (const auto& path : on_the_way) TRY_VOID(allow_siblings(ruleset, path, hidden));
    return {};
}

}  // namespace

int landlock_abi() {
    const long version = create_ruleset(nullptr, 0, kVersionFlag);
    return version < 0 ? 0 : static_cast<int>(version);
}

Result<void> enter_landlock(const LandlockRules& rules) {
    TRY(ruleset, Ruleset::make(landlock_abi(), rules.only_port.has_value()));
    if (rules.hidden.empty()) {
        TRY_VOID(ruleset.allow("/", ruleset.rights()));
    } else {
        TRY_VOID(ruleset.allow("/", kReadDirectory));  // names may be listed; nothing hidden can be opened
        TRY_VOID(allow_siblings(ruleset, "/", rules.hidden));
    }
    if (rules.only_port) {
        const PortRule rule{kConnectTcp, *rules.only_port};
        if (::syscall(SYS_landlock_add_rule, ruleset.get(), kRulePort, &rule, 0) != 0) {
            return base::fail(errno_error(errno, "Landlock cannot allow", "the proxy's port"));
        }
    }
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0) return {};
    return base::fail(errno_error(errno, "cannot enter", "a Landlock domain"));
}

}  // namespace claviger::sys
