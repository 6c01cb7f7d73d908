#include "connection/refresh_queue.hpp"

#include <gtest/gtest.h>

namespace claviger::connection {
namespace {

using base::Duration;
using base::Instant;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Instant kNow{milliseconds(1'800'000'000'000)};

struct RefreshQueueTest : testing::Test {
    base::FakeRandom random;
    RefreshQueue queue{RefreshQueue::Limits{}};
    Instant now = kNow;

    static RefreshQueue::Key key(int i) { return {"acme", "c" + std::to_string(i)}; }

    // Simulated time: each refresh takes `each`. Returns when the last one ended.
    Duration serve_all(Duration each, std::size_t count, std::size_t most_under_way) {
        std::multimap<Instant, RefreshQueue::Key> ends;
        std::size_t served = 0;
        while (served < count) {
            for (auto& taken : queue.take(now)) ends.emplace(now + each, std::move(taken));
            EXPECT_LE(queue.under_way(), most_under_way);
            const auto next = queue.next(now);
            if (ends.empty() && !next) break;
            now = ends.empty() ? *next : next ? std::min(*next, ends.begin()->first) : ends.begin()->first;
            while (!ends.empty() && ends.begin()->first <= now) {
                queue.ended(ends.begin()->second, false, std::nullopt, now, random);
                ends.erase(ends.begin());
                ++served;
            }
        }
        EXPECT_EQ(served, count);
        return now - kNow;
    }
};

TEST_F(RefreshQueueTest, RF08_G13_ten_thousand_due_in_one_second_are_served_eight_at_a_time_within_two_minutes) {
    for (int i = 0; i < 10'000; ++i) queue.put(key(i), "https://auth.acme.com", kNow + milliseconds(i % 1000));
    const auto took = serve_all(milliseconds(90), 10'000, 8);
    EXPECT_LE(took, minutes(2));
    EXPECT_GE(took, milliseconds(90) * (10'000 / 8)) << "no faster than eight at a time can be";
    EXPECT_EQ(queue.size(), 0U) << "nothing is left behind";
}

TEST_F(RefreshQueueTest, RF08_a_slow_server_holds_up_no_other) {
    for (int i = 0; i < 100; ++i) queue.put(key(i), "https://slow.test", kNow);
    queue.put({"quick", "default"}, "https://quick.test", kNow + milliseconds(5));
    EXPECT_EQ(queue.take(kNow).size(), 8U);
    const auto next = queue.take(kNow + milliseconds(5));
    ASSERT_EQ(next.size(), 1U);
    EXPECT_EQ(next.front().first, "quick");
}

TEST_F(RefreshQueueTest, the_longest_due_comes_first_and_each_is_under_way_once) {
    for (int i = 0; i < 20; ++i) queue.put(key(i), "s", kNow - seconds(i));
    const auto first = queue.take(kNow);
    ASSERT_EQ(first.size(), 8U);
    EXPECT_EQ(first.front(), key(19));
    queue.put(key(19), "s", kNow - minutes(1));
    EXPECT_TRUE(queue.take(kNow).empty());
    queue.ended(key(19), false, kNow - minutes(1), kNow, random);
    EXPECT_EQ(queue.take(kNow), std::vector{key(11)}) << "a pause comes before the same one again";
}

TEST_F(RefreshQueueTest, failures_pause_longer_each_time_whoever_asks) {
    queue.put(key(1), "s", kNow);
    Duration last{0};
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(queue.take(now).size(), 1U) << i;
        queue.ended(key(1), true, now, now, random);
        queue.put(key(1), "s", now);  // a request uses it meanwhile
        const auto next = queue.next(now);
        ASSERT_TRUE(next);
        const auto pause = *next - now;
        EXPECT_GE(pause, std::min<Duration>(seconds(1) * (1 << std::min(i, 10)), minutes(5)));
        EXPECT_LE(pause, minutes(10));
        now = *next;
        last = pause;
    }
    EXPECT_GE(last, minutes(5));
    ASSERT_EQ(queue.take(now).size(), 1U);
    queue.ended(key(1), false, now + minutes(30), now, random);
    EXPECT_EQ(queue.next(now), now + minutes(30)) << "all is forgiven";
}

TEST_F(RefreshQueueTest, waking_up_is_no_storm) {
    for (int i = 0; i < 1000; ++i) queue.put(key(i), "server " + std::to_string(i), kNow + minutes(i % 60));
    now = kNow + std::chrono::hours(9);
    queue.clock_jumped(now, random);
    std::size_t before = 0;
    for (int second = 0; second < 60; ++second) {
        const auto taken = queue.take(now + seconds(second));
        EXPECT_LE(taken.size(), 60U) << second;
        before += taken.size();
    }
    EXPECT_GE(before, 950U);
    EXPECT_EQ(before + queue.take(now + minutes(1)).size(), 1000U);
}

TEST_F(RefreshQueueTest, a_clock_that_was_put_back_ten_years_leaves_no_pause_of_ten_years) {
    queue.put(key(1), "s", kNow);
    ASSERT_EQ(queue.take(kNow).size(), 1U);
    queue.ended(key(1), true, kNow, kNow, random);
    now = kNow - std::chrono::hours(24 * 3650);
    queue.clock_jumped(now, random);
    EXPECT_EQ(queue.take(now + minutes(1)).size(), 1U);
}

TEST_F(RefreshQueueTest, what_is_never_due_is_forgotten_also_while_under_way) {
    queue.put(key(1), "s", kNow);
    queue.put(key(1), "s", std::nullopt);
    EXPECT_EQ(queue.size(), 0U);
    EXPECT_FALSE(queue.next(kNow));
    queue.put(key(2), "s", kNow);
    ASSERT_EQ(queue.take(kNow).size(), 1U);
    queue.put(key(2), "s", std::nullopt);
    queue.ended(key(2), false, kNow, kNow, random);
    EXPECT_EQ(queue.size(), 0U);
    EXPECT_EQ(queue.under_way(), 0U);
}

}  // namespace
}  // namespace claviger::connection
