// BlockingPool: a few threads for work that blocks (getaddrinfo, Argon2id). Threads start when needed and are
// joined by join(). Jobs must not throw. For net/ only. Thread rule: run() and join() on the owner's thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace claviger::net {

class BlockingPool {
public:
    BlockingPool() = default;
    ~BlockingPool() { join(); }
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;

    void run(std::function<void()> job);
    // Waits for the running jobs; those that did not start are dropped.
    void join();

private:
    void work();
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> jobs_;  // under mutex_, like the next two
    std::size_t idle_ = 0;
    bool joining_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace claviger::net
