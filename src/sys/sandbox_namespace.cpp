// Entering a mount namespace, and the user namespace around it for those who may not mount; capabilities.
#include <cerrno>
#include <cstring>
#include <array>

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.hpp"
#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"
#include "sys/files.hpp"
#include "sys/sandbox_mounts.hpp"

namespace claviger::sys {
namespace {

using base::Result;

struct Capabilities {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};

    bool read() { return ::syscall(SYS_capget, &header, sets.data()) == 0; }
    void write() { ::syscall(SYS_capset, &header, sets.data()); }
    [[nodiscard]] bool has(int capability) const {
        return (sets[static_cast<std::size_t>(CAP_TO_INDEX(capability))].effective & CAP_TO_MASK(capability)) != 0;
    }
    void drop(int capability) {
        auto& set = sets[static_cast<std::size_t>(CAP_TO_INDEX(capability))];
        const auto mask = ~CAP_TO_MASK(capability);
        set.effective &= mask, set.permitted &= mask, set.inheritable &= mask;
    }
};

bool may(int capability) {
    Capabilities own;
    return own.read() && own.has(capability);
}

// One write(2), as the kernel wants it.
Result<void> write_proc(const std::string& path, const std::string& text) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.valid() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return {};
    return base::fail(errno_error(errno, "cannot write", path));
}

// "inside outside count" lines of the present namespace, as a map of each id to itself.
Result<std::string> identity_map(const std::string& path) {
    TRY(text, read_file(path, 1 << 20));
    std::string map;
    for (const auto& line : base::split(text, '\n')) {
        std::vector<std::string> words;
        for (auto& word : base::split(line, ' ')) {
            if (!word.empty()) words.push_back(std::move(word));
        }
        if (words.size() == 3) map += words[0] + " " + words[0] + " " + words[2] + "\n";
    }
    return map;
}

// Root without the right to mount: all ids stay as they are, or root would lose its power over other users' files.
// Only a process outside may write that, so one is left behind for it.
Result<void> enter_with_all_ids(int namespaces) {
    TRY(users, identity_map("/proc/self/uid_map"));
    TRY(groups, identity_map("/proc/self/gid_map"));
    const std::string us = "/proc/" + std::to_string(::getpid());
    std::array<int, 2> gate{};
    if (::pipe2(gate.data(), O_CLOEXEC) != 0) return base::fail(errno_error(errno, "cannot make", "a pipe"));
    const Descriptor reading(gate[0]);
    Descriptor writing(gate[1]);
    const pid_t helper = ::fork();
    if (helper < 0) return base::fail(errno_error(errno, "cannot start", "a process"));
    if (helper == 0) {
        writing = Descriptor();
        char go = 0;
        const bool entered = ::read(reading.get(), &go, 1) == 1;
        ::_exit(entered && write_proc(us + "/uid_map", users) && write_proc(us + "/gid_map", groups) ? 0 : 1);
    }
    const bool entered = ::unshare(CLONE_NEWUSER | namespaces) == 0;
    const int failure = errno;
    if (entered) [[maybe_unused]] const auto written = ::write(writing.get(), "g", 1);
    writing = Descriptor();
    int status = -1;
    while (::waitpid(helper, &status, 0) < 0 && errno == EINTR) {
    }
    if (!entered) return base::fail(errno_error(failure, "cannot make", "a user namespace"));
    if (status != 0) return base::fail(base::ErrorCode::denied, "cannot keep the user ids in a user namespace");
    return {};
}

Result<void> enter_with_own_ids(int namespaces) {
    const std::string user = std::to_string(::geteuid()), group = std::to_string(::getegid());
    if (::unshare(CLONE_NEWUSER | namespaces) != 0) return base::fail(errno_error(errno, "cannot make", "a user namespace"));
    TRY_VOID(write_proc("/proc/self/setgroups", "deny"));
    TRY_VOID(write_proc("/proc/self/uid_map", user + " " + user + " 1\n"));
    return write_proc("/proc/self/gid_map", group + " " + group + " 1\n");
}

}  // namespace

Result<void> enter_namespaces(bool network) {
    const int namespaces = CLONE_NEWNS | (network ? CLONE_NEWNET : 0);
    const bool may_configure = !network || (may(CAP_NET_ADMIN) && may(CAP_NET_BIND_SERVICE));
    if (may(CAP_SYS_ADMIN) && may_configure) {
        if (::unshare(namespaces) != 0) return base::fail(errno_error(errno, "cannot make", network ? "namespaces" : "a mount namespace"));
    } else if (::geteuid() == 0 && may(CAP_SETUID) && may(CAP_SETGID)) {
        TRY_VOID(enter_with_all_ids(namespaces));
    } else {
        TRY_VOID(enter_with_own_ids(namespaces));
    }
    // What is mounted outside later must not show here what is covered.
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) return {};
    return base::fail(errno_error(errno, "cannot make private", "the mounts"));
}

void drop_kernel_capabilities(bool own_network) {
    constexpr int kDropped[] = {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT, CAP_DAC_READ_SEARCH,
                                CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_PERFMON, CAP_BPF, CAP_CHECKPOINT_RESTORE};
    constexpr int kOfNetworks[] = {CAP_NET_ADMIN, CAP_NET_RAW};
    Capabilities own;
    if (!own.read()) return;
    const auto drop = [&own](int capability) {
        ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // needs CAP_SETPCAP; without, no_new_privs keeps exec from gaining
        own.drop(capability);
    };
    for (const int capability : kDropped) drop(capability);
    if (own_network) {
        for (const int capability : kOfNetworks) drop(capability);
    }
    own.write();
}

}  // namespace claviger::sys
