// Loop: one thread's event loop. Everything made from a Loop is used on its thread only, except stop() and
// post(), which are safe from any thread and from signal-handling threads.
#pragma once

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/task.hpp"

namespace claviger::net {

class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();   // until stop() or no spawned task is left
    void stop();  // run() returns after the current turn; does not end run_until()
    void post(std::function<void()> work);

    // Starts a task that nobody awaits. An exception in it is a bug: it goes to `on_bug` (default: abort with
    // the name). `name` must be a literal. The task starts on the loop's next turn, not inside spawn().
    void spawn(const char* name, Task<void> task);
    // The handler must not throw.
    void on_bug(std::function<void(const char* name, std::string what)> handler);

    // Runs the loop until `task` is done: the bridge from main() and tests into coroutines.
    template <class T>
    T run_until(Task<T> task) {
        std::optional<T> result;
        run_until_done(store(std::move(task), result));
        return std::move(*result);
    }
    void run_until(Task<void> task) { run_until_done(std::move(task)); }

    Task<void> sleep(std::chrono::milliseconds duration);
    // Runs blocking work (getaddrinfo, Argon2id) on a small thread pool and resumes on this loop.
    template <class F>
    auto run_blocking(F work) -> Task<decltype(work())> {
        std::optional<decltype(work())> result;
        std::function<void()> job = [&result, &work] { result.emplace(work()); };
        co_await run_blocking_job(std::move(job));
        co_return std::move(*result);
    }
    // Next signal out of `signals`. From its first await until the loop dies a signal's default action does not
    // happen; one that comes while nobody awaits is kept for the next await. One loop per process may do this.
    Task<int> next_signal(std::vector<int> signals);
    // The same from now on, before anybody awaits: for what must not be missed from a certain moment.
    void hold_signals(const std::vector<int>& signals);

    // For net/ only.
    struct Native;
    Native& native() { return *native_; }

private:
    template <class T>
    static Task<void> store(Task<T> task, std::optional<T>& into) {
        into.emplace(co_await std::move(task));
    }
    void run_until_done(Task<void> task);
    Task<void> run_blocking_job(std::function<void()> job);
    std::unique_ptr<Native> native_;
};

// One waiter or many wait for one event on the same loop. set() wakes all, for good.
class Event {
public:
    explicit Event(Loop& loop);
    ~Event();
    void set();
    [[nodiscard]] bool is_set() const;
    Task<base::Result<void>> wait(Deadline deadline);  // ErrorCode::timeout

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace claviger::net
