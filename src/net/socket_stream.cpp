#include "net/socket_stream.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

#include "net/peek.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

namespace {

base::Error broken(int error_number) {
    if (error_number == EPIPE || error_number == ECONNRESET) {
        return base::Error::make(ErrorCode::network, "the peer closed the connection");
    }
    return base::Error::make(ErrorCode::network, "the connection failed: " + system_text(error_number));
}

bool transient(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK; }

// Free functions, not members: the stream may be destroyed while they wait.
Task<Result<std::size_t>> receive(std::shared_ptr<Socket> socket, std::span<char> into, Deadline deadline) {
    if (into.empty()) co_return base::fail(ErrorCode::internal, "a read into no space");
    if (socket->greedy()) {
        CO_TRY_VOID(co_await others_first(socket, deadline));
    }
    for (;;) {
        if (socket->closed() || !socket->may_be_ready(Direction::read)) {
            CO_TRY_VOID(co_await until_ready(socket, Direction::read, deadline));
        }
        const ssize_t count = ::recv(socket->fd(), into.data(), into.size(), 0);
        if (count >= 0) {
            const auto received = static_cast<std::size_t>(count);
            if (received > 0 && received < into.size()) socket->drained();
            co_return received;
        }
        if (transient(errno)) {
            socket->would_block(Direction::read);
        } else if (errno != EINTR) {
            co_return base::fail(broken(errno));
        }
    }
}

ssize_t send_pieces(int fd, std::string_view first, std::string_view second) {
    if (second.empty()) return ::send(fd, first.data(), first.size(), MSG_NOSIGNAL);
    if (first.empty()) return ::send(fd, second.data(), second.size(), MSG_NOSIGNAL);
    std::array<iovec, 2> pieces{};
    pieces[0].iov_base = const_cast<char*>(first.data());
    pieces[0].iov_len = first.size();
    pieces[1].iov_base = const_cast<char*>(second.data());
    pieces[1].iov_len = second.size();
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

Task<Result<void>> send_all(std::shared_ptr<Socket> socket, std::string_view first, std::string_view second, Deadline deadline) {
    if (socket->greedy()) {
        CO_TRY_VOID(co_await others_first(socket, deadline));
    }
    while (!first.empty() || !second.empty()) {
        if (socket->closed() || !socket->may_be_ready(Direction::write)) {
            CO_TRY_VOID(co_await until_ready(socket, Direction::write, deadline));
        }
        const ssize_t count = send_pieces(socket->fd(), first, second);
        if (count < 0) {
            if (transient(errno)) {
                socket->would_block(Direction::write);
            } else if (errno != EINTR) {
                co_return base::fail(broken(errno));
            }
            continue;
        }
        const auto sent = static_cast<std::size_t>(count);
        if (sent < first.size() + second.size()) socket->would_block(Direction::write);
        const std::size_t of_first = std::min(sent, first.size());
        first.remove_prefix(of_first);
        second.remove_prefix(sent - of_first);
    }
    co_return Result<void>{};
}

Task<Result<void>> end_sending(std::shared_ptr<Socket> socket) {
    if (socket->closed()) co_return base::fail(ErrorCode::cancelled, "the connection was closed on this side");
    if (::shutdown(socket->fd(), SHUT_WR) != 0 && errno != ENOTCONN) co_return base::fail(broken(errno));
    co_return Result<void>{};
}

}  // namespace

Task<Result<std::size_t>> peek(Stream& stream, std::span<char> into, std::size_t beyond, Deadline deadline) {
    const auto* plain = dynamic_cast<const SocketStream*>(&stream);
    if (plain == nullptr || plain->fd() < 0) co_return base::fail(ErrorCode::cancelled, "the connection was closed on this side");
    const std::shared_ptr<Socket> socket = plain->socket();
    for (;;) {
        if (socket->closed()) co_return base::fail(ErrorCode::cancelled, "the connection was closed on this side");
        const ssize_t count = ::recv(socket->fd(), into.data(), into.size(), MSG_PEEK | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && !transient(errno)) co_return base::fail(broken(errno));
        const std::size_t there = count < 0 ? 0 : static_cast<std::size_t>(count);
        if (count == 0 || there > beyond || there == into.size() || (count > 0 && socket->hung_up())) {
            socket->look_again();
            co_return there;
        }
        socket->would_block(Direction::read);  // only what comes from now on is news
        CO_TRY_VOID(co_await until_ready(socket, Direction::read, deadline));
    }
}

Task<Result<std::size_t>> SocketStream::read_some(std::span<char> into, Deadline deadline) {
    return receive(socket_, into, deadline);
}

Task<Result<void>> SocketStream::write_all(std::string_view bytes, Deadline deadline) {
    return send_all(socket_, bytes, std::string_view{}, deadline);
}

Task<Result<void>> SocketStream::write_all2(std::string_view first, std::string_view second, Deadline deadline) {
    return send_all(socket_, first, second, deadline);
}

Task<Result<void>> SocketStream::shutdown_write(Deadline) { return end_sending(socket_); }

bool SocketStream::idle_and_open() const { return socket_ && !socket_->closed() && nothing_arrived(socket_->fd()); }

bool nothing_arrived(int fd) {
    char byte = 0;
    return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && transient(errno);
}

}  // namespace claviger::net
