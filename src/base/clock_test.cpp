#include "base/clock.hpp"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace claviger::base {
namespace {

using namespace std::chrono_literals;

Instant at(std::int64_t seconds) { return Instant{std::chrono::seconds(seconds)}; }

TEST(Rfc3339, writes_known_instants) {
    EXPECT_EQ(to_rfc3339(at(0)), "1970-01-01T00:00:00Z");
    EXPECT_EQ(to_rfc3339(at(951'782'400)), "2000-02-29T00:00:00Z");
    EXPECT_EQ(to_rfc3339(at(1'795'228'200)), "2026-11-21T02:30:00Z");
    EXPECT_EQ(to_rfc3339(at(4'107'542'399)), "2100-02-28T23:59:59Z");
    EXPECT_EQ(to_rfc3339(at(253'402'300'799)), "9999-12-31T23:59:59Z");
    EXPECT_EQ(to_rfc3339(at(5) + 999ms), "1970-01-01T00:00:05Z");
}

TEST(Rfc3339, clamps_what_has_no_four_digit_year) {
    EXPECT_EQ(to_rfc3339(at(-1)), "1970-01-01T00:00:00Z");
    EXPECT_EQ(to_rfc3339(at(253'402'300'800)), "9999-12-31T23:59:59Z");
    EXPECT_EQ(to_rfc3339(Instant::max()), "9999-12-31T23:59:59Z");
    EXPECT_EQ(to_rfc3339(Instant::min()), "1970-01-01T00:00:00Z");
}

TEST(Rfc3339, refuses_anything_else) {
    for (const auto* text : {"", "2026-11-21", "2026-11-21T02:30:00", "2026-11-21T02:30:00z", "2026-11-21t02:30:00Z",
                             "2026-11-21 02:30:00Z", "2026-11-21T02:30:00+00:00", "2026-11-21T02:30:00.5Z",
                             "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-32T00:00:00Z",
                             "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
                             "-026-01-01T00:00:00Z", "2026--1-01T00:00:00Z", "2026-01-01T-1:00:00Z", "2026-01-01T+1:00:00Z",
                             "2026-01-01T 1:00:00Z", "2026/01/01T00:00:00Z", "2026-01-01T00:00:00Z ", "２026-01-01T00:00:0Z"}) {
        const auto parsed = from_rfc3339(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, ErrorCode::invalid_input);
    }
}

RC_GTEST_PROP(Rfc3339, round_trip, ()) {
    const auto seconds = *rc::gen::inRange<std::int64_t>(0, 253'402'300'800);
    const auto parsed = from_rfc3339(to_rfc3339(at(seconds)));
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(*parsed == at(seconds));
}

TEST(Clock, the_fake_moves_only_when_told) {
    FakeClock clock(at(100));
    EXPECT_EQ(clock.now(), at(100));
    EXPECT_EQ(clock.now(), at(100));
    clock.advance(1500ms);
    EXPECT_EQ(clock.now(), at(101) + 500ms);
}

TEST(Clock, the_system_clock_is_of_this_century) {
    EXPECT_GT(SystemClock().now(), at(1'700'000'000));
    EXPECT_LT(SystemClock().now(), at(4'102'444'800));
}

}  // namespace
}  // namespace claviger::base
