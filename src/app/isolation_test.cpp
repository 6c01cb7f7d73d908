#include "app/isolation.hpp"

#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sys/scratch_directory.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;
using sys::SandboxChoice;
using testing::Contains;
namespace fs = std::filesystem;

class Isolation : public testing::Test {
protected:
    void SetUp() override {
        root_ = fs::canonical(scratch_.path());
        home_ = root_ / "user/.claviger";
        fs::create_directories(root_ / "user");
        ::setenv("HOME", (root_ / "user").c_str(), 1);
        ::unsetenv("XDG_DATA_HOME"), ::unsetenv("TMPDIR");
        fs::current_path(root_);
    }
    void TearDown() override { fs::current_path("/"); }
    [[nodiscard]] base::Result<sys::SandboxPlan> plan(const fs::path& home, const std::string& program = "true") const {
        return plan_isolation(home, {SandboxChoice::automatic}, {program});
    }
    sys::ScratchDirectory scratch_;
    fs::path root_, home_;
};

TEST_F(Isolation, CL05_hides_the_sessions_home_and_the_users_others) {
    fs::create_directories(root_ / "data/claviger");
    ::setenv("XDG_DATA_HOME", (root_ / "data").c_str(), 1);
    fs::create_directories(home_);
    const auto hidden = plan(root_ / "own").value().hidden;
    EXPECT_EQ(hidden.front(), root_ / "own") << "made, as there was none";
    EXPECT_THAT(hidden, Contains(home_));
    EXPECT_THAT(hidden, Contains(root_ / "data/claviger"));
    EXPECT_TRUE(plan_isolation(home_, {SandboxChoice::none}, {"true"}).value().hidden.empty());
}

TEST_F(Isolation, CL05_refuses_what_would_be_hidden_with_the_home) {
    fs::create_directories(home_ / "bin");
    ::chmod(home_.c_str(), 0700);
    std::ofstream(home_ / "bin/tool") << "#!/bin/sh\n";
    ::chmod((home_ / "bin/tool").c_str(), 0700);
    fs::create_symlink(home_ / "bin/tool", root_ / "link");
    for (const auto& program : {home_ / "bin/tool", root_ / "link", fs::path("user/.claviger/bin/tool")}) {
        const auto refused = plan(home_, program);
        ASSERT_FALSE(refused) << program;
        EXPECT_EQ(refused.error().code, ErrorCode::denied);
        EXPECT_NE(refused.error().message.find("the program"), std::string::npos);
    }
    fs::current_path(home_ / "bin");
    EXPECT_NE(plan(home_).error().message.find("the working directory"), std::string::npos);
    fs::current_path(root_);
    ::setenv("TMPDIR", home_.c_str(), 1);
    EXPECT_NE(plan(home_).error().message.find("temporary files"), std::string::npos);
    ::unsetenv("TMPDIR");
    EXPECT_TRUE(plan(home_));
    std::ofstream(home_ / "vault.key") << "k";
    fs::create_hard_link(home_ / "vault.key", root_ / "second");
    EXPECT_EQ(plan(home_).error().code, ErrorCode::no_isolation);
}

TEST_F(Isolation, the_level_is_never_more_than_what_holds) {
    EXPECT_TRUE(describe({sys::Isolation::none, 7, {}}).starts_with("L0:"));
    EXPECT_TRUE(describe({sys::Isolation::landlock, 3, {}}).starts_with("L1:"));
    EXPECT_EQ(describe({sys::Isolation::landlock, 3, {}}).find("namespaces"), std::string::npos);
    EXPECT_NE(describe({sys::Isolation::namespaces, 3, {}}).find("Landlock ABI 3"), std::string::npos);
}

TEST_F(Isolation, a_home_that_can_be_read_is_reachable) {
    EXPECT_TRUE(check_reachable(home_)) << "there is none";
    fs::create_directories(home_);
    EXPECT_TRUE(check_reachable(home_)) << "it is empty";
    std::ofstream(home_ / "vault.db") << "x";
    EXPECT_TRUE(check_reachable(home_));
}

}  // namespace
}  // namespace claviger::app
