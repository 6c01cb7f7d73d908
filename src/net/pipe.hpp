// A pair of Streams in memory: what one end writes, the other reads. Bounded, so that a writer waits for a slow reader. For
// what speaks one protocol on the outside and is served as another inside. Thread rule: on the Loop's thread.
#pragma once

#include <string>
#include <utility>

#include "net/loop.hpp"
#include "net/stream.hpp"

namespace claviger::net {

// `protocol` is what both ends say of themselves. The ends outlive each other; the Loop outlives both.
std::pair<StreamPtr, StreamPtr> make_pipe(Loop& loop, std::string protocol);

// Waits that are woken again and again; Event is for one time.
class Signal {
public:
    explicit Signal(Loop& loop) : loop_(&loop), next_(std::make_shared<Event>(loop)) {}
    void notify() { std::exchange(next_, std::make_shared<Event>(*loop_))->set(); }
    // For a notify() from now on: take it before looking at what is waited for.
    [[nodiscard]] std::shared_ptr<Event> next() const { return next_; }

private:
    Loop* loop_;
    std::shared_ptr<Event> next_;
};

}  // namespace claviger::net
