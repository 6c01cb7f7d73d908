#include "policy/limits.hpp"

#include <gtest/gtest.h>

namespace claviger::policy {
namespace {

using namespace std::chrono_literals;

TEST(Limits, times) {
    const struct { std::string_view text; base::Duration duration; std::string_view again; } rows[] = {
        {"1s", 1s, "1s"}, {"90s", 90s, "1m30s"}, {"30m", 30min, "30m"}, {"8h", 8h, "8h"}, {"2d", 48h, "2d"}, {"1h30m", 90min, "1h30m"},
        {"366d", 366 * 24h, "366d"}, {"1d2h3m4s", 24h + 2h + 3min + 4s, "1d2h3m4s"},
    };
    for (const auto& row : rows) {
        const auto duration = parse_duration(row.text);
        ASSERT_TRUE(duration) << row.text;
        EXPECT_EQ(*duration, row.duration) << row.text;
        EXPECT_EQ(duration_text(*duration), row.again);
    }
    for (const std::string_view text : {"", "0s", "s", "5", "5x", "-5m", "5 m", "1m1h", "1m1m", "367d", "99999999999s", "1.5h", "4294967295d"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(Limits, rates) {
    for (const std::string_view text : {"1/s", "60/m", "1000/h", "1000000/d"}) {
        const auto rate = Rate::parse(text);
        ASSERT_TRUE(rate) << text;
        EXPECT_EQ(rate->text(), text);
    }
    for (const std::string_view text : {"", "/m", "60", "60/", "60/w", "0/m", "-1/m", "1000001/s", "60/mm", "6 0/m", "60 / m", "1.5/s"}) EXPECT_FALSE(Rate::parse(text)) << text;
}

TEST(Limits, a_bucket_gives_what_its_rate_says_and_no_more) {
    base::FakeClock clock;
    TokenBucket bucket(*Rate::parse("3/m"), clock.now());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.take(clock.now()), std::nullopt) << i;
    EXPECT_EQ(bucket.take(clock.now()), base::Duration(20s));
    clock.advance(19'999ms);
    EXPECT_EQ(bucket.take(clock.now()), base::Duration(1ms));
    clock.advance(1ms);
    EXPECT_EQ(bucket.take(clock.now()), std::nullopt);
    EXPECT_NE(bucket.take(clock.now()), std::nullopt);
    clock.advance(24h);
    int taken = 0;
    while (!bucket.take(clock.now())) ++taken;
    EXPECT_EQ(taken, 3) << "it never holds more than its count";
    clock.advance(-1h);
    EXPECT_NE(bucket.take(clock.now()), std::nullopt) << "a clock that was set back gives nothing";
    clock.advance(20s);
    EXPECT_EQ(bucket.take(clock.now()), std::nullopt) << "and takes nothing";
    bucket.give_back();
    EXPECT_EQ(bucket.take(clock.now()), std::nullopt);
}

}  // namespace
}  // namespace claviger::policy
