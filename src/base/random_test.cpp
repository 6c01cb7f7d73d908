#include "base/random.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace claviger::base {
namespace {

TEST(Random, tokens_are_base64url_of_the_asked_size) {
    SystemRandom random;
    for (const std::size_t bytes : {0u, 1u, 2u, 16u, 32u, 100u}) {
        const auto decoded = base64url_decode(random.token(bytes));
        ASSERT_TRUE(decoded);
        EXPECT_EQ(decoded->size(), bytes);
        EXPECT_EQ(base64url_decode(random.secret_token(bytes).reveal())->size(), bytes);
        EXPECT_EQ(random.secret_bytes(bytes).size(), bytes);
    }
    EXPECT_EQ(random.token(32).size(), 43u);
}

TEST(Random, tokens_do_not_repeat) {
    SystemRandom random;
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(random.token(16)).second);
}

TEST(Random, every_bit_of_a_buffer_is_filled) {
    SystemRandom random;
    std::array<unsigned char, 33> ones{}, zeros{};
    zeros.fill(0xff);
    for (int i = 0; i < 64; ++i) {  // a bit stays put with probability 2^-64
        std::array<unsigned char, 33> bytes{};
        random.fill(std::as_writable_bytes(std::span(bytes)));
        for (std::size_t k = 0; k < bytes.size(); ++k) {
            ones[k] = static_cast<unsigned char>(ones[k] | bytes[k]);
            zeros[k] = static_cast<unsigned char>(zeros[k] & bytes[k]);
        }
    }
    for (std::size_t k = 0; k < ones.size(); ++k) {
        EXPECT_EQ(ones[k], 0xff);
        EXPECT_EQ(zeros[k], 0);
    }
}

TEST(Random, VA10_a_forked_child_draws_other_bytes) {
    SystemRandom random;
    random.token(16);  // whatever is buffered is buffered now
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        std::array<std::byte, 32> bytes{};
        random.fill(bytes);
        _exit(write(ends[1], bytes.data(), bytes.size()) == 32 ? 0 : 1);
    }
    std::array<std::byte, 32> mine{}, theirs{};
    random.fill(mine);
    ASSERT_EQ(read(ends[0], theirs.data(), theirs.size()), 32);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_NE(mine, theirs);
    close(ends[0]);
    close(ends[1]);
}

TEST(FakeRandom, is_determined_by_its_seed) {
    FakeRandom a(5), b(5), c(6);
    const auto first = a.token(32);
    EXPECT_EQ(first, b.token(32));
    EXPECT_NE(first, c.token(32));
    EXPECT_NE(first, a.token(32));
}

}  // namespace
}  // namespace claviger::base
