// RecurringEvent: what is waited for again and again; Event is for one time. Thread rule: on the Loop's thread, which outlives it.
#pragma once

#include <memory>
#include <utility>

#include "net/loop.hpp"

namespace claviger::net {

class RecurringEvent {
public:
    explicit RecurringEvent(Loop& loop) : loop_(&loop), next_(std::make_shared<Event>(loop)) {}
    void notify() { std::exchange(next_, std::make_shared<Event>(*loop_))->set(); }
    // The notify() from now on: taken before looking at what is waited for, and held by who waits.
    [[nodiscard]] std::shared_ptr<Event> next() const { return next_; }

private:
    Loop* loop_;
    std::shared_ptr<Event> next_;
};

}  // namespace claviger::net
