#include "net/socket.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace claviger::net {

using base::ErrorCode;
using base::Result;

Socket::Socket(std::shared_ptr<Reactor> reactor, FileDescriptor fd)
    : reactor_(std::move(reactor)), fd_(std::move(fd)), reader_(*reactor_), writer_(*reactor_), crossing_(*reactor_) {}

Socket::~Socket() { close(); }

void Socket::close() noexcept {
    if (closed()) return;
    if (enrolled_) reactor_->withdraw(key_);
    enrolled_ = false;
    hang_up_ = nullptr;
    fd_.reset();
    reactor_->wake(reader_, Waiter::Outcome::cancelled);
    reactor_->wake(writer_, Waiter::Outcome::cancelled);
    reactor_->wake(crossing_, Waiter::Outcome::cancelled);
}

void Socket::abort() noexcept {
    if (closed()) return;
    const linger at_once{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

void Socket::on_readiness(bool readable, bool writable, bool hung_up) {
    readable_ |= readable;
    writable_ |= writable;
    hung_up_ |= hung_up;
    if (readable) reactor_->wake(reader_, Waiter::Outcome::ready);
    if (writable) reactor_->wake(writer_, Waiter::Outcome::ready);
    reactor_->wake(crossing_, Waiter::Outcome::ready);  // looks for itself what came
    if (!hung_up_ || !hang_up_) return;
    const auto call = std::exchange(hang_up_, nullptr);  // it may close this socket
    call();
}

void Socket::on_hang_up(std::function<void()> call) {
    hang_up_ = std::move(call);
    if (!hang_up_ || closed()) return;
    if (!hung_up_) {
        watch(Direction::read);  // one that cannot be watched is noticed by whoever reads or writes it
        return;
    }
    const auto now = std::exchange(hang_up_, nullptr);
    now();
}

// Registers at the first wait only: adding or changing a watch reports what is ready already, so nothing that
// happened before is missed.
bool Socket::watch(Direction direction) {
    const bool writes = watching_writes_ || direction == Direction::write;
    if (enrolled_ && writes == watching_writes_) return true;
    const bool again = enrolled_;
    if (!enrolled_) key_ = reactor_->enroll(*this);
    enrolled_ = true;
    if (!reactor_->watch(fd_.get(), key_, writes, again)) {
        if (!again) {
            reactor_->withdraw(key_);
            enrolled_ = false;
        }
        return false;
    }
    watching_writes_ = writes;
    return true;
}

namespace {

Result<void> closed_here() { return base::fail(ErrorCode::cancelled, "the connection was closed on this side"); }
Result<void> too_slow() { return base::fail(ErrorCode::timeout, "the peer took too long"); }

}  // namespace

Task<Result<void>> until_ready(std::shared_ptr<Socket> socket, Direction direction, Deadline deadline, bool crosswise) {
    if (socket->closed()) co_return closed_here();
    socket->streak_ = 0;
    if (socket->may_be_ready(direction)) co_return Result<void>{};
    Waiter& waiter = crosswise ? socket->crossing_ : direction == Direction::read ? socket->reader_ : socket->writer_;
    if (waiter.waiting()) co_return base::fail(ErrorCode::internal, "two operations of one kind wait on one stream");
    if (!socket->watch(direction)) co_return base::fail(ErrorCode::network, "cannot watch a connection: " + system_text(errno));
    auto outcome = co_await socket->reactor().park(waiter, deadline);
    switch (outcome) {
        case Waiter::Outcome::ready: co_return Result<void>{};
        case Waiter::Outcome::timeout: co_return too_slow();
        case Waiter::Outcome::cancelled: break;
    }
    co_return closed_here();
}

Task<Result<void>> others_first(std::shared_ptr<Socket> socket, Deadline deadline) {
    socket->streak_ = 0;
    co_await socket->reactor().yield();
    if (socket->closed()) co_return closed_here();
    if (deadline != Deadline::max() && std::chrono::steady_clock::now() >= deadline) co_return too_slow();
    co_return Result<void>{};
}

std::string system_text(int error_number) {
    std::string text = std::system_category().message(error_number);
    if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a') text[0] = static_cast<char>(text[0] + ('a' - 'A'));
    return text;
}

}  // namespace claviger::net
