#include "net/reactor.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include <boost/asio/post.hpp>

#include "net/socket.hpp"

namespace claviger::net {

namespace {

constexpr std::uint64_t kWakeUpKey = ~std::uint64_t{0};
constexpr std::chrono::hours kLongestSleep{1};

// Suspends a coroutine: hands its continuation to the reactor.
template <class Take>
struct Suspension {
    Take take;
    template <class Handler>
    void operator()(Handler handler) {
        take(std::move(handler));
    }
};

template <class Take>
Task<void> suspended(Take take) {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
        Suspension<Take>{std::move(take)}, boost::asio::use_awaitable);
}

}  // namespace

struct Reactor::Events {
    std::array<epoll_event, 256> list{};
};

Waiter::~Waiter() {
    if (alarm_) reactor_.alarms_.erase(*alarm_);
    if (handler_) reactor_.unlist(*this);
}

Reactor::Reactor()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_up_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      events_(std::make_unique<Events>()),
      queue_(std::make_unique<boost::asio::io_context>(1)) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;  // each write is a new edge: the counter is never read
    event.data.u64 = kWakeUpKey;
    if (!epoll_.valid() || !wake_up_.valid() || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_up_.get(), &event) != 0) {
        std::fputs("claviger: no descriptors left for the event loop\n", stderr);
        std::abort();
    }
}

Reactor::~Reactor() { shut_down(); }

void Reactor::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return;
        posted_.push_back(std::move(work));
        has_posted_.store(true);
    }
    if (asleep_.exchange(false)) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wake_up_.get(), &one, sizeof one);
    }
}

void Reactor::stop() {
    stop_.store(true);
    post([] {});
}

void Reactor::bug(const char* name, std::string what) {
    if (on_bug_) return on_bug_(name, std::move(what));
    std::fprintf(stderr, "claviger: bug in %s: %s\n", name, what.c_str());
    std::abort();
}

void Reactor::run_posted() {
    std::vector<std::function<void()>> batch;
    {
        const std::lock_guard lock(mutex_);
        batch.swap(posted_);
        has_posted_.store(false);
    }
    for (auto& work : batch) {
        try {
            work();
        } catch (const std::exception& error) {
            bug("post", error.what());
        } catch (...) {
            bug("post", "unknown exception");
        }
        work = nullptr;
    }
}

void Reactor::run_ready() {
    running_.swap(ready_);
    for (auto& waiting : running_) {
        Waiter::Handler handler(std::move(waiting));
        handler();
    }
    running_.clear();
}

void Reactor::run_pending() {
    // Inside the queue, where Asio recycles coroutine frames.
    boost::asio::post(*queue_, [this] {
        if (has_posted_.load()) run_posted();
        run_ready();
    });
    queue_->restart();
    queue_->poll();
}

int Reactor::wait_time() const {
    if (!idle() || stop_requested()) return 0;
    if (alarms_.empty()) return -1;
    const auto left = alarms_.begin()->first - std::chrono::steady_clock::now();
    if (left <= left.zero()) return 0;
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(std::min<Deadline::duration>(left, kLongestSleep)).count());
}

void Reactor::wait() {
    asleep_.store(true);  // before wait_time() looks at has_posted_: post() does it in the other order
    const int count = ::epoll_wait(epoll_.get(), events_->list.data(), static_cast<int>(events_->list.size()), wait_time());
    asleep_.store(false);
    dispatch(count);
    if (!alarms_.empty()) ring();
    for (auto& handler : yielded_) ready_.push_back(std::move(handler));
    yielded_.clear();
}

void Reactor::dispatch(int events) {
    for (int i = 0; i < events; ++i) {
        const epoll_event& event = events_->list[static_cast<std::size_t>(i)];
        if (event.data.u64 == kWakeUpKey) continue;
        const auto index = static_cast<std::size_t>(event.data.u64 & 0xffffffffU);
        const auto generation = static_cast<std::uint32_t>(event.data.u64 >> 32);
        // A descriptor that a forked child still holds may report after we closed it: the key is then stale.
        if (index >= slots_.size() || slots_[index].generation != generation || slots_[index].socket == nullptr) continue;
        const bool broken = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
        slots_[index].socket->on_readiness((event.events & (EPOLLIN | EPOLLRDHUP)) != 0 || broken,
                                           (event.events & EPOLLOUT) != 0 || broken,
                                           (event.events & EPOLLRDHUP) != 0 || broken);
    }
}

void Reactor::arm(Waiter& waiter) {
    if (waiter.deadline_ == Deadline::max()) return;
    if (waiter.alarm_) {
        if ((*waiter.alarm_)->first <= waiter.deadline_) return;  // rings early, ring() then moves it
        alarms_.erase(*waiter.alarm_);
    }
    waiter.alarm_ = alarms_.emplace(waiter.deadline_, &waiter);
}

void Reactor::ring() {
    const auto now = std::chrono::steady_clock::now();
    while (!alarms_.empty() && alarms_.begin()->first <= now) {
        Waiter& waiter = *alarms_.begin()->second;
        alarms_.erase(alarms_.begin());
        waiter.alarm_.reset();
        if (!waiter.waiting()) continue;
        if (waiter.deadline_ > now) {
            arm(waiter);
        } else {
            wake(waiter, Waiter::Outcome::timeout);
        }
    }
}

void Reactor::enlist(Waiter& waiter, Waiter::Handler handler, Deadline deadline) {
    waiter.handler_.emplace(std::move(handler));
    waiter.deadline_ = deadline;
    waiter.previous_ = nullptr;
    waiter.next_ = waiting_;
    if (waiting_ != nullptr) waiting_->previous_ = &waiter;
    waiting_ = &waiter;
    arm(waiter);
}

void Reactor::unlist(Waiter& waiter) {
    (waiter.previous_ != nullptr ? waiter.previous_->next_ : waiting_) = waiter.next_;
    if (waiter.next_ != nullptr) waiter.next_->previous_ = waiter.previous_;
    waiter.previous_ = waiter.next_ = nullptr;
}

void Reactor::wake(Waiter& waiter, Waiter::Outcome outcome) {
    if (!waiter.waiting()) return;
    unlist(waiter);
    waiter.outcome_ = outcome;
    Waiter::Handler handler(std::move(*waiter.handler_));
    waiter.handler_.reset();
    if (shutting_down_) return;  // dropping the handler unwinds its coroutine through the queue
    ready_.push_back(std::move(handler));
}

Task<Waiter::Outcome> Reactor::park(Waiter& waiter, Deadline deadline) {
    auto parked = suspended([this, &waiter, deadline](Waiter::Handler handler) {
        enlist(waiter, std::move(handler), deadline);
        if (shutting_down_) wake(waiter, Waiter::Outcome::cancelled);
    });
    co_await std::move(parked);
    co_return waiter.outcome_;
}

Task<void> Reactor::yield() {
    return suspended([this](Waiter::Handler handler) { yielded_.push_back(std::move(handler)); });
}

void Reactor::shut_down() {
    if (!queue_) return;
    shutting_down_ = true;
    while (waiting_ != nullptr) wake(*waiting_, Waiter::Outcome::cancelled);
    ready_.clear();
    yielded_.clear();
    {
        std::vector<std::function<void()>> posted;
        const std::lock_guard lock(mutex_);
        closed_ = true;
        posted.swap(posted_);
    }
    queue_.reset();
}

std::uint64_t Reactor::enroll(Socket& socket) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t index = free_slots_.back();
    free_slots_.pop_back();
    slots_[index].socket = &socket;
    return std::uint64_t{slots_[index].generation} << 32 | index;
}

void Reactor::withdraw(std::uint64_t key) {
    const auto index = static_cast<std::uint32_t>(key & 0xffffffffU);
    slots_[index].socket = nullptr;
    ++slots_[index].generation;
    free_slots_.push_back(index);
}

bool Reactor::watch(int fd, std::uint64_t key, bool writable, bool again) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    if (writable) event.events |= EPOLLOUT;
    event.data.u64 = key;
    return ::epoll_ctl(epoll_.get(), again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace claviger::net
