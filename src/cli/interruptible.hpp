// What a human may interrupt: SIGINT, SIGTERM and SIGHUP end a wait with ErrorCode::cancelled instead of the process,
// so that terminal and listener are put back and the documented exit code is returned (CL-02, CL-11).
// Thread rule: main thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "net/loop.hpp"

namespace claviger::cli {

// Runs the task on the loop. nullopt: a signal came first. What the task still holds is given up when the loop dies,
// so whatever it refers to must have been made to outlive that, or to be let go of by the frames without a look.
template <class T>
std::optional<T> run_until_interrupted(net::Loop& loop, net::Task<T> task);

// Questions on the terminal: a signal at the prompt is an answer, "cancelled".
base::Result<base::Secret> ask_secret(std::string_view prompt);
base::Result<std::string> ask_line(std::string_view prompt);
base::Result<bool> ask_yes_no(std::string_view question);

namespace interruptible {

struct Race {
    explicit Race(net::Loop& loop) : over(loop) {}
    net::Event over;
    std::string bug;
};
net::Task<void> watch_signals(net::Loop& loop, std::shared_ptr<Race> race);
void wait_for_end(net::Loop& loop, const std::shared_ptr<Race>& race);  // throws what a task threw

template <class T>
net::Task<void> run_to_end(std::shared_ptr<Race> race, net::Task<T> task, std::shared_ptr<std::optional<T>> into) {
    into->emplace(co_await std::move(task));
    race->over.set();
}

}  // namespace interruptible

template <class T>
std::optional<T> run_until_interrupted(net::Loop& loop, net::Task<T> task) {
    const auto race = std::make_shared<interruptible::Race>(loop);
    const auto result = std::make_shared<std::optional<T>>();
    loop.spawn("interrupted by a signal", interruptible::watch_signals(loop, race));
    loop.spawn("interruptible task", interruptible::run_to_end<T>(race, std::move(task), result));
    interruptible::wait_for_end(loop, race);
    return std::move(*result);
}

}  // namespace claviger::cli
