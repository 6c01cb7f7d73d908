// What is behind a Loop; for net/ only.
#pragma once

#include "net/blocking_pool.hpp"
#include "net/loop.hpp"
#include "net/reactor.hpp"
#include "net/signals.hpp"

namespace claviger::net {

struct Loop::Native {
    std::shared_ptr<Reactor> reactor = std::make_shared<Reactor>();
    BlockingPool pool;
    SignalQueue signals{reactor};
    std::size_t live_tasks = 0;  // spawned and not done
};

}  // namespace claviger::net
