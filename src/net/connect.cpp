#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/text.hpp"
#include "net/address_guard.hpp"
#include "net/loop_native.hpp"
#include "net/resolver.hpp"
#include "net/socket_stream.hpp"
#include "net/tcp.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

namespace {

base::Error unreachable(const IpAddress& address, std::uint16_t port, const std::string& why) {
    const std::string where = address.is_v4() ? address.text() : "[" + address.text() + "]";
    return base::Error::make(ErrorCode::network, "cannot connect to " + where + ":" + std::to_string(port) + ": " + why);
}

base::Error given_up() { return base::Error::make(ErrorCode::cancelled, "the connection is not wanted any more"); }

// The connected address is the checked one (PX-08): true also against anything that rewrites it on this machine
// and tells so.
bool connected_to(int fd, const IpAddress& address, std::uint16_t port) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return false;
    sockaddr_storage wanted{};
    address.fill(wanted, port);
    const auto actual = IpAddress::from(reinterpret_cast<const sockaddr*>(&peer));
    return actual == address && reinterpret_cast<const sockaddr_in&>(peer).sin_port == reinterpret_cast<const sockaddr_in&>(wanted).sin_port;
}

Task<Result<StreamPtr>> dial(std::shared_ptr<Reactor> reactor, IpAddress address, std::uint16_t port, Deadline deadline,
                             Cancellation* cancellation) {
    FileDescriptor fd(::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) co_return base::fail(unreachable(address, port, system_text(errno)));
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto socket = std::make_shared<Socket>(std::move(reactor), std::move(fd));
    if (cancellation != nullptr) {
        cancellation->on_cancel([weak = std::weak_ptr<Socket>(socket)] {
            if (const auto alive = weak.lock()) alive->close();
        });
        if (cancellation->cancelled()) co_return base::fail(given_up());
    }

    sockaddr_storage to{};
    const socklen_t size = address.fill(to, port);
    int status = ::connect(socket->fd(), reinterpret_cast<const sockaddr*>(&to), size) == 0 ? 0 : errno;
    if (status == EINPROGRESS || status == EINTR) {
        socket->would_block(Direction::write);
        socket->would_block(Direction::read);
        auto waited = co_await until_ready(socket, Direction::write, deadline);
        if (!waited && waited.error().code == ErrorCode::timeout) {
            co_return base::fail(ErrorCode::timeout, unreachable(address, port, "no answer in time").message);
        }
        if (!waited) co_return base::fail(std::move(waited).error());
        socklen_t length = sizeof status;
        if (::getsockopt(socket->fd(), SOL_SOCKET, SO_ERROR, &status, &length) != 0) status = errno;
    }
    if (status != 0) co_return base::fail(unreachable(address, port, system_text(status)));
    if (!connected_to(socket->fd(), address, port)) co_return base::fail(unreachable(address, port, "another address answered"));
    StreamPtr stream = std::make_unique<SocketStream>(std::move(socket), address.text());
    co_return stream;
}

// The address after this one gets its turn in time: each has an equal share of what is left.
Deadline share_of(Deadline deadline, std::size_t addresses_left) {
    const auto now = std::chrono::steady_clock::now();
    if (deadline == Deadline::max() || deadline <= now || addresses_left < 2) return deadline;
    return now + (deadline - now) / static_cast<std::int64_t>(addresses_left);
}

}  // namespace

Task<Result<StreamPtr>> connect_tcp(Loop& loop, TcpTarget target, AddressPolicy policy, Deadline deadline,
                                    Cancellation* cancellation) {
    if (target.port == 0) co_return base::fail(ErrorCode::invalid_input, "port 0 cannot be connected to");
    auto resolved = co_await resolve(loop, target.host, deadline, cancellation);
    if (!resolved) co_return base::fail(std::move(resolved).error());
    // One forbidden answer condemns the name: a mixture is how rebinding begins (PX-09).
    for (const IpAddress& address : *resolved) {
        auto allowed = check_address(address, target.port, policy);
        if (!allowed) co_return base::fail(allowed.error().within("host '" + base::printable(target.host, 80) + "'"));
    }
    base::Error last;
    for (std::size_t i = 0; i < resolved->size(); ++i) {
        auto reactor = loop.native().reactor;
        auto connected = co_await dial(std::move(reactor), (*resolved)[i], target.port, share_of(deadline, resolved->size() - i), cancellation);
        if (connected) co_return connected;
        last = std::move(connected).error();
        if (last.code == ErrorCode::cancelled) break;
    }
    co_return base::fail(std::move(last));
}

}  // namespace claviger::net
