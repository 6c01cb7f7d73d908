#include "sys/sandbox_seccomp.hpp"

#include <cerrno>
#include <memory>

#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "sys/errno_error.hpp"

namespace claviger::sys {
namespace {

using base::Result;

constexpr int kRefused[] = {
    // other processes' memory, descriptors and pointers
    SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise), SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd), SCMP_SYS(perf_event_open),
    // keys that the kernel keeps for the whole login
    SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
    // the kernel as an accomplice; io_uring does what it is asked without passing here
    SCMP_SYS(bpf), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
    SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
    // mounts: Landlock refuses most, but a copy of a mount without its covers needs only a descriptor
    SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(mount_setattr), SCMP_SYS(setns),
    // a file without its path
    SCMP_SYS(open_by_handle_at),
};
constexpr int kOpenTreeAttributes = 467;  // newer than libseccomp; the same number everywhere

// The kernel looks at 32 bits of these arguments; what stands in the others must not change the verdict.
scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) { return {argument, SCMP_CMP_MASKED_EQ, mask, value}; }
scmp_arg_cmp equals(unsigned argument, std::uint64_t value) { return masked(argument, 0xffffffffU, value); }
// All 64 bits: together `exactly` for small numbers and `above` for the rest leave no number out.
scmp_arg_cmp exactly(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp above(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_GT, value, 0}; }

struct Release {
    void operator()(void* context) const { ::seccomp_release(context); }
};

class Filter {
public:
    explicit Filter(scmp_filter_ctx context) : context_(context) {}
    template <class... Comparisons>
    void refuse(int error_number, int call, Comparisons... comparisons) {
        const int result = ::seccomp_rule_add(context_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(error_number)), call,
                                              static_cast<unsigned>(sizeof...(comparisons)), comparisons...);
        if (result < 0 && failure_ == 0) failure_ = -result;
    }
    void attribute(scmp_filter_attr name, std::uint32_t value) {
        const int result = ::seccomp_attr_set(context_.get(), name, value);
        if (result < 0 && failure_ == 0) failure_ = -result;
    }
    [[nodiscard]] int load() {
        if (context_ == nullptr) return ENOMEM;
        if (failure_ == 0) failure_ = -::seccomp_load(context_.get());
        return failure_;
    }

private:
    std::unique_ptr<void, Release> context_;
    int failure_ = 0;
};

void usual_families(Filter& filter) {
    for (std::uint64_t family = 0; family <= AF_NETLINK; ++family) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
        filter.refuse(EACCES, SCMP_SYS(socket), exactly(0, family));
    }
    filter.refuse(EACCES, SCMP_SYS(socket), above(0, AF_NETLINK));
}

// Everything but TCP, and TCP's data that comes before its connection: that one no Landlock rule sees.
void only_tcp(Filter& filter) {
    constexpr std::uint64_t kTcp = 6, kKindMask = 0xf, kFastOpen = 0x20000000;
    for (const std::uint64_t family : {std::uint64_t{AF_INET}, std::uint64_t{AF_INET6}}) {
        for (std::uint64_t kind = 0; kind <= kKindMask; ++kind) {
            if (kind != SOCK_STREAM) filter.refuse(EACCES, SCMP_SYS(socket), exactly(0, family), masked(1, kKindMask, kind));
        }
        for (std::uint64_t protocol = 1; protocol < kTcp; ++protocol) {
            filter.refuse(EACCES, SCMP_SYS(socket), exactly(0, family), exactly(2, protocol));
        }
        filter.refuse(EACCES, SCMP_SYS(socket), exactly(0, family), above(2, kTcp));
    }
    filter.refuse(EACCES, SCMP_SYS(sendto), masked(3, kFastOpen, kFastOpen));
    filter.refuse(EACCES, SCMP_SYS(sendmsg), masked(2, kFastOpen, kFastOpen));
    filter.refuse(EACCES, SCMP_SYS(sendmmsg), masked(3, kFastOpen, kFastOpen));
}

}  // namespace

Result<void> enter_seccomp(const SeccompRules& rules) {
    Filter filter(::seccomp_init(SCMP_ACT_ALLOW));
    // A program of another architecture has other numbers for the same calls: a clean end is better than odd errors.
    filter.attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (const int call : kRefused) filter.refuse(EPERM, call);
    filter.refuse(EPERM, kOpenTreeAttributes);
    // Limits of another process: none of its files may grow, or none be opened. Only the caller's own (pid 0) can be set.
    filter.refuse(EPERM, SCMP_SYS(prlimit64), scmp_arg_cmp{0, SCMP_CMP_NE, 0, 0}, scmp_arg_cmp{2, SCMP_CMP_NE, 0, 0});
    // Typing into the terminal for the shell that comes after.
    filter.refuse(EPERM, SCMP_SYS(ioctl), equals(1, TIOCSTI));
    filter.refuse(EPERM, SCMP_SYS(ioctl), equals(1, TIOCLINUX));
    if (rules.no_unix_sockets) filter.refuse(EACCES, SCMP_SYS(socket), equals(0, AF_UNIX));
    if (rules.only_tcp || rules.usual_families) usual_families(filter);
    if (rules.only_tcp) only_tcp(filter);
    if (const int failure = filter.load(); failure != 0) return base::fail(errno_error(failure, "cannot load", "the seccomp filter"));
    return {};
}

}  // namespace claviger::sys
