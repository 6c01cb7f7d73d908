#include "sys/network_namespace.hpp"

#include <cstdlib>
#include <functional>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "sys/sandbox_mounts.hpp"
#include "sys/staged_channel.hpp"

namespace claviger::sys {
namespace {

constexpr int kNoNamespace = 99;

// In a process of its own, as nobody leaves a namespace: 0, kNoNamespace, or the line that failed.
int in_a_namespace(const std::function<int(bool ipv6)>& work) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (!enter_namespaces(true)) ::_exit(kNoNamespace);
        const auto ipv6 = make_every_address_local();
        ::_exit(ipv6 ? work(*ipv6) : 98);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

sockaddr_storage address_of(const char* text, std::uint16_t port) {
    sockaddr_storage storage{};
    auto& four = reinterpret_cast<sockaddr_in&>(storage);
    auto& six = reinterpret_cast<sockaddr_in6&>(storage);
    const bool is_four = ::inet_pton(AF_INET, text, &four.sin_addr) == 1;
    if (!is_four) ::inet_pton(AF_INET6, text, &six.sin6_addr);
    storage.ss_family = is_four ? AF_INET : AF_INET6;
    four.sin_port = htons(port);
    return storage;
}

Descriptor connected(int kind, const char* text, std::uint16_t port) {
    const auto to = address_of(text, port);
    Descriptor socket(::socket(to.ss_family, kind | SOCK_CLOEXEC, 0));
    const socklen_t size = to.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), size) == 0 ? std::move(socket) : Descriptor();
}

// Where the connection that is accepted next was going: "[address]:port", IPv4 as mapped.
std::string destination_of_next(int listener) {
    pollfd ready{listener, POLLIN, 0};
    ::poll(&ready, 1, 20'000);
    const Descriptor accepted(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    sockaddr_in6 local{};
    socklen_t size = sizeof local;
    if (!accepted.valid() || ::getsockname(accepted.get(), reinterpret_cast<sockaddr*>(&local), &size) != 0) return {};
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET6, &local.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(local.sin6_port));
}

#define HOLDS(condition) \
    if (!(condition)) return __LINE__ % 90 + 1

int any_address_arrives(bool ipv6) {
    const auto sockets = open_namespace_sockets({443, 8443}, ipv6);
    HOLDS(sockets && sockets->tcp.size() == 3 && sockets->ipv6 == ipv6);
    const auto four = connected(SOCK_STREAM, "93.184.216.34", 443);
    HOLDS(four.valid());
    if (ipv6) HOLDS(destination_of_next(sockets->tcp[1].get()) == "[::ffff:93.184.216.34]:443");
    const auto again = connected(SOCK_STREAM, "127.0.0.1", 8443);
    HOLDS(again.valid());
    if (ipv6) {
        HOLDS(destination_of_next(sockets->tcp[2].get()) == "[::ffff:127.0.0.1]:8443");
        const auto six = connected(SOCK_STREAM, "2001:db8::5", 443);
        HOLDS(six.valid() && destination_of_next(sockets->tcp[1].get()) == "[2001:db8::5]:443");
    }
    HOLDS(!connected(SOCK_STREAM, "93.184.216.34", 444).valid());
    HOLDS(!connected(SOCK_STREAM, "10.0.0.1", 22).valid());
    return 0;
}

int so_it_is_without_ipv6(bool) {
    if (const int line = any_address_arrives(false); line != 0) return line;
    const auto sockets = open_namespace_sockets({}, false);
    HOLDS(sockets && !sockets->ipv6);
    const auto asking = connected(SOCK_DGRAM, "9.9.9.9", 53);
    HOLDS(asking.valid() && ::send(asking.get(), "question", 8, 0) == 8);
    pollfd ready{sockets->names.get(), POLLIN, 0};
    HOLDS(::poll(&ready, 1, 20'000) == 1);
    return 0;
}

int the_proxys_port_is_loopbacks_alone(bool ipv6) {
    const auto sockets = open_namespace_sockets({443}, ipv6);
    HOLDS(sockets);
    sockaddr_in local{};
    socklen_t size = sizeof local;
    HOLDS(::getsockname(sockets->proxy.get(), reinterpret_cast<sockaddr*>(&local), &size) == 0);
    HOLDS(ntohl(local.sin_addr.s_addr) == INADDR_LOOPBACK && local.sin_port != 0);
    HOLDS(connected(SOCK_STREAM, "127.0.0.1", ntohs(local.sin_port)).valid());
    HOLDS(!connected(SOCK_STREAM, "93.184.216.34", ntohs(local.sin_port)).valid());
    return 0;
}

int questions_for_names_arrive(bool ipv6) {
    const auto sockets = open_namespace_sockets({}, ipv6);
    HOLDS(sockets);
    const auto asking = connected(SOCK_DGRAM, "9.9.9.9", 53);
    HOLDS(asking.valid() && ::send(asking.get(), "question", 8, 0) == 8);
    pollfd ready{sockets->names.get(), POLLIN, 0};
    HOLDS(::poll(&ready, 1, 20'000) == 1);
    char bytes[16];
    HOLDS(::recv(sockets->names.get(), bytes, sizeof bytes, 0) == 8);
    HOLDS(connected(SOCK_STREAM, "9.9.9.9", 53).valid());
    return 0;
}

int a_port_twice_is_an_error(bool ipv6) {
    const auto twice = open_namespace_sockets({443, 443}, ipv6);
    HOLDS(!twice && twice.error().message.find("443") != std::string::npos);
    return 0;
}

class NetworkNamespace : public testing::TestWithParam<std::pair<const char*, int (*)(bool)>> {};
INSTANTIATE_TEST_SUITE_P(Sandbox, NetworkNamespace,
                         testing::Values(std::pair("any_address_arrives", &any_address_arrives), std::pair("so_it_is_without_ipv6", &so_it_is_without_ipv6), std::pair("the_proxys_port_is_loopbacks_alone", &the_proxys_port_is_loopbacks_alone),
                                         std::pair("questions_for_names_arrive", &questions_for_names_arrive), std::pair("a_port_twice_is_an_error", &a_port_twice_is_an_error)),
                         [](const auto& info) { return info.param.first; });

TEST_P(NetworkNamespace, CL05) {
    const int result = in_a_namespace(GetParam().second);
    if (result == kNoNamespace && std::getenv("CI") == nullptr) GTEST_SKIP() << "this system gives no user namespaces";
    EXPECT_EQ(result, 0) << "the failed line, modulo 90, plus 1";
}

TEST(StagedChannel, descriptors_go_along_and_texts_stay_apart) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const Descriptor here(ends[0]), there(ends[1]);
    std::vector<Descriptor> sent;
    for (int i = 0; i < 3; ++i) sent.emplace_back(::dup(here.get()));
    ASSERT_TRUE(send_texts(here.get(), {"ready", "", "1"}) && send_descriptors(here.get(), sent) && send_texts(here.get(), {"more"}));
    EXPECT_EQ(receive_texts(there.get()), (Texts{"ready", "", "1"}));
    const auto received = receive_descriptors(there.get());
    ASSERT_TRUE(received);
    EXPECT_EQ(received->size(), 3U);
    for (const auto& descriptor : *received) EXPECT_TRUE(descriptor.valid());
    EXPECT_EQ(receive_texts(there.get()), Texts{"more"});
    EXPECT_FALSE(send_descriptors(here.get(), {})) << "none cannot be told from an end";
}

}  // namespace
}  // namespace claviger::sys
