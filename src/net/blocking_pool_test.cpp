#include "net/blocking_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace claviger::net {
namespace {

struct Gate {
    std::promise<void> started, go, ended;
};

TEST(BlockingPool, join_does_not_wait_for_a_job_that_may_be_left) {
    auto gate = std::make_shared<Gate>();
    auto go = gate->go.get_future().share();
    {
        BlockingPool pool;
        pool.run([gate, go] {
            gate->started.set_value();
            go.wait();
            gate->ended.set_value();
        }, BlockingPool::AtExit::leave);
        gate->started.get_future().wait();
        pool.join();
    }
    gate->go.set_value();
    gate->ended.get_future().wait();
}

TEST(BlockingPool, join_waits_for_running_jobs_and_drops_the_others) {
    std::atomic<int> begun{0};
    std::atomic<int> done{0};
    BlockingPool pool;
    for (int i = 0; i < 200; ++i) {
        pool.run([&] {
            ++begun;
            ++done;
        }, BlockingPool::AtExit::wait);
    }
    pool.join();
    EXPECT_EQ(begun.load(), done.load());
    const int after = done.load();
    EXPECT_LE(after, 200);
    pool.join();
    EXPECT_EQ(done.load(), after) << "nothing runs after join()";
}

}  // namespace
}  // namespace claviger::net
