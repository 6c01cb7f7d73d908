// SignalQueue: the process's signals as something a coroutine can await: a handler that writes the number into
// a pipe. Handlers, not a blocked mask with signalfd, because threads that libraries started have their own mask.
// From the first await of a signal until this object dies the signal keeps its default action from happening; one
// that comes while nobody awaits is kept for the next await. One object at a time in a process may hold signals.
// For net/ only. Thread rule: the loop's thread.
#pragma once

#include <csignal>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "net/socket.hpp"

namespace claviger::net {

class SignalQueue {
public:
    explicit SignalQueue(std::shared_ptr<Reactor> reactor);
    ~SignalQueue();
    SignalQueue(const SignalQueue&) = delete;
    SignalQueue& operator=(const SignalQueue&) = delete;

    Task<int> next(std::vector<int> signals);
    // As the first await of each would: their default action does not happen from now on.
    void hold_all(const std::vector<int>& signals);

private:
    void open();
    void hold(int signal);
    void collect();
    std::optional<int> take(const std::vector<int>& signals);

    std::shared_ptr<Reactor> reactor_;
    std::shared_ptr<Socket> pipe_;
    FileDescriptor write_end_;
    std::map<int, struct sigaction> before_;
    std::deque<int> arrived_;
};

}  // namespace claviger::net
