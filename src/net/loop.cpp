#include "net/loop.hpp"

#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "net/loop_native.hpp"

namespace claviger::net {

namespace {

std::string text_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "unknown exception";
    }
}

// Starts `task` on the next turn, never inside the caller.
template <class Done>
void start(Reactor& reactor, Task<void> task, Done done) {
    auto* queue = reactor.queue();
    if (queue == nullptr) return;
    boost::asio::post(*queue, [queue, task = std::move(task), done = std::move(done)]() mutable {
        boost::asio::co_spawn(*queue, std::move(task), std::move(done));
    });
}

}  // namespace

Loop::Loop() : native_(std::make_unique<Native>()) {
    // OpenSSL writes to the socket with write(2), which raises SIGPIPE when the peer is gone.
    std::signal(SIGPIPE, SIG_IGN);
}

Loop::~Loop() {
    native_->pool.join();  // running jobs refer to the frames of waiting coroutines
    native_->reactor->shut_down();
}

void Loop::run() {
    Reactor& reactor = *native_->reactor;
    for (;;) {
        reactor.run_pending();
        if (reactor.stop_requested()) break;
        if (native_->live_tasks == 0 && reactor.idle()) break;
        reactor.wait();
    }
    reactor.clear_stop();
}

void Loop::stop() { native_->reactor->stop(); }
void Loop::post(std::function<void()> work) { native_->reactor->post(std::move(work)); }

void Loop::spawn(const char* name, Task<void> task) {
    ++native_->live_tasks;
    Native& native = *native_;
    start(*native.reactor, std::move(task), [&native, name](const std::exception_ptr& thrown) {
        --native.live_tasks;
        if (thrown) native.reactor->bug(name, text_of(thrown));
    });
}

void Loop::on_bug(std::function<void(const char*, std::string)> handler) {
    native_->reactor->on_bug(std::move(handler));
}

void Loop::run_until_done(Task<void> task) {
    Reactor& reactor = *native_->reactor;
    struct Outcome {
        bool done = false;
        std::exception_ptr thrown;
    };
    auto outcome = std::make_shared<Outcome>();
    start(reactor, std::move(task), [outcome](const std::exception_ptr& thrown) {
        outcome->done = true;
        outcome->thrown = thrown;
    });
    for (;;) {
        reactor.run_pending();
        if (outcome->done) break;
        reactor.wait();
        reactor.clear_stop();  // nothing to return without the result: stop() is for run()
    }
    if (outcome->thrown) std::rethrow_exception(outcome->thrown);
}

Task<void> Loop::sleep(std::chrono::milliseconds duration) {
    Reactor& reactor = *native_->reactor;
    Waiter waiter(reactor);
    const auto deadline = in(duration);
    co_await reactor.park(waiter, deadline);
}

Task<void> Loop::run_blocking_job(std::function<void()> job) {
    auto reactor = native_->reactor;
    Waiter waiter(*reactor);
    std::exception_ptr thrown;
    bool done = false;
    native_->pool.run([&] {
        try {
            job();
        } catch (...) {
            thrown = std::current_exception();
        }
        reactor->post([&] {
            done = true;
            reactor->wake(waiter, Waiter::Outcome::ready);
        });
    }, BlockingPool::AtExit::wait);
    if (!done) co_await reactor->park(waiter, Deadline::max());
    if (thrown) std::rethrow_exception(thrown);
}

void Loop::hold_signals(const std::vector<int>& signals) { native_->signals.hold_all(signals); }

Task<int> Loop::next_signal(std::vector<int> signals) { return native_->signals.next(std::move(signals)); }

}  // namespace claviger::net
