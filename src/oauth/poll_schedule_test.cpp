#include "oauth/poll_schedule.hpp"

#include <gtest/gtest.h>

#include <random>

namespace claviger::oauth {
namespace {

using namespace std::chrono_literals;
using net::Deadline;
using std::chrono::seconds;

const Deadline kStart = Deadline() + 1000h;

TEST(PollSchedule, RFC8628_each_answer_moves_the_next_request) {
    PollSchedule schedule(5s, 100s, kStart);
    EXPECT_EQ(schedule.next(), kStart + 5s);
    schedule.pending(kStart + 7s);  // the answer took two seconds: the interval begins at the answer
    EXPECT_EQ(schedule.next(), kStart + 12s);
    schedule.slow_down(kStart + 12s);
    EXPECT_EQ(schedule.next(), kStart + 22s);
    schedule.pending(kStart + 22s);  // for good
    EXPECT_EQ(schedule.next(), kStart + 32s);
    schedule.slow_down(kStart + 32s);
    EXPECT_EQ(schedule.next(), kStart + 47s);
    schedule.pending(kStart + 85s);
    EXPECT_EQ(schedule.next(), std::nullopt);  // one that could only come after the end is not sent
    EXPECT_EQ(schedule.end(), kStart + 100s);
}

TEST(PollSchedule, the_last_request_leaves_just_before_the_code_runs_out) {
    PollSchedule schedule(5s, 14s, kStart);
    EXPECT_EQ(schedule.next(), kStart + 5s);
    schedule.pending(kStart + 5s);  // at 10 s it would leave four seconds in which an approval is not seen
    EXPECT_EQ(schedule.next(), kStart + 13s);
    schedule.pending(kStart + 13s);
    EXPECT_EQ(schedule.next(), std::nullopt);
    EXPECT_EQ(PollSchedule(5s, 12s, kStart).next(), kStart + 5s);
    EXPECT_EQ(PollSchedule(5s, 11s, kStart).next(), kStart + 10s);  // two would be too close to each other
    PollSchedule slow(5s, 30s, kStart);
    slow.slow_down(kStart + 5s);
    EXPECT_EQ(slow.next(), kStart + 15s);
    slow.pending(kStart + 15s);
    EXPECT_EQ(slow.next(), kStart + 29s);
    // One that cannot be reached is asked a last time too, more slowly than before.
    PollSchedule away(5s, 60s, kStart);
    away.unreachable(kStart + 5s);
    away.unreachable(kStart + 15s);
    EXPECT_EQ(away.next(), kStart + 35s);
    away.unreachable(kStart + 35s);
    EXPECT_EQ(away.next(), kStart + 59s);
    away.unreachable(kStart + 35s, 30s);  // its own word
    EXPECT_EQ(away.next(), std::nullopt);
    for (auto interval = 1s; interval <= 20s; ++interval) {
        for (auto lifetime = interval + 3s; lifetime <= 300s; ++lifetime) {
            PollSchedule steady(interval, lifetime, kStart);
            std::optional<Deadline> last;
            for (auto next = steady.next(); next; next = steady.next()) {
                ASSERT_GE(*next, last.value_or(kStart) + interval);
                last = next;
                steady.pending(*next + 100ms);
            }
            ASSERT_TRUE(last && *last < steady.end() && *last >= steady.end() - 1s) << interval.count() << " of " << lifetime.count();
        }
    }
}

TEST(PollSchedule, RFC8628_backs_off_while_the_server_cannot_be_reached_and_returns_when_it_can) {
    PollSchedule schedule(5s, 3600s, kStart);
    auto now = kStart;
    for (const auto wait : {10s, 20s, 40s, 60s, 60s, 60s, 60s, 60s}) {
        schedule.unreachable(now);
        EXPECT_EQ(schedule.next(), now + wait);
        now += wait;
    }
    schedule.unreachable(now, 120s);  // the server's own word
    EXPECT_EQ(schedule.next(), now + 120s);
    schedule.unreachable(now, 1s);
    EXPECT_EQ(schedule.next(), now + 60s);
    schedule.pending(now);
    EXPECT_EQ(schedule.next(), now + 5s);
    PollSchedule slow(90s, 3600s, kStart);  // never faster than the interval
    slow.unreachable(kStart);
    EXPECT_EQ(slow.next(), kStart + 90s);
}

TEST(PollSchedule, extreme_numbers_end_the_flow_instead_of_overflowing) {
    EXPECT_EQ(PollSchedule(seconds(4'000'000'000), 900s, kStart).next(), std::nullopt);
    PollSchedule schedule(5s, 900s, kStart);
    schedule.unreachable(kStart, seconds::max() / 4);
    EXPECT_EQ(schedule.next(), std::nullopt);
    EXPECT_EQ(PollSchedule(5s, 5s, kStart).next(), std::nullopt);
    EXPECT_EQ(PollSchedule(5s, 6s, kStart).next(), kStart + 5s);
}

// A server that holds the client to what RFC 8628 says, under answers, latencies and outages by chance.
struct StrictServer {
    Deadline last_answer;
    seconds interval;
    int early = 0, polls = 0, after_end = 0;
    seconds back_off{0}, least{0};
    void poll(Deadline at, Deadline end) {
        ++polls;
        const bool last = at >= end - 1s;  // it cannot come later, so it need only be later than the one before
        if (at - last_answer < std::max(interval, last ? least : back_off)) ++early;
        if (at >= end) ++after_end;
    }
};

TEST(PollSchedule, OA17_a_thousand_flows_without_one_early_poll) {
    std::mt19937 chance(8628);
    const auto between = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(chance); };
    int polls = 0, approved = 0, run_out = 0, slowed = 0, unreached = 0;
    for (int flow = 0; flow < 1000; ++flow) {
        const seconds interval{between(1, 20)}, lifetime{between(30, 1800)};
        PollSchedule schedule(interval, lifetime, kStart);
        StrictServer server{kStart, interval};
        const auto approval = kStart + seconds(between(1, 2000));
        auto now = kStart;
        seconds outage{0};
        for (;;) {
            const auto next = schedule.next();
            if (!next) {
                ++run_out;
                break;
            }
            ASSERT_GE(*next, now);
            now = *next + std::chrono::milliseconds(between(0, 400));  // a timer is late, never early
            server.poll(*next, kStart + lifetime);
            const auto kind = between(0, 9);
            now += std::chrono::milliseconds(between(1, 30'000));
            server.last_answer = now;
            if (kind == 0) {
                ++unreached;
                server.least = std::max(server.interval, outage);
                outage = std::min(server.least * 2, seconds(60));
                server.back_off = outage;  // RFC 8628: reduced before retrying, doubled each time
                schedule.unreachable(now);
                continue;
            }
            outage = server.back_off = server.least = seconds(0);
            if (kind == 1) {
                ++slowed;
                server.interval += 5s;
                schedule.slow_down(now);
                continue;
            }
            if (now >= approval) {
                ++approved;
                break;
            }
            schedule.pending(now);
        }
        ASSERT_EQ(server.early, 0) << "flow " << flow;
        ASSERT_EQ(server.after_end, 0) << "flow " << flow;
        polls += server.polls;
    }
    // The chance has met every case often.
    EXPECT_GT(polls, 10'000);
    EXPECT_GT(approved, 100);
    EXPECT_GT(run_out, 100);
    EXPECT_GT(slowed, 500);
    EXPECT_GT(unreached, 500);
}

}  // namespace
}  // namespace claviger::oauth
