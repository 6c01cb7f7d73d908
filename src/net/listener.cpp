#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/loop_native.hpp"
#include "net/ip_address.hpp"
#include "net/port_holder.hpp"
#include "net/socket_stream.hpp"
#include "net/tcp.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

struct Listener::State {
    std::shared_ptr<Socket> socket;
    std::uint16_t port = 0;
};

namespace {

constexpr int kBacklog = 256;
constexpr std::chrono::milliseconds kPauseWhenExhausted{50};

bool worth_another_try(int error_number) {  // accept(2): errors of the connection that was pending
    switch (error_number) {
        case EINTR: case ECONNABORTED: case EPROTO: case ENETDOWN: case ENOPROTOOPT: case EHOSTDOWN: case ENONET:
        case EHOSTUNREACH: case EOPNOTSUPP: case ENETUNREACH: return true;
        default: return false;
    }
}

bool out_of_resources(int error_number) {
    return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS || error_number == ENOMEM;
}

base::Error cannot_listen(std::uint16_t port, int error_number) {
    if (error_number != EADDRINUSE) {
        return base::Error::make(ErrorCode::network, "cannot listen on 127.0.0.1:" + std::to_string(port) + ": " + system_text(error_number));
    }
    const std::string holder = describe_port_holder(port);
    return base::Error::make(ErrorCode::busy, "port " + std::to_string(port) + " is in use by " + (holder.empty() ? "another process" : holder),
                             "stop that process and try again");
}

// The stop of an accept loop that ran out of descriptors: without it the loop would spin.
Task<void> pause(Reactor& reactor) {
    Waiter waiter(reactor);
    co_await reactor.park(waiter, in(kPauseWhenExhausted));
}

Task<Result<StreamPtr>> accept_one(std::shared_ptr<Socket> listening) {
    if (listening->greedy()) {
        CO_TRY_VOID(co_await others_first(listening, Deadline::max()));
    }
    for (;;) {
        if (listening->closed() || !listening->may_be_ready(Direction::read)) {
            CO_TRY_VOID(co_await until_ready(listening, Direction::read, Deadline::max()));
        }
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        FileDescriptor fd(::accept4(listening->fd(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd.valid()) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                listening->would_block(Direction::read);
            } else if (out_of_resources(errno)) {
                co_await pause(listening->reactor());
            } else if (!worth_another_try(errno)) {
                co_return base::fail(ErrorCode::network, "cannot accept connections: " + system_text(errno));
            }
            continue;
        }
        const auto address = IpAddress::from(reinterpret_cast<const sockaddr*>(&peer));
        auto socket = std::make_shared<Socket>(listening->shared_reactor(), std::move(fd));
        StreamPtr stream = std::make_unique<SocketStream>(std::move(socket), address ? address->text() : std::string());
        co_return stream;
    }
}

}  // namespace

Result<Listener> Listener::loopback(Loop& loop, std::uint16_t port) {
    FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return base::fail(cannot_listen(port, errno));
    const int on = 1;
    // Past connections in TIME_WAIT do not block the port; on Linux it does not let two listen on one.
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
    sockaddr_storage address{};
    socklen_t size = IpAddress::v4(127, 0, 0, 1).fill(address, port);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd.get(), kBacklog) != 0) {
        return base::fail(cannot_listen(port, errno));
    }
    return adopt(loop, fd.release());
}

Listener Listener::adopt(Loop& loop, int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    auto state = std::make_shared<State>();
    // The port lies at the same place in both families.
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) state->port = ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    state->socket = std::make_shared<Socket>(loop.native().reactor, FileDescriptor(fd));
    return Listener(std::move(state));
}

Listener::Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&& other) noexcept {
    if (this != &other) {
        close();
        state_ = std::move(other.state_);
    }
    return *this;
}
Listener::~Listener() { close(); }

std::uint16_t Listener::port() const { return state_->port; }

Task<Result<StreamPtr>> Listener::accept() { return accept_one(state_->socket); }

void Listener::close() noexcept {
    if (state_) state_->socket->close();
}

}  // namespace claviger::net
