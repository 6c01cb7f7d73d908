#include "sys/staged_child.hpp"

#include <fstream>

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
namespace fs = std::filesystem;

// A home with a secret in it, next to files that are nobody's secret.
struct Place {
    Place() {
        fs::create_directories(home());
        fs::create_directories(work());
        std::ofstream(home() / "key") << "canary";
        std::ofstream(work() / "file") << "text";
    }
    ScratchDirectory scratch;
    [[nodiscard]] fs::path home() const { return fs::canonical(scratch.path()) / "user" / ".home"; }
    [[nodiscard]] fs::path work() const { return fs::canonical(scratch.path()) / "user" / "work"; }
    [[nodiscard]] SandboxPlan plan(SandboxChoice choice) const { return {choice, {home()}, {}}; }
};

// In a process of its own, as staging lowers limits for good: what the script printed, and its exit code.
struct Ran {
    int exit_code = -1;
    std::string output;
};
Ran run_in(const Place& place, SandboxChoice choice, const std::string& script, std::optional<std::uint16_t> port = std::nullopt) {
    const auto out = place.work() / "out";
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ::dup2(fd, 1), ::dup2(fd, 2);
        auto staged = StagedChild::stage(place.plan(choice));
        if (!staged) ::_exit(99);
        StagedChild::Program program{{"/bin/bash", "-c", script}, {{"PATH", "/usr/sbin:/usr/bin:/bin"}, {"HOME_DIR", place.home()}, {"WORK", place.work()}}, port};
        const auto child = staged->launch(program);
        if (!child) ::_exit(98);
        int status = 0;
        ::waitpid(child->pid, &status, 0);
        ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 97);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out, 1 << 20).value_or("")};
}

class EachWay : public testing::TestWithParam<SandboxChoice> {
protected:
    void SetUp() override {
        if (landlock_abi() == 0) GTEST_SKIP() << "this kernel has no Landlock";
    }
};
INSTANTIATE_TEST_SUITE_P(Sandbox, EachWay, testing::Values(SandboxChoice::namespaces, SandboxChoice::landlock),
                         [](const auto& info) { return info.param == SandboxChoice::namespaces ? "namespaces" : "landlock"; });

TEST_P(EachWay, CL05_the_hidden_directory_cannot_be_read_written_or_removed) {
    const Place place;
    EXPECT_EQ(run_in(place, GetParam(), "cat $HOME_DIR/key || cat $HOME_DIR/../.home/key || cat /proc/self/root$HOME_DIR/key").output.find("canary"), std::string::npos);
    run_in(place, GetParam(), "echo x > $HOME_DIR/key; rm -rf $HOME_DIR; mv $HOME_DIR $WORK/moved; ln $HOME_DIR/key $WORK/link; truncate -s 0 $HOME_DIR/key");
    EXPECT_EQ(read_file(place.home() / "key", 100).value(), "canary");
    EXPECT_FALSE(fs::exists(place.work() / "link"));
}

TEST_P(EachWay, CL05_a_hidden_directory_below_another_opens_neither) {
    const Place place;
    fs::create_directories(place.home() / "inner");
    std::ofstream(place.home() / "inner/key") << "canary";
    const auto out = place.work() / "out";
    const pid_t pid = ::fork();
    if (pid == 0) {
        auto plan = place.plan(GetParam());
        plan.hidden.push_back(place.home() / "inner");
        auto staged = StagedChild::stage(plan);
        if (!staged) ::_exit(0);
        const auto child = staged->launch({{"/bin/sh", "-c", "cat " + (place.home() / "key").string() + " " + (place.home() / "inner/key").string() + " > " + out.string()}, {}, {}});
        int status = 0;
        ::waitpid(child->pid, &status, 0);
        ::_exit(WEXITSTATUS(status));
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_NE(WEXITSTATUS(status), 0);
    EXPECT_EQ(read_file(out, 100).value_or("?"), "");
}

TEST_P(EachWay, CL05_ordinary_work_goes_on_beside_it) {
    const Place place;
    const auto ran = run_in(place, GetParam(), "cat $WORK/file && mkdir $WORK/d && echo new > $WORK/d/n && mv $WORK/d/n $WORK/m && cat $WORK/m && ls / > /dev/null && (exit 7)");
    EXPECT_EQ(ran.output, "textnew\n");
    EXPECT_EQ(ran.exit_code, 7);
}

TEST_P(EachWay, CL05_mounts_cannot_be_changed_and_other_processes_not_entered) {
    const Place place;
    const std::string outside = std::to_string(::getpid());
    for (const std::string& attempt : {std::string("umount $HOME_DIR"), std::string("umount -l $HOME_DIR"), std::string("unshare -Urm umount $HOME_DIR"), std::string("unshare -Urm mount --bind / /mnt"),
                                      "cat /proc/" + outside + "/environ", "ls /proc/" + outside + "/root/",
                                      "ls -l /proc/" + outside + "/fd/"}) {
        EXPECT_NE(run_in(place, GetParam(), attempt).exit_code, 0) << attempt;
    }
}

TEST_P(EachWay, CL05_status_says_no_new_privileges_and_a_filter) {
    const Place place;
    EXPECT_EQ(run_in(place, GetParam(), "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr -d '[:space:]'").output, "NoNewPrivs:1Seccomp:2");
}

TEST_P(EachWay, CL05_limits_of_processes_outside_cannot_be_set_but_its_own_can) {
    const Place place;
    const std::string outside = std::to_string(::getpid());
    rlimit before{}, after{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    EXPECT_NE(run_in(place, GetParam(), "prlimit --fsize=1000000000000: --pid " + outside).exit_code, 0);
    ::getrlimit(RLIMIT_FSIZE, &after);
    EXPECT_EQ(after.rlim_cur, before.rlim_cur);
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_EQ(run_in(place, GetParam(), "prlimit --pid " + outside + " > /dev/null && ulimit -f 1000 && prlimit --core=0 true").exit_code, 0);
}

TEST_P(EachWay, CL05_an_open_directory_is_not_inherited_as_a_standard_descriptor) {
    const Place place;
    for (const int fd : {0, 1, 2}) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            const int directory = ::open(place.home().parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            ::dup2(directory, fd);
            const auto staged = StagedChild::stage(place.plan(GetParam()));
            ::_exit(!staged && staged.error().code == ErrorCode::denied ? 0 : 1);
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        EXPECT_EQ(status, 0) << fd;
    }
}

TEST_P(EachWay, connects_to_the_one_port_alone) {
    if (landlock_abi() < kLandlockAbiNetwork) GTEST_SKIP() << "Landlock of this kernel knows no networks";
    const Place place;
    // 1 and 2 are closed: refused by the peer when the sandbox lets it pass, by the sandbox otherwise.
    EXPECT_NE(run_in(place, GetParam(), "exec 3<>/dev/tcp/127.0.0.1/1", 1).output.find("refused"), std::string::npos);
    EXPECT_NE(run_in(place, GetParam(), "exec 3<>/dev/tcp/127.0.0.1/2", 1).output.find("denied"), std::string::npos);
    EXPECT_NE(run_in(place, GetParam(), "exec 3<>/dev/udp/127.0.0.1/2", 1).output.find("denied"), std::string::npos);
    EXPECT_NE(run_in(place, GetParam(), "exec 3<>/dev/tcp/127.0.0.1/2").output.find("refused"), std::string::npos) << "without a limit";
}

TEST(StagedChild, what_cannot_run_is_not_found_or_denied_and_leaves_no_zombie) {
    const Place place;
    for (const auto choice : {SandboxChoice::none, SandboxChoice::automatic}) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            auto first = StagedChild::stage(place.plan(choice));
            const bool absent = first->launch({{"no-such-program"}, {{"PATH", "/usr/bin"}}, {}}).error().code == ErrorCode::not_found;
            auto second = StagedChild::stage(place.plan(choice));
            const bool denied = second->launch({{"/etc/passwd"}, {}, {}}).error().code == ErrorCode::denied;
            { auto never = StagedChild::stage(place.plan(choice)); }
            { const auto gone = std::move(*first); }
            { const auto gone = std::move(*second); }
            ::_exit(absent && denied && ::waitpid(-1, nullptr, WNOHANG) == -1 ? 0 : 1);
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        EXPECT_EQ(status, 0);
    }
}

TEST(StagedChild, CL13_this_process_can_leave_no_core_but_the_program_has_the_users_limit) {
    const Place place;
    const pid_t pid = ::fork();
    if (pid == 0) {
        const rlimit users{4096, 8192};
        if (::setrlimit(RLIMIT_CORE, &users) != 0) ::_exit(1);
        if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(2);  // root could raise it again
        ::prctl(PR_SET_DUMPABLE, 1);
        harden_this_process();
        auto staged = StagedChild::stage({SandboxChoice::none, {}, {}});
        rlimit own{1, 1};
        ::getrlimit(RLIMIT_CORE, &own);
        if (!staged || own.rlim_cur != 0 || own.rlim_max != 0) ::_exit(3);
        const auto child = staged->launch({{"/bin/bash", "-c", "test $(ulimit -Sc) = 4 -a $(ulimit -Hc) = 8"}, {{"PATH", "/usr/bin:/bin"}}, {}});
        int status = 1;
        if (child) ::waitpid(child->pid, &status, 0);
        ::_exit(status == 0 ? 0 : 4);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(StagedChild, no_descriptor_but_the_standard_three_is_inherited) {
    const Place place;
    const int leaky = ::fcntl(1, F_DUPFD, 300), high = ::fcntl(1, F_DUPFD, 700);
    for (const auto choice : {SandboxChoice::none, SandboxChoice::automatic}) {
        EXPECT_EQ(run_in(place, choice, "for n in /proc/$$/fd/*; do n=${n##*/}; test $n -gt 2 -a $n -ne 255 && test -e /proc/$$/fd/$n && echo $n; done; true").output, "");
    }
    ::close(leaky), ::close(high);
}

}  // namespace
}  // namespace claviger::sys
