// BlockingPool: a few threads for work that blocks (getaddrinfo, Argon2id). Threads start when needed. Jobs must not
// throw. For net/ only. Thread rule: run() and join() on the owner's thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace claviger::net {

class BlockingPool {
public:
    BlockingPool();
    ~BlockingPool() { join(); }
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;

    enum class AtExit {
        wait,   // the job refers to things of the loop
        leave,  // it owns all it touches: join() does not wait for it (a name server may take half a minute)
    };
    void run(std::function<void()> job, AtExit at_exit);
    // Waits for running jobs that are not to be left; those that did not start are dropped. No run() after it.
    void join();

private:
    struct Shared;
    struct Worker;
    static void work(const std::shared_ptr<Shared>& shared, const std::shared_ptr<Worker>& self);
    std::shared_ptr<Shared> shared_;
    std::vector<std::shared_ptr<Worker>> workers_;
};

}  // namespace claviger::net
