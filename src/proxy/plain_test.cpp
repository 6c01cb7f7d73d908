#include "proxy/session_test_support.hpp"

namespace claviger::proxy {
namespace {

using namespace test;

constexpr const char* kHello = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

TEST_F(ProxyTest, PX11_plain_http_to_an_unrouted_host_passes_without_a_credential) {
    options.addresses.allow_loopback = true;
    options.router = policy::Router({route_to({"api.acme.com"})});
    start();
    SilentServer server(loop, kHello);
    auto client = dial();
    send(*client, get(server.authority()));
    const std::string answer = receive(*client, "hi");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK")) << answer;
    EXPECT_EQ(server.requests, 1);
    EXPECT_EQ(credentials.asked, 0);
}

TEST_F(ProxyTest, PX11_a_routed_host_over_http_is_refused_on_every_port) {
    options.addresses.allow_loopback = true;
    options.router = policy::Router({route_to({"https://api.acme.com:8443", "*.example.org"})});
    start();
    for (const std::string authority : {"api.acme.com", "api.acme.com:8443", "api.acme.com:443", "API.acme.com:8080", "x.example.org"}) {
        auto client = dial();
        send(*client, get(authority));
        const std::string answer = receive(*client, "\"type\"");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 403")) << authority << answer;
        EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
        EXPECT_NE(answer.find("https://"), std::string::npos) << "says what to do";
    }
    EXPECT_EQ(credentials.asked, 0);
}

TEST_F(ProxyTest, PX08_plain_http_keeps_the_address_guard) {
    start();
    SilentServer server(loop, kHello);
    EXPECT_EQ(status_of(get(server.authority())), 403);
    for (const std::string authority : {"10.0.0.1", "169.254.169.254", "[::1]", "192.168.1.1:8080", "0.0.0.0", "[fd00::1]", "localhost"}) {
        EXPECT_EQ(status_of(get(authority)), 403) << authority;
    }
    EXPECT_EQ(server.accepted, 0);
}

TEST_F(ProxyTest, PX27_unmatched_hosts_are_refused_when_told_so) {
    options.addresses.allow_loopback = true;
    options.unmatched = Unmatched::deny;
    start();
    SilentServer server(loop, kHello);
    EXPECT_EQ(status_of(get(server.authority())), 403);
    EXPECT_EQ(server.accepted, 0);
}

TEST_F(ProxyTest, PX09_a_loopback_route_opens_no_other_port_or_name_of_this_machine) {
    SilentServer routed(loop, kHello), other(loop, kHello);
    options.router = policy::Router({route_to({"http://" + routed.authority(), "*.acme.com"})});
    start();
    EXPECT_EQ(status_of(get(routed.authority())), 424) << "reaches the credential, of which there is none";
    EXPECT_EQ(status_of(get(other.authority())), 403);
    const std::string target = other.authority();
    EXPECT_EQ(status_of("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n" + authorization + "\r\n"), 403);
    EXPECT_EQ(other.accepted, 0);
}

TEST_F(ProxyTest, PX10_the_own_listener_has_no_name) {
    options.addresses.allow_loopback = true;
    options.addresses.allow_private = true;
    start();
    const std::string port = ":" + std::to_string(proxy->port());
    for (const std::string host : {"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "a.localhost", "127.1", "127.0.1", "2130706433", "0x7f000001",
                                   "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "127.000.000.001", "0", "0.0.0.0", "[::1]",
                                   "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::]", "[64:ff9b::7f00:1]",
                                   "[2002:7f00:1::]", "%3127.0.0.1", "127%2e0.0.1", "\xef\xbc\x91" "27.0.0.1"}) {
        for (const std::string& request : {get(host + port), "CONNECT " + host + port + " HTTP/1.1\r\nHost: x\r\n" + authorization + "\r\n"}) {
            const int status = status_of(request);
            EXPECT_TRUE(status == 403 || status == 400) << host << " " << status;  // 407 or 200 would be ourselves
        }
    }
}

TEST_F(ProxyTest, PX26_a_session_of_regular_expressions_alone_does_not_start) {
    options.router = policy::Router({route_to({R"(regex:[a-z]+\.acme\.com)"})});
    const auto started = ForwardProxy::start(loop, std::move(options), credentials, clock, random, log);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, base::ErrorCode::unsupported);
    EXPECT_NE(started.error().message.find("regular expression"), std::string::npos);
    EXPECT_FALSE(started.error().hint.empty());
}

}  // namespace
}  // namespace claviger::proxy
