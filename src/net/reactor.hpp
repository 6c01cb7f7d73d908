// Reactor: what a Loop is made of; for net/ only. Asio supplies the coroutine type and a run queue; readiness is
// our own edge-triggered epoll, because Asio's needs one epoll_ctl for every wait and one more read. Costs: a
// wait is no system call of its own, a turn of the loop is one epoll_wait for all streams, a deadline is armed
// only by a wait that really waits.
// Ownership: Loop and every Socket share it; after shut_down() it is an empty shell. Thread rule: the loop's
// thread, except post() and stop().
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/file_descriptor.hpp"
#include "net/task.hpp"

namespace claviger::net {

class Reactor;
class Socket;

// One suspended coroutine and the deadline of its wait. A Waiter must outlive the wait (it is a local of the
// waiting coroutine, or part of what that coroutine keeps alive). It is reused: while a stream's deadlines only
// move forward, its one alarm is re-armed when it rings, not at each wait.
class Waiter {
public:
    enum class Outcome { ready, timeout, cancelled };
    explicit Waiter(Reactor& reactor) : reactor_(reactor) {}
    ~Waiter();
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    [[nodiscard]] bool waiting() const { return handler_.has_value(); }

private:
    friend class Reactor;
    using Handler = boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;
    using Alarms = std::multimap<Deadline, Waiter*>;

    Reactor& reactor_;
    std::optional<Handler> handler_;
    Outcome outcome_ = Outcome::ready;
    Deadline deadline_{};
    std::optional<Alarms::iterator> alarm_;
    Waiter* previous_ = nullptr;  // the reactor's list of all waiting ones, for shut_down()
    Waiter* next_ = nullptr;
};

class Reactor {
public:
    Reactor();
    ~Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    // Any thread. After shut_down() the work is dropped.
    void post(std::function<void()> work);
    void stop();

    // The loop's thread.
    boost::asio::io_context* queue() { return queue_.get(); }  // null while and after shut_down()
    void run_pending();               // everything that can go on now, once
    void wait();                      // then: waits for events, deadlines or post()
    [[nodiscard]] bool stop_requested() const { return stop_.load(std::memory_order_relaxed); }
    void clear_stop() { stop_.store(false); }
    [[nodiscard]] bool idle() const { return ready_.empty() && yielded_.empty() && !has_posted_.load(); }
    // What is called for a bug must not throw.
    void on_bug(std::function<void(const char*, std::string)> handler) { on_bug_ = std::move(handler); }
    void bug(const char* name, std::string what);
    void shut_down();                 // destroys every suspended coroutine, then the queue

    Task<Waiter::Outcome> park(Waiter& waiter, Deadline deadline);
    void wake(Waiter& waiter, Waiter::Outcome outcome);
    // Lets the other coroutines and the kernel's events have a turn.
    Task<void> yield();

    // Readiness of a descriptor. The returned key is never reused for another socket.
    std::uint64_t enroll(Socket& socket);
    void withdraw(std::uint64_t key);
    // Starts watching `fd` under `key`, or (`again`) changes what is watched. False when the kernel refuses.
    bool watch(int fd, std::uint64_t key, bool writable, bool again);

private:
    struct Slot {
        Socket* socket = nullptr;
        std::uint32_t generation = 0;
    };
    void enlist(Waiter& waiter, Waiter::Handler handler, Deadline deadline);
    void unlist(Waiter& waiter);
    void arm(Waiter& waiter);
    void ring();
    void run_posted();
    void run_ready();
    [[nodiscard]] int wait_time() const;
    void dispatch(int events);
    friend class Waiter;

    struct Events;
    FileDescriptor epoll_;
    FileDescriptor wake_up_;
    std::unique_ptr<Events> events_;
    std::unique_ptr<boost::asio::io_context> queue_;
    std::vector<Waiter::Handler> ready_, running_, yielded_;
    Waiter::Alarms alarms_;
    Waiter* waiting_ = nullptr;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::function<void(const char*, std::string)> on_bug_;
    bool shutting_down_ = false;

    std::mutex mutex_;
    std::vector<std::function<void()>> posted_;  // under mutex_, like the next
    bool closed_ = false;
    std::atomic<bool> has_posted_{false};
    std::atomic<bool> asleep_{false};
    std::atomic<bool> stop_{false};
};

}  // namespace claviger::net
