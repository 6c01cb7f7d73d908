#include "net/loop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

namespace claviger::net {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;

Task<int> answer(Loop& loop) {
    co_await loop.sleep(milliseconds{1});
    co_return 42;
}

Task<void> count_up(Loop& loop, int& count, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        co_await loop.sleep(milliseconds{0});
        ++count;
    }
}

TEST(Loop, run_until_gives_the_result_of_the_task) {
    Loop loop;
    EXPECT_EQ(loop.run_until(answer(loop)), 42);
    EXPECT_EQ(loop.run_until(answer(loop)), 42) << "the loop can be used again";
}

TEST(Loop, run_ends_when_nothing_is_left) {
    Loop loop;
    int count = 0;
    loop.spawn("a", count_up(loop, count, 100));
    loop.spawn("b", count_up(loop, count, 100));
    EXPECT_EQ(count, 0) << "spawn does not run the task inside the caller";
    loop.run();
    EXPECT_EQ(count, 200);
}

Task<void> forever(Loop& loop, std::shared_ptr<int> kept) {
    for (;;) co_await loop.sleep(std::chrono::hours{1});
    ++*kept;
}

TEST(Loop, suspended_tasks_are_unwound_when_the_loop_dies) {
    auto kept = std::make_shared<int>(0);
    {
        Loop loop;
        for (int i = 0; i < 5; ++i) loop.spawn("forever", forever(loop, kept));
        loop.post([&loop] { loop.stop(); });
        loop.run();
        loop.spawn("never started", forever(loop, kept));
        EXPECT_EQ(kept.use_count(), 7);
    }
    EXPECT_EQ(kept.use_count(), 1);
}

TEST(Loop, stop_from_another_thread_ends_run) {
    Loop loop;
    auto kept = std::make_shared<int>(0);
    loop.spawn("forever", forever(loop, kept));
    std::thread other([&loop] { loop.stop(); });
    loop.run();
    other.join();
}

TEST(Loop, posts_from_many_threads_all_run_on_the_loop_thread) {
    Loop loop;
    const auto self = std::this_thread::get_id();
    int count = 0;
    constexpr int kThreads = 4;
    constexpr int kPosts = 5000;
    auto kept = std::make_shared<int>(0);
    loop.spawn("forever", forever(loop, kept));
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < kPosts; ++j) {
                loop.post([&] {
                    EXPECT_EQ(std::this_thread::get_id(), self);
                    if (++count == kThreads * kPosts) loop.stop();
                });
            }
        });
    }
    loop.run();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(count, kThreads * kPosts);
}

Task<void> throwing(Loop& loop) {
    co_await loop.sleep(milliseconds{0});
    throw std::runtime_error("what went wrong");
}

TEST(Loop, an_exception_in_a_spawned_task_reaches_on_bug_and_nothing_else) {
    Loop loop;
    std::vector<std::string> bugs;
    int count = 0;
    loop.on_bug([&](const char* name, const std::string& what) { bugs.push_back(std::string(name) + "|" + what); });
    loop.spawn("reader", throwing(loop));
    loop.spawn("other", count_up(loop, count, 3));
    loop.post([] { throw std::runtime_error("posted"); });
    loop.run();
    EXPECT_EQ(bugs, (std::vector<std::string>{"post|posted", "reader|what went wrong"}));
    EXPECT_EQ(count, 3);
}

TEST(LoopDeathTest, without_a_handler_a_bug_aborts_with_the_name_of_the_task) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            Loop loop;
            loop.spawn("reader", throwing(loop));
            loop.run();
        },
        "bug in reader: what went wrong");
}

Task<std::thread::id> thread_of_blocking_work(Loop& loop, std::thread::id& after) {
    auto id = co_await loop.run_blocking([] { return std::this_thread::get_id(); });
    after = std::this_thread::get_id();
    co_return id;
}

TEST(Loop, blocking_work_runs_elsewhere_and_resumes_here) {
    Loop loop;
    std::thread::id after;
    EXPECT_NE(loop.run_until(thread_of_blocking_work(loop, after)), std::this_thread::get_id());
    EXPECT_EQ(after, std::this_thread::get_id());
}

Task<void> many_jobs(Loop& loop, int& sum, int jobs) {
    for (int i = 0; i < jobs; ++i) sum += co_await loop.run_blocking([i] { return i; });
}

TEST(Loop, many_blocking_jobs_at_once) {
    Loop loop;
    int sum = 0;
    for (int i = 0; i < 20; ++i) loop.spawn("jobs", many_jobs(loop, sum, 50));
    loop.run();
    EXPECT_EQ(sum, 20 * 49 * 50 / 2);
}

TEST(Loop, dies_safely_while_blocking_work_runs) {
    int sum = 0;
    Loop loop;
    for (int i = 0; i < 20; ++i) loop.spawn("jobs", many_jobs(loop, sum, 50));
    loop.post([&loop] { loop.stop(); });
    loop.run();
}

Task<int> throwing_job(Loop& loop) {
    auto value = co_await loop.run_blocking([]() -> int { throw std::runtime_error("in the job"); });
    co_return value;
}

TEST(Loop, an_exception_of_blocking_work_comes_back) {
    Loop loop;
    EXPECT_THROW(loop.run_until(throwing_job(loop)), std::runtime_error);
}

Task<void> wait_for(Event& event, Deadline deadline, std::vector<std::string>& log) {
    auto waited = co_await event.wait(deadline);
    log.emplace_back(waited ? "set" : base::to_string(waited.error().code));
}

Task<void> set_later(Loop& loop, Event& event) {
    co_await loop.sleep(milliseconds{5});
    event.set();
}

TEST(Event, wakes_all_and_stays_set) {
    Loop loop;
    Event event(loop);
    std::vector<std::string> log;
    loop.spawn("a", wait_for(event, in(milliseconds{10'000}), log));
    loop.spawn("b", wait_for(event, Deadline::max(), log));
    loop.spawn("early", wait_for(event, in(milliseconds{0}), log));
    loop.spawn("set", set_later(loop, event));
    loop.run();
    loop.run_until(wait_for(event, in(milliseconds{0}), log));
    EXPECT_EQ(log, (std::vector<std::string>{"timeout", "set", "set", "set"}));
}

Task<void> wait_and_destroy(Loop& loop, std::unique_ptr<Event>& event) {
    co_await loop.sleep(milliseconds{1});
    event.reset();
}

TEST(Event, destroyed_under_a_wait_ends_it) {
    Loop loop;
    auto event = std::make_unique<Event>(loop);
    std::vector<std::string> log;
    loop.spawn("a", wait_for(*event, Deadline::max(), log));
    loop.spawn("b", wait_and_destroy(loop, event));
    loop.run();
    EXPECT_EQ(log, std::vector<std::string>{"cancelled"});
}

TEST(Event, may_die_before_or_after_a_loop_with_waiters) {
    std::vector<std::string> log;
    auto loop = std::make_unique<Loop>();
    Event event(*loop);
    loop->spawn("a", wait_for(event, Deadline::max(), log));
    loop->post([&] { loop->stop(); });
    loop->run();
    loop.reset();
    EXPECT_TRUE(log.empty());
}

Task<void> collect_signals(Loop& loop, std::vector<int>& seen, std::size_t count) {
    const std::vector<int> wanted{SIGUSR1, SIGUSR2};
    while (seen.size() < count) {
        auto copy = wanted;
        auto signal = co_await loop.next_signal(std::move(copy));
        seen.push_back(signal);
        if (seen.size() == 1) ::kill(::getpid(), SIGUSR2);  // while nobody awaits: kept for the next await
    }
}

Task<void> raise_soon(Loop& loop) {
    co_await loop.sleep(milliseconds{1});
    ::kill(::getpid(), SIGUSR1);
}

TEST(Loop, signals_are_awaited_and_kept_between_awaits) {
    struct sigaction before {};
    ::sigaction(SIGUSR1, nullptr, &before);
    {
        Loop loop;
        std::vector<int> seen;
        loop.spawn("signals", collect_signals(loop, seen, 2));
        loop.spawn("raise", raise_soon(loop));
        loop.run();
        EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR2}));
    }
    struct sigaction after {};
    ::sigaction(SIGUSR1, nullptr, &after);
    EXPECT_EQ(before.sa_handler, after.sa_handler) << "the loop gives the signal back";
}

TEST(Loop, ignores_SIGPIPE) {
    Loop loop;
    struct sigaction action {};
    ::sigaction(SIGPIPE, nullptr, &action);
    EXPECT_EQ(action.sa_handler, SIG_IGN);
}

}  // namespace
}  // namespace claviger::net
