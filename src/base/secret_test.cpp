#include "base/secret.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <ostream>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/log.hpp"

namespace claviger::base {
namespace {

// LG-01, VA-08: what must not compile.
template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };
template <class T>
concept Comparable = requires(const T& a, const T& b) { a == b; };
template <class T>
concept Loggable = requires(const T& value) { LogField("name", value); };

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);
static_assert(!Streamable<Secret> && !Comparable<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!Loggable<Secret> && !Loggable<WipedString>);
static_assert(Loggable<std::string> && Streamable<std::string>);  // the concepts themselves can say yes
static_assert(!std::is_convertible_v<Secret, std::string_view> && !std::is_convertible_v<std::string_view, Secret>);

TEST(Secret, holds_any_bytes) {
    const std::string bytes("\0a\xff\n", 4);
    const Secret secret{std::string_view(bytes)};
    EXPECT_EQ(secret.size(), 4u);
    EXPECT_FALSE(secret.empty());
    EXPECT_EQ(secret.reveal(), bytes);
}

TEST(Secret, empty_ones_work_everywhere) {
    Secret none;
    EXPECT_TRUE(none.empty());
    EXPECT_EQ(none.reveal(), "");
    EXPECT_TRUE(none.writable().empty());
    EXPECT_TRUE(none.equals(""));
    EXPECT_TRUE(Secret("").equals(none));
    EXPECT_TRUE(none.duplicate().empty());
    EXPECT_TRUE(Secret::zeroed(0).empty());
    none = Secret("x");
    EXPECT_EQ(none.reveal(), "x");
}

TEST(Secret, moves_leave_nothing_behind) {
    Secret a("first");
    Secret b = std::move(a);
    EXPECT_TRUE(a.empty());  // NOLINT: the state after a move is part of the contract
    EXPECT_EQ(b.reveal(), "first");
    Secret c("second");
    c = std::move(b);
    EXPECT_EQ(c.reveal(), "first");
    Secret& same = c;
    c = std::move(same);
    EXPECT_EQ(c.reveal(), "first");
}

TEST(Secret, a_duplicate_stands_on_its_own) {
    Secret a("abc");
    const Secret b = a.duplicate();
    a.writable()[0] = std::byte{'X'};
    EXPECT_EQ(a.reveal(), "Xbc");
    EXPECT_EQ(b.reveal(), "abc");
}

TEST(Secret, zeroed_is_zero) {
    const Secret secret = Secret::zeroed(64);
    EXPECT_EQ(secret.reveal(), std::string(64, '\0'));
}

TEST(Secret, equals) {
    const Secret secret("token");
    EXPECT_TRUE(secret.equals("token"));
    EXPECT_TRUE(secret.equals(Secret("token")));
    for (const auto* other : {"", "toke", "tokens", "Token", "tokeN"}) EXPECT_FALSE(secret.equals(other)) << other;
    EXPECT_TRUE(equal_constant_time("", ""));
    EXPECT_FALSE(equal_constant_time("a", "b"));
    EXPECT_FALSE(equal_constant_time("a", ""));
}

// VA-08: the source of taking() is wiped, also the bytes behind its end and its short-string buffer.
template <class String>
void expect_wiped_source(std::size_t size) {
    String source(size, 'S');
    source.reserve(size + 100);
    const char* const bytes = source.data();
    source.resize(size / 2);  // the tail still holds former content
    const Secret secret = Secret::taking(source);
    EXPECT_EQ(secret.reveal(), std::string(size / 2, 'S'));
    EXPECT_TRUE(source.empty());
    ASSERT_EQ(source.data(), bytes);
    // Behind size(), within capacity(): the memory is the string's own.
    EXPECT_EQ(std::string(bytes, source.capacity()), std::string(source.capacity(), '\0'));
}

TEST(Secret, VA08_taking_wipes_its_source) {
    for (const std::size_t size : {2u, 8u, 15u, 16u, 100u, 5000u}) {
        expect_wiped_source<std::string>(size);
        expect_wiped_source<WipedString>(size);
    }
    std::string empty;
    EXPECT_TRUE(Secret::taking(empty).empty());
}

TEST(Secret, VA08_a_stray_read_or_write_beyond_its_end_is_fatal) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            Secret secret("0123456789abcdef");
            volatile auto* bytes = reinterpret_cast<volatile char*>(secret.writable().data());
            bytes[16] = 'x';  // the guard page begins right behind the last byte
        },
        "");
}

TEST(Secret, VA08_a_write_before_its_beginning_is_fatal_when_it_goes) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            Secret secret("0123456789abcdef");
            reinterpret_cast<volatile char*>(secret.writable().data())[-1] = 'x';
        },
        "");
}

// What the kernel says of the mapping that holds `address`.
std::string mapping_of(const void* address) {
    std::ifstream maps("/proc/self/smaps");
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    bool inside = false;
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0, end = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) inside = begin <= wanted && wanted < end;
        if (inside && line.starts_with("VmFlags:")) return line + ' ';
    }
    return {};
}

TEST(Secret, VA08_its_memory_is_locked_not_dumped_and_wiped_on_fork) {
    for (const std::size_t size : {1U, 32U, 4000U, 5000U, 100'000U}) {
        const Secret secret = Secret::zeroed(size);
        const auto flags = mapping_of(secret.reveal().data());
#ifdef CLAVIGER_SANITIZED
        const std::vector<const char*> wanted{" dd ", " wf "};  // the sanitizers make mlock do nothing
#else
        const std::vector<const char*> wanted{" lo ", " dd ", " wf "};
#endif
        for (const char* flag : wanted) EXPECT_NE(flags.find(flag), std::string::npos) << size << flag << flags;
    }
}

TEST(Secret, VA08_a_forked_child_has_none_and_the_parent_keeps_it) {
    const Secret small("parent's secret"), large(std::string(9000, 'S'));
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        Secret moved = small.duplicate();  // may be copied and dropped there without harm
        moved = {};
        const bool none = small.reveal() == std::string(small.size(), '\0') && large.reveal() == std::string(large.size(), '\0');
        _exit(none ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(small.reveal(), "parent's secret");
    EXPECT_EQ(large.reveal(), std::string(9000, 'S'));
}

TEST(Secret, VA08_pages_are_used_again_and_hold_nothing_of_the_last_one) {
    const char* place = nullptr;
    {
        const Secret secret(std::string(100, 'S'));
        place = secret.reveal().data();
    }
    const Secret next = Secret::zeroed(100);
    ASSERT_EQ(next.reveal().data(), place) << "otherwise this test shows nothing";
    EXPECT_EQ(next.reveal(), std::string(100, '\0'));
    const Secret longer = Secret::zeroed(4000);
    EXPECT_EQ(longer.reveal(), std::string(4000, '\0'));
}

TEST(Secret, VA08_many_threads_and_sizes_never_share_memory) {
    std::vector<std::thread> threads;
    std::atomic<int> wrong = 0;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([t, &wrong] {
            for (std::size_t i = 1; i < 2000; ++i) {
                const std::string mine(i * 37 % 6000 + 1, static_cast<char>('a' + t));
                Secret one{std::string_view(mine)};
                const Secret two = one.duplicate();
                if (one.reveal() != mine || two.reveal() != mine) ++wrong;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

TEST(WipedString, is_a_string) {
    WipedString text("Bearer ");
    for (int i = 0; i < 100; ++i) text += "0123456789";
    EXPECT_EQ(text.size(), 1007u);
    WipedString moved = std::move(text);
    EXPECT_TRUE(moved.starts_with("Bearer 0123"));
    EXPECT_EQ(moved, WipedString(moved));
}

TEST(Wipe, zeroes) {
    std::string text(100, 'S');
    wipe(text.data() + 10, 80);
    EXPECT_EQ(text, std::string(10, 'S') + std::string(80, '\0') + std::string(10, 'S'));
    wipe(nullptr, 0);
}

}  // namespace
}  // namespace claviger::base
