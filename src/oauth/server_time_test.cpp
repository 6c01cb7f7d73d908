#include "oauth/server_time.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace claviger::oauth {
namespace {

using base::Duration;
using base::Instant;
using namespace std::chrono_literals;

const Instant kNow{1'800'000'000s};  // Fri, 15 Jan 2027 08:00:00 GMT

TEST(ServerTime, since_1970_in_the_unit_or_in_milliseconds) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    struct Row { std::int64_t number, unit; std::optional<Instant> at; };
    const Row rows[] = {
        {1'800'003'600, 1000, kNow + 1h},
        {1'800'003'600'000, 1000, kNow + 1h},
        {1'800'003'600'000, 1, kNow + 1h},
        {2'147'483'648, 1000, Instant(2'147'483'648s)},              // 2038
        {4'294'967'296, 1000, Instant(4'294'967'296s)},              // 2106
        {4'294'967'296'000, 1000, Instant(4'294'967'296s)},
        {kNow.time_since_epoch().count() / 1000 + std::int64_t{100} * 365 * 86'400, 1000, kNow + 100 * 365 * 24h},
        {20'834, 86'400'000, Instant(20'834 * 24h)},                 // days
        {kMost, 1000, {}},
        {kMost, 86'400'000, {}},
        {kMost, 1, {}},
    };
    for (const auto& row : rows) EXPECT_EQ(since_1970(row.number, row.unit, kNow), row.at) << row.number << " " << row.unit;
}

TEST(ServerTime, G17_the_skew_is_what_the_date_says_within_reason) {
    struct Row { const char* date; Duration skew; };
    const Row rows[] = {
        {nullptr, 0s},
        {"", 0s},
        {"Fri, 15 Jan 2027 08:00:00 GMT", 0s},
        {"Fri, 15 Jan 2027 08:01:00 GMT", 0s},     // the network may take that
        {"Fri, 15 Jan 2027 07:59:00 GMT", 0s},
        {"Fri, 15 Jan 2027 08:01:01 GMT", 61s},
        {"Fri, 15 Jan 2027 07:50:00 GMT", -10min},
        {"Fri, 15 Jan 2027 08:10:00 GMT", 10min},
        {"Friday, 15-Jan-27 08:10:00 GMT", 10min},
        {"Sat, 16 Jan 2027 08:00:00 GMT", 24h},
        {"Sat, 16 Jan 2027 08:00:01 GMT", 0s},     // no clock is so wrong
        {"Thu, 14 Jan 2027 07:59:59 GMT", 0s},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0s},
        {"Tue, 19 Jan 2038 03:14:08 GMT", 0s},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 0s},
        {"Fri, 15 Jan 2027 08:10:00", 0s},
        {"2027-01-15T08:10:00Z", 0s},
        {"1800000600", 0s},
    };
    for (const auto& row : rows) {
        http::Fields answer;
        if (row.date != nullptr) answer.set("Date", row.date);
        EXPECT_EQ(clock_skew(answer, kNow, kNow), row.skew) << (row.date != nullptr ? row.date : "none");
    }
}
TEST(ServerTime, a_machine_that_slept_while_the_answer_lay_there_has_no_wrong_clock) {
    http::Fields answer;
    answer.set("Date", "Fri, 15 Jan 2027 08:00:01 GMT");
    EXPECT_EQ(clock_skew(answer, kNow, kNow + 3h), 0s);
    answer.set("Date", "Fri, 15 Jan 2027 07:50:00 GMT");
    EXPECT_EQ(clock_skew(answer, kNow, kNow + 3h), -10min);
    answer.set("Date", "Fri, 15 Jan 2027 08:00:01 GMT");
    EXPECT_EQ(clock_skew(answer, kNow + 1h, kNow), 0s) << "ours was put right meanwhile";
    answer.set("Date", "Fri, 15 Jan 2027 11:10:00 GMT");
    EXPECT_EQ(clock_skew(answer, kNow, kNow + 3h), 10min);
}

}  // namespace
}  // namespace claviger::oauth
