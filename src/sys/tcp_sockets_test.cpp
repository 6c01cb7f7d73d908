#include "sys/tcp_sockets.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "sys/descriptor.hpp"

namespace claviger::sys {
namespace {

std::uint16_t port_of(int fd) {
    sockaddr_in6 name{};
    socklen_t size = sizeof name;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
    return ntohs(name.sin6_port);  // at the same place in both families
}

Descriptor listener() {
    Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
    ::listen(fd.get(), 16);
    return fd;
}

// `text` is an IPv4 address; with AF_INET6 it is reached as ::ffff:text, as Java does.
Descriptor connected(int family, const char* from, std::uint16_t port) {
    Descriptor fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in source{}, target{};
    source.sin_family = target.sin_family = AF_INET;
    ::inet_pton(AF_INET, from, &source.sin_addr);
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target.sin_port = htons(port);
    sockaddr_in6 wide{};
    wide.sin6_family = AF_INET6;
    wide.sin6_port = htons(port);
    ::inet_pton(AF_INET6, "::ffff:127.0.0.1", &wide.sin6_addr);
    if (family == AF_INET) EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&source), sizeof source), 0);
    const auto* name = family == AF_INET ? reinterpret_cast<const sockaddr*>(&target) : reinterpret_cast<const sockaddr*>(&wide);
    EXPECT_EQ(::connect(fd.get(), name, family == AF_INET ? sizeof target : sizeof wide), 0);
    return fd;
}

// A process that sleeps, with the descriptors of this one.
struct Sleeper {
    Sleeper() : pid(::fork()) {
        if (pid == 0) ::pause(), ::_exit(0);
    }
    ~Sleeper() { ::kill(pid, SIGKILL), ::waitpid(pid, nullptr, 0); }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;
    pid_t pid;
};

TEST(ProcessFamily, PX01_a_connection_is_known_by_the_process_that_holds_it) {
    const auto server = listener();
    const auto port = port_of(server.get());
    Descriptor narrow = connected(AF_INET, "127.0.0.1", port), wide = connected(AF_INET6, "", port);
    const Sleeper first;  // holds both as well
    const std::set<std::uint16_t> both{port_of(narrow.get()), port_of(wide.get())};
    EXPECT_EQ(ProcessFamily(first.pid).clients(both, port), both);
    EXPECT_EQ(ProcessFamily(::getpid()).clients(both, port), both) << "its descendants and itself";
    EXPECT_EQ(ProcessFamily(first.pid).clients(both, static_cast<std::uint16_t>(port + 1)), std::set<std::uint16_t>());

    const Sleeper stranger;
    const auto later = connected(AF_INET, "127.0.0.1", port);
    EXPECT_EQ(ProcessFamily(stranger.pid).clients({port_of(later.get())}, port), std::set<std::uint16_t>());
}

TEST(ProcessFamily, PX01_the_same_ports_from_another_address_are_another_connection) {
    const auto server = listener();
    const auto port = port_of(server.get());
    const auto elsewhere = connected(AF_INET, "127.0.0.2", port);
    const Sleeper first;
    EXPECT_EQ(ProcessFamily(first.pid).clients({port_of(elsewhere.get())}, port), std::set<std::uint16_t>());
}

}  // namespace
}  // namespace claviger::sys
