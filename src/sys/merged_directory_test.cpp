#include "sys/merged_directory.hpp"

#include <cstdlib>
#include <fstream>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "sys/files.hpp"
#include "sys/sandbox_mounts.hpp"
#include "sys/scratch_directory.hpp"

namespace claviger::sys {
namespace {

namespace fs = std::filesystem;

constexpr int kNoNamespace = 99;

void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

std::string text_of(const fs::path& path) { return read_file(path, 1 << 20).value_or("(none)"); }

// Which of the expectations failed, in a process that sees the two merged; 0: none.
int look(const fs::path& source, const fs::path& target) {
    if (!enter_namespaces(false)) return kNoNamespace;
    if (!mount_merged(source, target)) return 1;
    if (text_of(target / "bundle") != "new") return 2;
    if (text_of(target / "java/cacerts") != "new java") return 3;
    if (text_of(target / "java/other") != "beside") return 4;
    if (text_of(target / "local") != "local") return 5;
    if (fs::read_symlink(target / "neighbour") != "bundle" || text_of(target / "neighbour") != "new") return 6;
    if (text_of(target / "up") != "outside") return 7;
    if (!fs::is_symlink(target / "dangling")) return 8;
    if (text_of(target / "more") != "more") return 9;
    if (std::ofstream(target / "mine") << "x" << std::flush) return 10;
    struct stat info {};
    if (::stat((target / "local").c_str(), &info) != 0 || (info.st_mode & 0777) != 0640) return 11;
    return 0;
}

TEST(MergedDirectory, shows_the_sessions_entries_and_what_was_there_besides) {
    const ScratchDirectory scratch;
    const fs::path base = fs::canonical(scratch.path()), source = base / "source", target = base / "system/target";
    write(source / "bundle", "new");
    write(source / "java/cacerts", "new java");
    write(source / "more", "more");
    write(target / "bundle", "old");
    write(target / "java/cacerts", "old java");
    write(target / "java/other", "beside");
    write(target / "local", "local");
    ::chmod((target / "local").c_str(), 0640);
    write(base / "system/outside", "outside");
    fs::create_symlink("bundle", target / "neighbour");
    fs::create_symlink("../outside", target / "up");
    fs::create_symlink("nowhere", target / "dangling");
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(look(source, target));
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == kNoNamespace && std::getenv("CI") == nullptr) GTEST_SKIP() << "this system gives no user namespaces";
    EXPECT_EQ(WEXITSTATUS(status), 0) << "the number of the expectation that failed";
    EXPECT_EQ(text_of(target / "bundle"), "old") << "outside all is as it was";
    EXPECT_FALSE(fs::exists(target / "more"));
}

}  // namespace
}  // namespace claviger::sys
