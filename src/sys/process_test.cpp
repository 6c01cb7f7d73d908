#include "sys/process.hpp"

#include <csignal>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "sys/files.hpp"
#include "sys/scratch_directory.hpp"

namespace claviger::sys {
namespace {

using base::ErrorCode;
using Environment = std::map<std::string, std::string>;

ChildExit wait_for(const Child& child) {
    for (;;) {
        const auto exit = poll_child(child).value();
        if (exit) return *exit;
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOWAIT);
    }
}

ChildExit run(const std::vector<std::string>& argv, const Environment& environment = {{"PATH", "/usr/bin:/bin"}}) {
    const auto child = start_child(argv, environment);
    EXPECT_TRUE(child) << child.error().message;
    return child ? wait_for(*child) : ChildExit{-1, -1};
}

// Runs a shell script and gives what it wrote.
std::string output_of(const std::string& script, Environment environment = {{"PATH", "/usr/bin:/bin"}}) {
    const ScratchDirectory scratch;
    const auto out = scratch / "out";
    EXPECT_EQ(run({"/bin/sh", "-c", "{ " + script + "; } > " + out.native()}, environment).exit_code, 0);
    return read_file(out, 1 << 20).value();
}

TEST(Process, exit_codes_and_signals_are_those_a_shell_reports) {
    EXPECT_EQ(run({"true"}).exit_code, 0);
    EXPECT_EQ(run({"sh", "-c", "exit 42"}).exit_code, 42);
    const auto killed = run({"sh", "-c", "kill -TERM $$"});
    EXPECT_EQ(killed.exit_code, 128 + SIGTERM);
    EXPECT_EQ(killed.signal, SIGTERM);
}

TEST(Process, poll_says_nothing_while_the_child_runs) {
    int gate[2];
    ASSERT_EQ(::pipe2(gate, O_CLOEXEC), 0);
    const int saved = ::dup(0);
    ::dup2(gate[0], 0);
    const auto child = start_child({"cat"}, {{"PATH", "/usr/bin:/bin"}});
    ::dup2(saved, 0);
    ::close(gate[0]);
    ASSERT_TRUE(child);
    EXPECT_FALSE(poll_child(*child).value());
    ::close(gate[1]);
    EXPECT_EQ(wait_for(*child).exit_code, 0);
    EXPECT_FALSE(poll_child(*child)) << "reaped once only";
    ::close(saved);
}

TEST(Process, CL04_the_environment_is_exactly_the_given_one) {
    ::setenv("CANARY_PARENT", "leak", 1);
    // From the kernel, as a shell would add variables of its own.
    EXPECT_EQ(output_of("tr '\\0' '|' < /proc/$$/environ", {{"A", "1"}, {"B", "x=y\nz"}, {"PATH", "/usr/bin"}}),
              "A=1|B=x=y\nz|PATH=/usr/bin|");
}

TEST(Process, environment_gives_all_variables) {
    ::setenv("CLAVIGER_TEST_VARIABLE", "a=b", 1);
    EXPECT_EQ(environment().at("CLAVIGER_TEST_VARIABLE"), "a=b");
}

TEST(Process, no_descriptor_but_the_standard_three_is_inherited) {
    const int low = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC on purpose
    const int leaky = ::fcntl(low, F_DUPFD, 300);  // above those a shell uses itself
    const int high = ::fcntl(leaky, F_DUPFD, 700);
    ASSERT_GE(high, 700);
    for (const int fd : {leaky, high}) {
        EXPECT_EQ(output_of("test -e /proc/$$/fd/" + std::to_string(fd) + " || echo closed"), "closed\n");
    }
    ::close(low), ::close(leaky), ::close(high);
}

TEST(Process, signal_mask_and_dispositions_are_reset) {
    sigset_t blocked, before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1), ::sigaddset(&blocked, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    const auto old_pipe = ::signal(SIGPIPE, SIG_IGN);
    const auto old_int = ::signal(SIGINT, SIG_IGN);
    EXPECT_EQ(output_of("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '[:space:]'"),
              "SigBlk:0000000000000000SigIgn:0000000000000000");
    ::signal(SIGPIPE, old_pipe), ::signal(SIGINT, old_int);
    sigset_t now;
    ::pthread_sigmask(SIG_SETMASK, &before, &now);
    EXPECT_EQ(::sigismember(&now, SIGUSR1), 1) << "the parent's own mask is as it was";
}

TEST(Process, child_stays_in_the_terminals_process_group) {
    EXPECT_EQ(output_of("cut -d' ' -f5 /proc/self/stat"), std::to_string(::getpgrp()) + "\n");
}

TEST(Process, what_cannot_run_is_not_found_or_denied) {
    const ScratchDirectory scratch;
    const Environment here{{"PATH", scratch.path().native() + ":/usr/bin:/bin"}};
    EXPECT_EQ(start_child({"no-such-program"}, here).error().code, ErrorCode::not_found);
    EXPECT_EQ(start_child({(scratch / "none").native()}, here).error().code, ErrorCode::not_found);
    EXPECT_EQ(start_child({}, here).error().code, ErrorCode::usage);
    EXPECT_EQ(start_child({""}, here).error().code, ErrorCode::usage);
    std::ofstream(scratch / "plain") << "text";
    EXPECT_EQ(start_child({"plain"}, here).error().code, ErrorCode::denied);
    EXPECT_EQ(start_child({scratch.path().native()}, here).error().code, ErrorCode::denied) << "a directory";
    // Neither leaves a zombie.
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(Process, program_is_found_in_the_childs_path_and_scripts_without_a_shebang_run) {
    const ScratchDirectory scratch;
    std::ofstream(scratch / "tool") << "exit $1";
    std::filesystem::permissions(scratch / "tool", std::filesystem::perms(0700));
    EXPECT_EQ(run({"tool", "7"}, {{"PATH", "/usr/bin:" + scratch.path().native()}}).exit_code, 7);
}

// Runs `body` in a forked process of its own; its exit code says what it saw.
template <class Body>
int in_process(Body body) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(body());
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Process, CL13_hardened_process_is_not_dumpable_and_leaves_no_core) {
#ifdef CLAVIGER_SANITIZED
    GTEST_SKIP() << "the leak checker needs a dumpable process";
#else
    EXPECT_EQ(in_process([] {
        harden_this_process();
        struct rlimit core {};
        ::getrlimit(RLIMIT_CORE, &core);
        return ::prctl(PR_GET_DUMPABLE) == 0 && core.rlim_cur == 0 ? 0 : 1;
    }), 0);
#endif
}

TEST(Process, CL13_files_can_still_be_made_by_a_hardened_ordinary_user) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    const ScratchDirectory scratch;
    ASSERT_EQ(::chown(scratch.path().c_str(), 12345, 12345), 0);
    EXPECT_EQ(in_process([&] {
        if (::setgid(12345) != 0 || ::setuid(12345) != 0) return 2;
        harden_this_process();
        return create_file_exclusively(scratch / "key", "k") && write_file_atomically(scratch / "file", "f") ? 0 : 1;
    }), 0);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.path()), {}), 2);
}

}  // namespace
}  // namespace claviger::sys
