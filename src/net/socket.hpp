// Socket: a non-blocking descriptor with what is known of its readiness. The known state saves system calls:
// whoever sees EAGAIN or a short read says so, and only an event makes the socket ready again.
// Ownership: shared by the stream and by a coroutine that waits on it, so a stream may be destroyed under a wait
// (which then ends with `cancelled`). For net/ only. Thread rule: the loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "net/reactor.hpp"

namespace claviger::net {

enum class Direction { read, write };

class Socket {
public:
    Socket(std::shared_ptr<Reactor> reactor, FileDescriptor fd);
    ~Socket();
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] bool closed() const { return !fd_.valid(); }
    [[nodiscard]] Reactor& reactor() { return *reactor_; }
    [[nodiscard]] const std::shared_ptr<Reactor>& shared_reactor() const { return reactor_; }
    // False: a transfer now would only say EAGAIN.
    [[nodiscard]] bool may_be_ready(Direction direction) const {
        return direction == Direction::read ? readable_ : writable_;
    }
    // A transfer said EAGAIN, or a write took a part only.
    void would_block(Direction direction) { (direction == Direction::read ? readable_ : writable_) = false; }
    // A read gave less than was asked for: nothing is left (epoll(7)). After the peer's end no further event comes,
    // so a socket that hung up stays readable.
    void drained() { readable_ = hung_up_; }
    // Forgets what is known: the next read asks the kernel.
    void look_again() { readable_ = true; }
    // The peer sends no more than what is there.
    [[nodiscard]] bool hung_up() const { return hung_up_; }
    // Counts transfers that did not wait; true when it is time to let others have a turn.
    [[nodiscard]] bool greedy() { return ++streak_ > kLongestStreak; }
    // As Stream::on_hang_up.
    void on_hang_up(std::function<void()> call);
    void close() noexcept;
    // close() with a reset.
    void abort() noexcept;

    // For the reactor.
    void on_readiness(bool readable, bool writable, bool hung_up);

private:
    friend Task<base::Result<void>> until_ready(std::shared_ptr<Socket> socket, Direction direction, Deadline deadline, bool crosswise);
    friend Task<base::Result<void>> others_first(std::shared_ptr<Socket> socket, Deadline deadline);
    bool watch(Direction direction);

    static constexpr int kLongestStreak = 64;

    std::shared_ptr<Reactor> reactor_;
    FileDescriptor fd_;
    Waiter reader_, writer_, crossing_;
    std::function<void()> hang_up_;
    std::uint64_t key_ = 0;
    bool enrolled_ = false;
    bool watching_writes_ = false;
    bool readable_ = true;
    bool writable_ = true;
    bool hung_up_ = false;
    int streak_ = 0;
};

// Waits until a transfer is worth trying. timeout, or cancelled after close(). One may wait for each direction, and
// one more `crosswise`: a TLS read that must write, or the reverse.
Task<base::Result<void>> until_ready(std::shared_ptr<Socket> socket, Direction direction, Deadline deadline, bool crosswise = false);

// For a greedy() socket: one turn of the loop for everybody else, and a look at the clock, which transfers that
// never wait would otherwise escape.
Task<base::Result<void>> others_first(std::shared_ptr<Socket> socket, Deadline deadline);

// "connection refused": the system's text in lower case, for the end of a message.
std::string system_text(int error_number);

}  // namespace claviger::net
