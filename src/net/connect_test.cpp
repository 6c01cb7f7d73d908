#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "net/tcp.hpp"

namespace claviger::net {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;

constexpr milliseconds kLong{20'000};

AddressPolicy loopback_allowed() {
    AddressPolicy policy;
    policy.allow_loopback = true;
    return policy;
}

ErrorCode code_of_connect(Loop& loop, std::string host, std::uint16_t port, AddressPolicy policy) {
    auto connected = loop.run_until(connect_tcp(loop, TcpTarget{std::move(host), port}, std::move(policy), in(kLong)));
    return connected ? ErrorCode::internal : connected.error().code;
}

TEST(Connect, refused_connection_is_a_network_error) {
    Loop loop;
    auto listener = Listener::loopback(loop, 0);
    const auto port = listener->port();
    listener->close();
    EXPECT_EQ(code_of_connect(loop, "127.0.0.1", port, loopback_allowed()), ErrorCode::network);
    EXPECT_EQ(code_of_connect(loop, "localhost", port, loopback_allowed()), ErrorCode::network);
}

TEST(Connect, localhost_names_reach_the_loopback_listener) {
    Loop loop;
    auto listener = Listener::loopback(loop, 0);
    for (const char* host : {"localhost", "LOCALHOST", "app.localhost", "localhost."}) {
        auto connection = loop.run_until(connect_tcp(loop, TcpTarget{host, listener->port()}, loopback_allowed(), in(kLong)));
        EXPECT_TRUE(connection.has_value()) << host;
    }
}

TEST(Connect, PX10_own_ports_are_refused_by_every_name) {
    Loop loop;
    auto listener = Listener::loopback(loop, 0);
    AddressPolicy policy = loopback_allowed();
    policy.allow_private = true;
    policy.refused_loopback_ports = {listener->port()};
    for (const char* host : {"127.0.0.1", "localhost", "x.localhost", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "127.1.2.3",
                             "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "0x0", "::127.0.0.1", "64:ff9b::7f00:1",
                             "::ffff:0:127.0.0.1", "2002:7f00:1::", "::ffff:0.0.0.0", "64:ff9b:1::7f00:1"}) {
        EXPECT_EQ(code_of_connect(loop, host, listener->port(), policy), ErrorCode::address_refused) << host;
    }
}

TEST(Connect, names_that_are_no_names_are_refused_without_a_lookup) {
    Loop loop;
    for (const char* host : {"", "fe80::1%lo", "[::1]", "a b", "a/b", "user@host", "127.0.0.1:80", "host%00"}) {
        EXPECT_EQ(code_of_connect(loop, host, 443, {}), ErrorCode::invalid_input) << host;
    }
    EXPECT_EQ(code_of_connect(loop, "127.0.0.1", 0, loopback_allowed()), ErrorCode::invalid_input);
}

// A name of the hosts file, so that no name server is asked; empty when there is none but localhost.
std::string name_of_hosts_file() {
    std::ifstream hosts("/etc/hosts");
    std::string line;
    while (std::getline(hosts, line)) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::string address, name;
        words >> address;
        while (words >> name) {
            if (name.find("localhost") == std::string::npos && !check_address(address, 1, {})) return name;
        }
    }
    return {};
}

TEST(Connect, PX08_PX09_what_the_resolver_answers_is_judged) {
    const std::string name = name_of_hosts_file();
    if (name.empty()) GTEST_SKIP() << "no name but localhost in /etc/hosts";
    Loop loop;
    EXPECT_EQ(code_of_connect(loop, name, 1, {}), ErrorCode::address_refused);
    AddressPolicy all = loopback_allowed();
    all.allow_private = true;
    EXPECT_EQ(code_of_connect(loop, name, 1, all), ErrorCode::network) << "judged, dialled, nobody there";
}

TEST(Connect, a_deadline_that_passed_ends_a_lookup_and_the_loop_may_die) {
    const std::string name = name_of_hosts_file();
    if (name.empty()) GTEST_SKIP() << "no name but localhost in /etc/hosts";
    for (int i = 0; i < 20; ++i) {
        Loop loop;
        auto connection = loop.run_until(connect_tcp(loop, TcpTarget{name, 443}, {}, in(milliseconds{-1})));
        ASSERT_FALSE(connection);
        EXPECT_NE(connection.error().code, ErrorCode::internal);
    }
}

}  // namespace
}  // namespace claviger::net
