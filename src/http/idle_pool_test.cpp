#include "http/idle_pool.hpp"

#include <gtest/gtest.h>

#include "http/memory_stream_test_support.hpp"

namespace claviger::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct PoolTest : testing::Test {
    IdlePool::Time now = IdlePool::Time() + seconds(100);
    IdlePool pool{2, seconds(30)};
    std::vector<std::shared_ptr<test::Wire>> wires;

    std::unique_ptr<Connection> connection() {
        wires.push_back(std::make_shared<test::Wire>());
        return std::make_unique<Connection>(std::make_unique<test::MemoryStream>(wires.back()), Limits{});
    }
    std::unique_ptr<Connection> take(const std::string& key) { return pool.take(key, now, seconds(30)); }
};

TEST_F(PoolTest, PX18_keys_do_not_mix) {
    pool.put("a", connection(), now);
    EXPECT_EQ(take("b"), nullptr);
    EXPECT_NE(take("a"), nullptr);
    EXPECT_EQ(take("a"), nullptr);
    EXPECT_EQ(pool.size(), 0u);
}

TEST_F(PoolTest, the_youngest_is_taken_and_the_oldest_makes_room) {
    auto first = connection();
    auto second = connection();
    auto third = connection();
    const Connection* newest = third.get();
    const Connection* middle = second.get();
    pool.put("a", std::move(first), now);
    pool.put("a", std::move(second), now);
    pool.put("a", std::move(third), now);
    EXPECT_EQ(pool.size(), 2u);
    const auto one = take("a");
    const auto two = take("a");
    EXPECT_EQ(one.get(), newest);
    EXPECT_EQ(two.get(), middle);
    EXPECT_EQ(take("a"), nullptr);
}

TEST_F(PoolTest, time_runs_out) {
    pool.put("a", connection(), now);
    now += seconds(3);
    EXPECT_EQ(pool.take("a", now, milliseconds(2'000)), nullptr) << "not fresh enough for this caller";
    EXPECT_EQ(pool.size(), 1u);
    EXPECT_NE(take("a"), nullptr);
    pool.put("a", connection(), now);
    now += seconds(31);
    EXPECT_EQ(take("a"), nullptr);
    EXPECT_EQ(pool.size(), 0u);
}

TEST_F(PoolTest, any_use_sweeps_all_keys) {
    for (int i = 0; i < 10; ++i) pool.put("key" + std::to_string(i), connection(), now);
    EXPECT_EQ(pool.size(), 10u);
    now += seconds(31);
    EXPECT_EQ(take("another"), nullptr);
    EXPECT_EQ(pool.size(), 0u);
}

TEST_F(PoolTest, PX18_what_is_not_clean_is_dropped) {
    pool.put("a", nullptr, now);
    auto closed = connection();
    closed->close();
    pool.put("a", std::move(closed), now);
    EXPECT_EQ(pool.size(), 0u);
    pool.put("a", connection(), now);
    wires.back()->pieces = {"HTTP/1.1 200 OK\r\n\r\n"};  // an answer nobody asked for
    EXPECT_EQ(take("a"), nullptr);
    EXPECT_EQ(pool.size(), 0u);
}

TEST_F(PoolTest, the_total_is_bounded) {
    for (int i = 0; i < 300; ++i) pool.put("key" + std::to_string(i), connection(), now);
    EXPECT_EQ(pool.size(), IdlePool::kInAll);
}

}  // namespace
}  // namespace claviger::http
