#include "sys/staged_channel.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

#include "base/secret.hpp"

namespace claviger::sys {
namespace {

bool send_bytes(int fd, const char* bytes, std::size_t size) {
    while (size > 0) {
        const ssize_t sent = ::send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes += sent, size -= static_cast<std::size_t>(sent);
    }
    return true;
}

bool receive_bytes(int fd, char* bytes, std::size_t size) {
    while (size > 0) {
        const ssize_t got = ::recv(fd, bytes, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        bytes += got, size -= static_cast<std::size_t>(got);
    }
    return true;
}

// Room for kMostDescriptors in one control message, as it must be aligned.
struct ControlRoom {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostDescriptors)> bytes{};
};

}  // namespace

// A length, then texts that each end in NUL.
bool send_texts(int channel, const Texts& texts) {
    base::WipedString frame;
    for (const auto& text : texts) frame.append(text).push_back('\0');
    const std::size_t size = frame.size();
    return send_bytes(channel, reinterpret_cast<const char*>(&size), sizeof size) && send_bytes(channel, frame.data(), size);
}

std::optional<Texts> receive_texts(int channel) {
    std::size_t size = 0;
    if (!receive_bytes(channel, reinterpret_cast<char*>(&size), sizeof size)) return std::nullopt;
    std::string frame(size, '\0');
    if (!receive_bytes(channel, frame.data(), size)) return std::nullopt;
    Texts texts;
    for (std::size_t at = 0; at < size;) {
        texts.emplace_back(frame.c_str() + at);
        at += texts.back().size() + 1;
    }
    return texts;
}

// One byte carries them all: unix(7) wants some data with a control message.
bool send_descriptors(int channel, const std::vector<Descriptor>& descriptors) {
    if (descriptors.empty() || descriptors.size() > kMostDescriptors) return false;
    ControlRoom room;
    char carrier = 'd';
    iovec data{&carrier, 1};
    msghdr message{};
    message.msg_iov = &data, message.msg_iovlen = 1;
    message.msg_control = room.bytes.data(), message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr* control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET, control->cmsg_type = SCM_RIGHTS, control->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
        const int fd = descriptors[i].get();
        std::memcpy(CMSG_DATA(control) + i * sizeof fd, &fd, sizeof fd);
    }
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(channel, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == 1;
}

std::optional<std::vector<Descriptor>> receive_descriptors(int channel) {
    ControlRoom room;
    char carrier = 0;
    iovec data{&carrier, 1};
    msghdr message{};
    message.msg_iov = &data, message.msg_iovlen = 1;
    message.msg_control = room.bytes.data(), message.msg_controllen = room.bytes.size();
    ssize_t got = 0;
    do {
        got = ::recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got != 1) return std::nullopt;
    std::vector<Descriptor> descriptors;
    const cmsghdr* control = CMSG_FIRSTHDR(&message);
    if (control == nullptr || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) return std::nullopt;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
        descriptors.emplace_back(fd);
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0) return std::nullopt;
    return descriptors;
}

}  // namespace claviger::sys
