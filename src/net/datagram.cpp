#include "net/datagram.hpp"

#include <netinet/in.h>

#include <array>
#include <cerrno>

#include "net/loop_native.hpp"
#include "net/socket.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

struct DatagramSocket::State {
    std::shared_ptr<Socket> socket;
};

namespace {

constexpr std::size_t kMostBytes = 4096;  // RFC 6891 section 6.2.5: no question is longer
constexpr std::size_t kControlRoom = CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(in_pktinfo));

// The one control message that names the address asked.
std::string address_asked(const msghdr& message) {
    for (auto* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(const_cast<msghdr*>(&message), control)) {
        const bool tells = (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) ||
                           (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO);
        if (tells) return {reinterpret_cast<const char*>(control), CMSG_ALIGN(control->cmsg_len)};
    }
    return {};
}

Task<Result<DatagramSocket::Datagram>> receive_one(std::shared_ptr<Socket> socket) {
    for (;;) {
        if (socket->closed() || !socket->may_be_ready(Direction::read)) {
            CO_TRY_VOID(co_await until_ready(socket, Direction::read, Deadline::max()));
        }
        if (socket->greedy()) {
            CO_TRY_VOID(co_await others_first(socket, Deadline::max()));
        }
        DatagramSocket::Datagram datagram;
        datagram.bytes.resize(kMostBytes);
        alignas(cmsghdr) std::array<char, kControlRoom> room{};
        iovec data{datagram.bytes.data(), datagram.bytes.size()};
        msghdr message{};
        message.msg_name = &datagram.from, message.msg_namelen = sizeof datagram.from;
        message.msg_iov = &data, message.msg_iovlen = 1;
        message.msg_control = room.data(), message.msg_controllen = room.size();
        const ssize_t got = ::recvmsg(socket->fd(), &message, 0);
        if (got < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) socket->would_block(Direction::read);
            else if (errno != EINTR && errno != ECONNREFUSED) co_return base::fail(ErrorCode::network, "cannot receive datagrams: " + system_text(errno));
            continue;
        }
        if ((message.msg_flags & MSG_TRUNC) != 0) continue;
        datagram.bytes.resize(static_cast<std::size_t>(got));
        datagram.from_size = message.msg_namelen;
        datagram.asked = address_asked(message);
        co_return datagram;
    }
}

}  // namespace

DatagramSocket DatagramSocket::adopt(Loop& loop, int fd) {
    auto state = std::make_shared<State>();
    state->socket = std::make_shared<Socket>(loop.native().reactor, FileDescriptor(fd));
    return DatagramSocket(std::move(state));
}

DatagramSocket::DatagramSocket(std::shared_ptr<State> state) : state_(std::move(state)) {}
DatagramSocket::DatagramSocket(DatagramSocket&&) noexcept = default;
DatagramSocket::~DatagramSocket() { close(); }

Task<Result<DatagramSocket::Datagram>> DatagramSocket::receive() { return receive_one(state_->socket); }

void DatagramSocket::answer(const Datagram& question, std::string_view bytes) noexcept {
    if (!state_ || state_->socket->closed()) return;
    alignas(cmsghdr) std::array<char, kControlRoom> room{};
    iovec data{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_name = const_cast<sockaddr_storage*>(&question.from), message.msg_namelen = question.from_size;
    message.msg_iov = &data, message.msg_iovlen = 1;
    if (!question.asked.empty() && question.asked.size() <= room.size()) {
        question.asked.copy(room.data(), room.size());
        message.msg_control = room.data(), message.msg_controllen = question.asked.size();
    }
    [[maybe_unused]] const auto sent = ::sendmsg(state_->socket->fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void DatagramSocket::close() noexcept {
    if (state_) state_->socket->close();
}

}  // namespace claviger::net
