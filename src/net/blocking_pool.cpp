#include "net/blocking_pool.hpp"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace claviger::net {

namespace {

// Enough that two slow name servers do not hold up a key derivation; Argon2id's memory forbids many more.
constexpr std::size_t kMostThreads = 4;

}  // namespace

struct BlockingPool::Worker {
    std::thread thread;     // of the owner
    bool leaving = false;   // runs a job that join() must not wait for; under the mutex, like the next
    bool done = false;
};

// What threads that were left keep alive.
struct BlockingPool::Shared {
    struct Job {
        std::function<void()> work;
        AtExit at_exit = AtExit::wait;
    };
    std::mutex mutex;
    std::condition_variable changed;  // for the workers
    std::condition_variable ended;    // for join()
    std::deque<Job> jobs;             // under the mutex, like the next two
    std::size_t idle = 0;
    bool joining = false;
};

BlockingPool::BlockingPool() : shared_(std::make_shared<Shared>()) {}

void BlockingPool::run(std::function<void()> job, AtExit at_exit) {
    bool start = false;
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->jobs.push_back({std::move(job), at_exit});
        start = shared_->idle < shared_->jobs.size() && workers_.size() < kMostThreads;
    }
    shared_->changed.notify_one();
    if (!start) return;
    // Signals belong to the main thread: the new thread inherits a full mask.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        auto worker = std::make_shared<Worker>();
        worker->thread = std::thread([shared = shared_, worker] { work(shared, worker); });
        workers_.push_back(std::move(worker));
    } catch (const std::system_error&) {
        // No more threads on this machine: the others will do it. The first one is needed; without it nothing works.
        if (workers_.empty()) std::terminate();
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void BlockingPool::work(const std::shared_ptr<Shared>& shared, const std::shared_ptr<Worker>& self) {
    std::unique_lock lock(shared->mutex);
    while (!shared->joining) {
        ++shared->idle;
        shared->changed.wait(lock, [&] { return shared->joining || !shared->jobs.empty(); });
        --shared->idle;
        if (shared->joining) break;
        Shared::Job job = std::move(shared->jobs.front());
        shared->jobs.pop_front();
        self->leaving = job.at_exit == AtExit::leave;
        lock.unlock();
        job.work();
        job.work = nullptr;
        lock.lock();
        self->leaving = false;
    }
    self->done = true;
    shared->ended.notify_all();
}

void BlockingPool::join() {
    std::deque<Shared::Job> dropped;
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->joining = true;
        dropped.swap(shared_->jobs);
    }
    shared_->changed.notify_all();
    for (const auto& worker : workers_) {
        std::unique_lock lock(shared_->mutex);
        shared_->ended.wait(lock, [&] { return worker->done || worker->leaving; });
        const bool done = worker->done;
        lock.unlock();
        if (done) worker->thread.join();
        else worker->thread.detach();
    }
    workers_.clear();
}

}  // namespace claviger::net
