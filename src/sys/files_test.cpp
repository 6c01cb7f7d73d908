#include "sys/files.hpp"

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "sys/errno_error.hpp"
#include "sys/scratch_directory.hpp"

namespace claviger::sys {
namespace {

using base::ErrorCode;
namespace fs = std::filesystem;

mode_t mode_of(const fs::path& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

std::size_t entries(const fs::path& path) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

// CL-06 is shown under the widest umask there is.
class WideUmask {
public:
    WideUmask() : before_(::umask(0)) {}
    ~WideUmask() { ::umask(before_); }

private:
    mode_t before_;
};

TEST(Files, reads_back_what_was_written) {
    const ScratchDirectory home;
    const std::string bytes("a\0b\xff\n", 5);
    ASSERT_TRUE(write_file_atomically(home / "f", bytes));
    EXPECT_EQ(read_file(home / "f", 5).value(), bytes);
    EXPECT_EQ(read_secret_file(home / "f", 5).value().reveal(), bytes);
    ASSERT_TRUE(write_file_atomically(home / "f", ""));
    EXPECT_EQ(read_file(home / "f", 5).value(), "");
    EXPECT_EQ(entries(home.path()), 1U) << "no temporary file is left";
}

TEST(Files, limit_absence_and_symlinks_are_told_apart) {
    const ScratchDirectory home;
    ASSERT_TRUE(write_file_atomically(home / "f", "12345"));
    fs::create_symlink(home / "f", home / "link");
    EXPECT_EQ(read_file(home / "f", 4).error().code, ErrorCode::limit);
    EXPECT_EQ(read_secret_file(home / "f", 4).error().code, ErrorCode::limit);
    EXPECT_EQ(read_file(home / "g", 4).error().code, ErrorCode::not_found);
    EXPECT_EQ(read_file(home / "f" / "g", 4).error().code, ErrorCode::not_found);
    EXPECT_TRUE(read_file(home / "link", 5));
    EXPECT_EQ(read_file(home / "link", 5, true).error().code, ErrorCode::denied);
    EXPECT_EQ(read_file(home.path(), 5).error().code, ErrorCode::storage);
}

TEST(Files, CL06_files_are_0600_from_the_first_moment_under_any_umask) {
    const ScratchDirectory home;
    const WideUmask umask;
    ASSERT_TRUE(write_file_atomically(home / "a", "x"));
    ASSERT_TRUE(create_file_exclusively(home / "b", "x"));
    ASSERT_TRUE(FileLock::acquire(home / "c", std::chrono::milliseconds(0)));
    ASSERT_TRUE(ensure_private_directory(home / "d" / "e"));
    for (const char* name : {"a", "b", "c"}) EXPECT_EQ(mode_of(home / name), 0600U) << name;
    for (const char* name : {"d", "d/e"}) EXPECT_EQ(mode_of(home / name), 0700U) << name;
}

TEST(Files, an_atomic_file_without_commit_leaves_nothing) {
    const ScratchDirectory home;
    ASSERT_TRUE(write_file_atomically(home / "f", "old"));
    {
        auto file = AtomicFile::create(home / "f");
        ASSERT_TRUE(file);
        ASSERT_TRUE(file->append("new"));
        EXPECT_EQ(read_file(home / "f", 9).value(), "old");
    }
    EXPECT_EQ(read_file(home / "f", 9).value(), "old");
    EXPECT_EQ(entries(home.path()), 1U);
}

TEST(Files, VA05_of_racing_creators_exactly_one_wins_and_its_file_is_whole) {
    const ScratchDirectory home;
    for (int round = 0; round < 20; ++round) {
        const fs::path path = home / ("key" + std::to_string(round));
        std::atomic<int> winner = -1, wins = 0;
        std::vector<std::thread> racers;
        for (int i = 0; i < 8; ++i) {
            racers.emplace_back([&, i] {
                const auto made = create_file_exclusively(path, std::string(4096, static_cast<char>('a' + i)));
                if (made) {
                    winner = i;
                    ++wins;
                } else {
                    EXPECT_EQ(made.error().code, ErrorCode::already_exists);
                }
                EXPECT_EQ(read_file(path, 4096).value().size(), 4096U) << "never half written";
            });
        }
        for (auto& racer : racers) racer.join();
        ASSERT_EQ(wins, 1);
        EXPECT_EQ(read_file(path, 4096).value(), std::string(4096, static_cast<char>('a' + winner)));
    }
    EXPECT_EQ(entries(home.path()), 20U);
}

TEST(Files, private_file_is_refused_when_others_may_read_it) {
    const ScratchDirectory home;
    ASSERT_TRUE(write_file_atomically(home / "key", "k"));
    EXPECT_EQ(read_private_file(home / "key", 9).value().reveal(), "k");
    for (const mode_t mode : {0640U, 0604U, 0620U, 0602U}) {
        ASSERT_EQ(::chmod((home / "key").c_str(), mode), 0);
        const auto read = read_private_file(home / "key", 9);
        ASSERT_FALSE(read) << mode;
        EXPECT_EQ(read.error().code, ErrorCode::denied);
        EXPECT_NE(read.error().hint.find("chmod 600"), std::string::npos);
    }
    ASSERT_EQ(::chmod((home / "key").c_str(), 0600), 0);
    fs::create_symlink(home / "key", home / "link");
    EXPECT_EQ(read_private_file(home / "link", 9).error().code, ErrorCode::denied);
    ASSERT_EQ(::mkfifo((home / "pipe").c_str(), 0600), 0);
    const int writer = ::open((home / "pipe").c_str(), O_RDWR | O_CLOEXEC);
    EXPECT_EQ(read_private_file(home / "pipe", 9).error().code, ErrorCode::denied);
    ::close(writer);
}

TEST(Files, secret_is_read_from_a_pipe_in_pieces) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::thread writer([&] {
        for (const char c : std::string_view("secret")) EXPECT_EQ(::write(ends[1], &c, 1), 1);
        ::close(ends[1]);
    });
    EXPECT_EQ(read_secret_descriptor(ends[0], 100).value().reveal(), "secret");
    writer.join();
    ::close(ends[0]);
    EXPECT_EQ(read_secret_descriptor(ends[0], 100).error().code, ErrorCode::storage) << "a closed descriptor";
}

struct Layout {
    const char* name;
    void (*make)(const fs::path&);
    bool accepted;
};

class CL07 : public testing::TestWithParam<Layout> {};

TEST_P(CL07, directory_layout) {
    const ScratchDirectory scratch;
    const fs::path home = scratch / "home";
    GetParam().make(home);
    const auto made = ensure_private_directory(home);
    EXPECT_EQ(made.has_value(), GetParam().accepted) << (made ? "" : made.error().message);
    if (!made) {
        EXPECT_EQ(made.error().code, ErrorCode::denied);
        EXPECT_FALSE(made.error().hint.empty()) << "the error says what to do";
    }
    const auto slashed = ensure_private_directory(home / "");
    EXPECT_EQ(slashed.has_value(), GetParam().accepted) << "a trailing slash changes nothing";
}

INSTANTIATE_TEST_SUITE_P(
    Files, CL07,
    testing::Values(
        Layout{"absent", [](const fs::path&) {}, true},
        Layout{"private_directory", [](const fs::path& p) { ::mkdir(p.c_str(), 0700); }, true},
        Layout{"readable_by_others", [](const fs::path& p) { ::mkdir(p.c_str(), 0755); }, true},
        Layout{"group_writable", [](const fs::path& p) { ::mkdir(p.c_str(), 0700), ::chmod(p.c_str(), 0770); }, false},
        Layout{"world_writable", [](const fs::path& p) { ::mkdir(p.c_str(), 0700), ::chmod(p.c_str(), 0702); }, false},
        Layout{"symlink", [](const fs::path& p) { fs::create_directory_symlink(p.parent_path(), p); }, false},
        Layout{"dangling_symlink", [](const fs::path& p) { fs::create_symlink(p / "none", p); }, false},
        Layout{"a_file", [](const fs::path& p) { std::ofstream(p) << "x"; }, false},
        Layout{"below_a_world_writable_directory",
               [](const fs::path& p) { ::mkdir(p.c_str(), 0700), ::chmod(p.parent_path().c_str(), 0777); }, false},
        Layout{"below_a_sticky_one",
               [](const fs::path& p) { ::mkdir(p.c_str(), 0700), ::chmod(p.parent_path().c_str(), 01777); }, true}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Files, CL07_foreign_directory_is_refused) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make a directory of another user";
    const ScratchDirectory scratch;
    ASSERT_EQ(::mkdir((scratch / "home").c_str(), 0700), 0);
    ASSERT_EQ(::chown((scratch / "home").c_str(), 12345, 12345), 0);
    EXPECT_EQ(check_private_directory(scratch / "home").error().code, ErrorCode::denied);
    ASSERT_TRUE(write_file_atomically(scratch / "key", "k"));
    ASSERT_EQ(::chown((scratch / "key").c_str(), 12345, 12345), 0);
    EXPECT_EQ(read_private_file(scratch / "key", 9).error().code, ErrorCode::denied);
}

TEST(Files, home_comes_from_the_environment_in_order) {
    struct Row {
        const char *own, *data, *home, *expected;
    };
    for (const Row& row : {Row{"/a/b/", "/c", "/d", "/a/b"}, Row{nullptr, "/c", "/d", "/c/claviger"},
                           Row{"", "/c/", "/d", "/c/claviger"}, Row{nullptr, "relative", "/d", "/d/.claviger"},
                           Row{nullptr, nullptr, "/d", "/d/.claviger"}}) {
        const auto set = [](const char* name, const char* value) {
            value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
        };
        set("CLAVIGER_HOME", row.own), set("XDG_DATA_HOME", row.data), set("HOME", row.home);
        EXPECT_EQ(claviger_home().value(), fs::path(row.expected));
    }
    ::unsetenv("HOME");
    EXPECT_EQ(claviger_home().value().filename(), ".claviger") << "from the password database (ST-11)";
}

TEST(Files, ST08_lock_excludes_and_is_released) {
    const ScratchDirectory home;
    auto first = FileLock::acquire(home / "lock", std::chrono::milliseconds(0));
    ASSERT_TRUE(first);
    EXPECT_EQ(FileLock::acquire(home / "lock", std::chrono::milliseconds(5)).error().code, ErrorCode::busy);
    std::thread releaser([lock = std::move(*first)]() mutable { FileLock gone(std::move(lock)); });
    EXPECT_TRUE(FileLock::acquire(home / "lock", std::chrono::seconds(10)));
    releaser.join();
    fs::create_symlink(home / "lock", home / "link");
    EXPECT_EQ(FileLock::acquire(home / "link", std::chrono::milliseconds(0)).error().code, ErrorCode::denied);
}

TEST(Files, RF08_each_place_of_a_lock_file_is_a_lock_of_its_own) {
    const ScratchDirectory home;
    constexpr auto kTop = std::uint64_t{1} << 63U;
    std::vector<FileLock> held;
    for (const auto first : {std::uint64_t{0}, std::uint64_t{1} << 61U, kTop - 8}) {
        for (std::uint64_t place = first; place < first + 8; ++place) {
            auto lock = FileLock::try_byte(home / "lock", place);
            ASSERT_TRUE(lock) << lock.error().describe();
            ASSERT_TRUE(*lock) << place;
            held.push_back(std::move(**lock));
        }
    }
    EXPECT_FALSE(FileLock::try_byte(home / "lock", 7).value());
    EXPECT_FALSE(FileLock::try_byte(home / "lock", kTop - 1).value());
    EXPECT_TRUE(FileLock::try_byte(home / "lock", 8).value());
}

TEST(Files, ST08_network_file_systems_are_known) {
    EXPECT_EQ(network_file_system_name(0x6969), "nfs");
    EXPECT_EQ(network_file_system_name(0xFF534D42), "cifs");
    for (const std::uint64_t local : {0xEF53ULL, 0x01021994ULL, 0x9123683EULL, 0x58465342ULL, 0x794C7630ULL}) {
        EXPECT_EQ(network_file_system_name(local), std::nullopt);
    }
    const ScratchDirectory home;
    EXPECT_EQ(network_file_system(home.path()).value(), std::nullopt);
    EXPECT_EQ(network_file_system(home / "none").error().code, ErrorCode::not_found);
}

TEST(Files, ST04_disk_errors_have_their_own_code_and_a_hint) {
    for (const int number : {ENOSPC, EDQUOT, EIO, EROFS}) {
        const auto error = errno_error(number, "cannot write", "/x");
        EXPECT_EQ(error.code, ErrorCode::storage) << number;
        EXPECT_FALSE(error.hint.empty()) << number;
    }
}

}  // namespace
}  // namespace claviger::sys
