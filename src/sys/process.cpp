#include "sys/process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/text.hpp"
#include "sys/descriptor.hpp"
#include "sys/errno_error.hpp"
#include "sys/spawn.hpp"

extern char** environ;  // NOLINT: POSIX has no other name for it

namespace claviger::sys {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// What the child needs, made ready before fork: afterwards only async-signal-safe calls are allowed, as another
// thread may have held the allocator's lock.
struct Prepared {
    std::vector<std::string> candidates;    // paths to try, in order
    std::vector<std::string> entries;       // "NAME=value"
    std::vector<const char*> argv, envp;    // null-terminated
    std::vector<const char*> shell_argv;    // /bin/sh, <path>, arguments: for a script without "#!"
};

std::vector<std::string> candidates_for(const std::string& program, const std::map<std::string, std::string>& environment) {
    if (program.find('/') != std::string::npos) return {program};
    const auto path = environment.find("PATH");
    std::vector<std::string> found;
    for (const auto& directory : base::split(path == environment.end() ? "/usr/local/bin:/usr/bin:/bin" : path->second, ':')) {
        found.push_back((directory.empty() ? "." : directory) + "/" + program);
    }
    return found;
}

Prepared prepare(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment) {
    Prepared prepared;
    prepared.candidates = candidates_for(argv.front(), environment);
    for (const auto& [name, value] : environment) prepared.entries.push_back(name + "=" + value);
    for (const auto& entry : prepared.entries) prepared.envp.push_back(entry.c_str());
    prepared.envp.push_back(nullptr);
    for (const auto& argument : argv) prepared.argv.push_back(argument.c_str());
    prepared.argv.push_back(nullptr);
    prepared.shell_argv = {"/bin/sh", nullptr};
    prepared.shell_argv.insert(prepared.shell_argv.end(), prepared.argv.begin() + 1, prepared.argv.end());
    return prepared;
}

void reset_signals() {
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction current {};
        if (::sigaction(number, nullptr, &current) != 0) continue;
        if (number == SIGHUP && current.sa_handler == SIG_IGN) continue;  // nohup stays in force
        current.sa_handler = SIG_DFL;
        current.sa_flags = 0;
        ::sigaction(number, &current, nullptr);
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void silence() {
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) ::dup2(nowhere, fd);
    if (nowhere > 2) ::close(nowhere);
}

// In the child. Gives errno when nothing could be executed.
int execute(Prepared& prepared) {
    int failure = ENOENT;
    auto* const argv = const_cast<char* const*>(prepared.argv.data());
    auto* const envp = const_cast<char* const*>(prepared.envp.data());
    for (const auto& candidate : prepared.candidates) {
        ::execve(candidate.c_str(), argv, envp);
        if (errno == ENOEXEC) {
            prepared.shell_argv[1] = candidate.c_str();
            ::execve("/bin/sh", const_cast<char* const*>(prepared.shell_argv.data()), envp);
        }
        // A file that is there but may not be run says more than one that is absent elsewhere.
        if (errno != ENOENT && errno != ENOTDIR) failure = errno;
    }
    return failure;
}

[[noreturn]] void run_child(Prepared& prepared, Manner manner, int report) {
    if (manner == Manner::detached) {
        ::setsid();
        // The middle one goes at once, so that the opener becomes nobody's zombie.
        if (::fork() != 0) ::_exit(0);
        silence();
    }
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    reset_signals();
    const int failure = execute(prepared);
    [[maybe_unused]] const auto written = ::write(report, &failure, sizeof failure);
    ::_exit(failure == ENOENT ? 127 : 126);
}

// Blocks everything between fork and exec: a handler of ours must not run in the child.
class AllSignalsBlocked {
public:
    AllSignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    AllSignalsBlocked(const AllSignalsBlocked&) = delete;
    AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
    ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace

base::Error exec_error(int failure, const std::string& program) {
    const auto name = base::printable(program);
    if (failure == ENOENT) {
        return base::Error::make(ErrorCode::not_found, fmt::format("there is no program {}", name), "check the name and PATH");
    }
    return base::Error::make(ErrorCode::denied, errno_error(failure, "cannot run", program).message);
}

int become(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment) {
    Prepared prepared = prepare(argv, environment);
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    reset_signals();
    return execute(prepared);
}

const rlimit& core_limit_at_start() {
    static const rlimit limit = [] {
        rlimit core{};
        ::getrlimit(RLIMIT_CORE, &core);
        return core;
    }();
    return limit;
}

void harden_this_process() {
    // The soft limit only: what is started from here may raise its own again, until forbid_core_files().
    const rlimit core{0, core_limit_at_start().rlim_max};
    ::setrlimit(RLIMIT_CORE, &core);
#ifndef CLAVIGER_SANITIZED  // the leak checker attaches to the process
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void forbid_core_files() {
    core_limit_at_start();
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

std::map<std::string, std::string> environment() {
    std::map<std::string, std::string> variables;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto equals = text.find('=', 1);  // a name may begin with '='
        if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

Result<Child> spawn(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment, Manner manner) {
    if (argv.empty() || argv.front().empty()) return fail(ErrorCode::usage, "there is no program to run");
    Prepared prepared = prepare(argv, environment);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error(errno, "cannot start", argv.front()));
    const Descriptor reading(ends[0]);
    Descriptor report(ends[1]);

    pid_t pid = -1;
    {
        const AllSignalsBlocked blocked;
        pid = ::fork();
        if (pid == 0) run_child(prepared, manner, report.get());
    }
    if (pid < 0) return fail(errno_error(errno, "cannot start", argv.front()));
    report = Descriptor();  // the child's end closes when it has become the program
    int failure = 0;
    ssize_t got = 0;
    do {
        got = ::read(reading.get(), &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    const bool failed = got == static_cast<ssize_t>(sizeof failure);
    if (manner == Manner::detached || failed) {
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    if (failed) return fail(exec_error(failure, argv.front()));
    return Child{pid};
}

Result<Child> start_child(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment) {
    return spawn(argv, environment, Manner::attached);
}

Result<std::optional<ChildExit>> poll_child(const Child& child) {
    int status = 0;
    pid_t reaped = 0;
    do {
        reaped = ::waitpid(child.pid, &status, WNOHANG);
    } while (reaped < 0 && errno == EINTR);
    if (reaped < 0) return fail(errno_error(errno, "cannot wait for process", std::to_string(child.pid)));
    if (reaped == 0) return std::optional<ChildExit>();
    if (WIFSIGNALED(status)) return std::optional(ChildExit{128 + WTERMSIG(status), WTERMSIG(status)});
    return std::optional(ChildExit{WEXITSTATUS(status), 0});
}

}  // namespace claviger::sys
