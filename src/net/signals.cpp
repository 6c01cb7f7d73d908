#include "net/signals.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

namespace claviger::net {

namespace {

// A signal handler can reach nothing else.
std::atomic<int> signal_pipe{-1};

extern "C" void claviger_on_signal(int number) {
    const int saved = errno;
    const auto byte = static_cast<unsigned char>(number);
    const int fd = signal_pipe.load();
    if (fd >= 0) [[maybe_unused]] const auto written = ::write(fd, &byte, 1);
    errno = saved;
}

}  // namespace

SignalQueue::SignalQueue(std::shared_ptr<Reactor> reactor) : reactor_(std::move(reactor)) {}

SignalQueue::~SignalQueue() {
    for (const auto& [signal, action] : before_) ::sigaction(signal, &action, nullptr);
    if (write_end_.valid()) signal_pipe.store(-1);
}

void SignalQueue::open() {
    if (pipe_) return;
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return reactor_->bug("signals", "no descriptors left");
    pipe_ = std::make_shared<Socket>(reactor_, FileDescriptor(ends[0]));
    write_end_ = FileDescriptor(ends[1]);
    int expected = -1;
    if (!signal_pipe.compare_exchange_strong(expected, ends[1])) reactor_->bug("signals", "a second loop awaits signals");
}

void SignalQueue::hold(int signal) {
    if (before_.contains(signal)) return;
    struct sigaction action {};
    action.sa_handler = claviger_on_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    struct sigaction before {};
    if (::sigaction(signal, &action, &before) == 0) before_.emplace(signal, before);
}

void SignalQueue::collect() {
    std::array<unsigned char, 64> bytes{};
    for (;;) {
        const auto count = ::read(pipe_->fd(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        arrived_.insert(arrived_.end(), bytes.begin(), bytes.begin() + count);
    }
    pipe_->would_block(Direction::read);
}

std::optional<int> SignalQueue::take(const std::vector<int>& signals) {
    const auto found = std::find_first_of(arrived_.begin(), arrived_.end(), signals.begin(), signals.end());
    if (found == arrived_.end()) return std::nullopt;
    const int signal = *found;
    arrived_.erase(found);
    return signal;
}

void SignalQueue::hold_all(const std::vector<int>& signals) {
    open();
    for (const int signal : signals) hold(signal);
}

Task<int> SignalQueue::next(std::vector<int> signals) {
    hold_all(signals);
    for (;;) {
        collect();
        if (const auto signal = take(signals)) co_return *signal;
        auto pipe = pipe_;
        auto waited = co_await until_ready(std::move(pipe), Direction::read, Deadline::max());
        if (!waited) co_return 0;
    }
}

}  // namespace claviger::net
