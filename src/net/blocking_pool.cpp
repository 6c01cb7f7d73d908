#include "net/blocking_pool.hpp"

#include <csignal>

namespace claviger::net {

namespace {
// Enough that two slow name servers do not hold up a key derivation; Argon2id's memory forbids many more.
constexpr std::size_t kMostThreads = 4;
}  // namespace

void BlockingPool::run(std::function<void()> job) {
    bool start = false;
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
        start = idle_ < jobs_.size() && threads_.size() < kMostThreads;
    }
    changed_.notify_one();
    if (!start) return;
    // Signals belong to the main thread: the new thread inherits a full mask.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    threads_.emplace_back([this] { work(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void BlockingPool::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        changed_.wait(lock, [this] { return joining_ || !jobs_.empty(); });
        --idle_;
        if (joining_) return;
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
    }
}

void BlockingPool::join() {
    std::deque<std::function<void()>> dropped;
    {
        const std::lock_guard lock(mutex_);
        joining_ = true;
        dropped.swap(jobs_);
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

}  // namespace claviger::net
