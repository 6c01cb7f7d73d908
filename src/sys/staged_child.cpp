#include "sys/staged_child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.hpp"
#include "base/text.hpp"
#include "sys/errno_error.hpp"
#include "sys/sandbox_landlock.hpp"
#include "sys/sandbox_mounts.hpp"
#include "sys/sandbox_seccomp.hpp"
#include "sys/spawn.hpp"

namespace claviger::sys {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// Both directions: a length, then texts that each end in NUL.
using Texts = std::vector<std::string>;

bool send_bytes(int fd, const char* bytes, std::size_t size) {
    while (size > 0) {
        const ssize_t sent = ::send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes += sent, size -= static_cast<std::size_t>(sent);
    }
    return true;
}

bool receive_bytes(int fd, char* bytes, std::size_t size) {
    while (size > 0) {
        const ssize_t got = ::recv(fd, bytes, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        bytes += got, size -= static_cast<std::size_t>(got);
    }
    return true;
}

bool send_texts(int fd, const Texts& texts) {
    base::WipedString frame;  // the environment holds the proxy's credential
    for (const auto& text : texts) frame.append(text).push_back('\0');
    const std::size_t size = frame.size();
    return send_bytes(fd, reinterpret_cast<const char*>(&size), sizeof size) && send_bytes(fd, frame.data(), size);
}

std::optional<Texts> receive_texts(int fd) {
    std::size_t size = 0;
    if (!receive_bytes(fd, reinterpret_cast<char*>(&size), sizeof size)) return std::nullopt;
    std::string frame(size, '\0');
    if (!receive_bytes(fd, frame.data(), size)) return std::nullopt;
    Texts texts;
    for (std::size_t at = 0; at < size;) {
        texts.emplace_back(frame.c_str() + at);
        at += texts.back().size() + 1;
    }
    return texts;
}

// What is said in answer to a command: nothing at all when the program runs.
constexpr std::string_view kReady = "ready", kNoIsolation = "no isolation", kNotExecuted = "not executed";

struct Orders {
    std::optional<std::uint16_t> only_port;
    Texts argv;
    std::map<std::string, std::string> environment;

    static Orders of(const Texts& texts) {
        Orders orders;
        std::uint16_t port = 0;
        std::size_t arguments = 0;
        std::from_chars(texts[0].data(), texts[0].data() + texts[0].size(), port);
        std::from_chars(texts[1].data(), texts[1].data() + texts[1].size(), arguments);
        if (port != 0) orders.only_port = port;
        const auto first = texts.begin() + 2, last = first + static_cast<std::ptrdiff_t>(arguments);
        orders.argv.assign(first, last);
        for (auto entry = last; entry != texts.end(); ++entry) {
            const auto equals = entry->find('=', 1);
            orders.environment.emplace(entry->substr(0, equals), entry->substr(equals + 1));
        }
        return orders;
    }
};

bool forbids_unix_sockets(const SandboxPlan& plan, Isolation isolation) {
    if (isolation == Isolation::landlock) return plan.control.any();
    return plan.control.abstract_bus && landlock_abi() < kLandlockAbiScopes;
}

Result<void> enter(const SandboxPlan& plan, Isolation isolation, const Orders& orders) {
    if (isolation == Isolation::none) return {};
    drop_kernel_capabilities();
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(errno_error(errno, "cannot set", "no_new_privs"));
    const bool network = orders.only_port && landlock_abi() >= kLandlockAbiNetwork;
    LandlockRules files;
    if (isolation == Isolation::landlock) {
        for (const auto& directory : plan.hidden) {
            TRY(names, names_by_mounts(directory));
            files.hidden.insert(files.hidden.end(), names.begin(), names.end());
        }
    }
    if (network) files.only_port = orders.only_port;
    TRY_VOID(enter_landlock(files));
    SeccompRules calls;
    calls.only_tcp = orders.only_port.has_value();
    calls.no_unix_sockets = forbids_unix_sockets(plan, isolation);
    return enter_seccomp(calls);
}

// A directory that was opened outside leads below what is mounted here: its ".." and its entries show no cover.
Result<void> refuse_open_directories() {
    for (const int fd : {0, 1, 2}) {
        struct stat info {};
        if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
            return fail(ErrorCode::denied, "descriptor " + std::to_string(fd) + " is an open directory, by which the program could reach what is hidden",
                        "redirect it to a file or to /dev/null");
        }
    }
    return {};
}

Result<void> prepare(const SandboxPlan& plan, Isolation isolation) {
    if (isolation != Isolation::namespaces) return {};
    TRY_VOID(enter_mount_namespace());
    return cover(plan);
}

// The life of the staged process.
[[noreturn]] void wait_and_become(const SandboxPlan& plan, Isolation isolation, int channel) {
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // nothing here is worth hiding yet, and an id map can be written so
    ::setrlimit(RLIMIT_CORE, &core_limit_at_start());
    ::close_range(3, static_cast<unsigned>(channel) - 1, 0);
    ::close_range(static_cast<unsigned>(channel) + 1, ~0U, 0);
    if (auto ready = prepare(plan, isolation); !ready) {
        send_texts(channel, {std::string(kNoIsolation), ready.error().describe()});
        ::_exit(1);
    }
    if (!send_texts(channel, {std::string(kReady)})) ::_exit(1);
    const auto texts = receive_texts(channel);
    if (!texts || texts->size() < 2) ::_exit(0);  // the session ended before there was one
    const Orders orders = Orders::of(*texts);
    if (auto entered = enter(plan, isolation, orders); !entered) {
        send_texts(channel, {std::string(kNoIsolation), entered.error().describe()});
        ::_exit(1);
    }
    if (orders.argv.empty()) {
        send_texts(channel, {std::string(kReady)});
        ::_exit(0);
    }
    const int failure = become(orders.argv, orders.environment);
    send_texts(channel, {std::string(kNotExecuted), std::to_string(failure)});
    ::_exit(127);
}

base::Error no_isolation(std::string why) {
    return base::Error::make(ErrorCode::no_isolation, "cannot isolate the program: " + std::move(why),
                             "'claviger doctor' says what is missing; --no-sandbox runs it all the same, able to read whatever you can");
}

std::string directories_above(const std::vector<std::filesystem::path>& hidden) {
    std::vector<std::string> all;
    for (const auto& directory : hidden) {
        for (auto at = directory.parent_path(); ; at = at.parent_path()) {
            if (std::find(all.begin(), all.end(), at.string()) == all.end()) all.insert(all.begin(), at.string());
            if (at == at.parent_path()) break;
        }
    }
    std::sort(all.begin(), all.end());
    return base::join(all, ", ");
}

SandboxReport report_of(const SandboxPlan& plan, Isolation isolation, const std::string& why_no_namespace) {
    SandboxReport report{isolation, landlock_abi(), {}};
    if (isolation == Isolation::none) return report;
    auto& limits = report.limits;
    if (isolation == Isolation::landlock) {
        if (!why_no_namespace.empty()) limits.push_back("no namespaces here: " + why_no_namespace);
        limits.push_back("the program cannot create, rename or delete anything directly in " + directories_above(plan.hidden));
    }
    if (forbids_unix_sockets(plan, isolation)) limits.emplace_back("the program cannot use Unix sockets, not those of agents and displays either");
    if (report.landlock_abi < kLandlockAbiRefer) limits.emplace_back("the program cannot move or link files from one directory to another (kernel before 5.19)");
    if (report.landlock_abi < kLandlockAbiScopes) limits.emplace_back("the program can send signals to your other processes (kernel before 6.12)");
    return report;
}

}  // namespace

Result<StagedChild> StagedChild::start(const SandboxPlan& plan, Isolation isolation) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail(errno_error(errno, "cannot make", "a socket pair"));
    StagedChild child;
    child.channel_ = Descriptor(ends[0]);
    Descriptor theirs(ends[1]);
    child.pid_ = ::fork();
    if (child.pid_ < 0) return fail(errno_error(errno, "cannot start", "a process"));
    if (child.pid_ == 0) wait_and_become(plan, isolation, theirs.get());
    { const Descriptor closed(theirs.release()); }  // so that its end is seen
    const auto answer = receive_texts(child.channel_.get());
    if (!answer || answer->empty()) return fail(ErrorCode::cancelled, "interrupted before the program was started");
    if (answer->front() != kReady) return fail(ErrorCode::no_isolation, answer->back());
    child.report_ = report_of(plan, isolation, {});
    return child;
}

Result<StagedChild> StagedChild::stage(const SandboxPlan& plan) {
    if (plan.choice != SandboxChoice::none && landlock_abi() == 0) {
        return fail(no_isolation("this kernel offers no Landlock (it needs 5.13 or newer, with landlock among its security modules)"));
    }
    if (plan.choice != SandboxChoice::none) TRY_VOID(refuse_open_directories());
    core_limit_at_start();
    const auto finish = [](Result<StagedChild> staged) -> Result<StagedChild> {
        if (staged) forbid_core_files();
        else if (staged.error().code == ErrorCode::no_isolation) return fail(no_isolation(staged.error().message));
        return staged;
    };
    if (plan.choice == SandboxChoice::none) return finish(start(plan, Isolation::none));
    if (plan.choice == SandboxChoice::landlock) return finish(start(plan, Isolation::landlock));
    auto staged = start(plan, Isolation::namespaces);
    const bool other_way = !staged && staged.error().code == ErrorCode::no_isolation && plan.choice == SandboxChoice::automatic;
    if (!other_way) return finish(std::move(staged));
    auto fallback = start(plan, Isolation::landlock);
    if (fallback) fallback->report_ = report_of(plan, Isolation::landlock, staged.error().message);
    return finish(std::move(fallback));
}

StagedChild::StagedChild(StagedChild&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), channel_(std::move(other.channel_)), report_(std::move(other.report_)) {}

StagedChild::~StagedChild() {
    if (pid_ <= 0) return;
    { const Descriptor closed(channel_.release()); }  // it ends by itself then
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Result<void> StagedChild::command(const Program& program) {
    Texts texts{program.only_port ? std::to_string(*program.only_port) : "0", std::to_string(program.argv.size())};
    texts.insert(texts.end(), program.argv.begin(), program.argv.end());
    for (const auto& [name, value] : program.environment) texts.push_back(name + "=" + value);
    const bool sent = send_texts(channel_.get(), texts);
    for (auto& text : texts) base::wipe(text.data(), text.size());
    if (!sent) return fail(ErrorCode::cancelled, "interrupted before the program was started");
    const auto answer = receive_texts(channel_.get());
    if (!answer || answer->front() == kReady) return {};
    if (answer->front() == kNoIsolation) return fail(no_isolation(answer->back()));
    int failure = 0;
    std::from_chars(answer->back().data(), answer->back().data() + answer->back().size(), failure);
    return fail(exec_error(failure, program.argv.front()));
}

Result<Child> StagedChild::launch(const Program& program) {
    if (program.argv.empty() || program.argv.front().empty()) return fail(ErrorCode::usage, "there is no program to run");
    TRY_VOID(command(program));
    return Child{std::exchange(pid_, -1)};
}

Result<void> StagedChild::rehearse() { return command({}); }

}  // namespace claviger::sys
