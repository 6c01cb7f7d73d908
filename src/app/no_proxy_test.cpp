#include "app/no_proxy.hpp"

#include <gtest/gtest.h>

namespace claviger::app {
namespace {

constexpr const char* kLoopback = "localhost,127.0.0.1,::1";

TEST(NoProxy, what_hides_no_routed_host_stays) {
    const auto bypass = make_bypass("intern.example, .corp.example 10.0.0.0/8,localhost", {{"api.acme.com"}, false, false});
    EXPECT_EQ(bypass.value, std::string(kLoopback) + ",intern.example,.corp.example,10.0.0.0/8");
    EXPECT_EQ(bypass.java, "localhost|*.localhost|127.0.0.1|[::1]|intern.example|*.intern.example|corp.example|*.corp.example");
    EXPECT_TRUE(bypass.dropped.empty());
}

TEST(NoProxy, what_would_hide_a_routed_host_goes_however_it_is_written) {
    for (const char* entry : {"*", ".", "*.*", "api.acme.com", "API.ACME.COM", "acme.com", ".acme.com", "*.acme.com", "com", "*.com", "api.acme.com:443",
                              "cme.com", "api.*", "*acme*", "a?i.acme.com"}) {
        const auto bypass = make_bypass(entry, {{"api.acme.com"}, false, false});
        EXPECT_EQ(bypass.value, kLoopback) << entry;
        EXPECT_EQ(bypass.dropped, std::vector<std::string>{entry});
    }
}

TEST(NoProxy, a_wildcard_route_stands_for_every_host_below) {
    const RoutedHosts routed{{".acme.com"}, false, false};
    EXPECT_EQ(make_bypass("shop.acme.com", routed).value, kLoopback);
    EXPECT_EQ(make_bypass("acme.org", routed).value, std::string(kLoopback) + ",acme.org");
}

TEST(NoProxy, of_hosts_known_by_a_pattern_nothing_is_sure) {
    const RoutedHosts routed{{}, true, false};
    EXPECT_EQ(make_bypass("intern.example", routed).dropped, std::vector<std::string>{"intern.example"});
    EXPECT_EQ(make_bypass("192.168.0.0/16", routed).value, std::string(kLoopback) + ",192.168.0.0/16");
}

TEST(NoProxy, addresses_hide_addresses) {
    const RoutedHosts routed{{"192.0.2.7"}, false, false};
    for (const char* entry : {"192.0.2.7", "192.0.2.0/24", "192.", "192.0.2.1-192.0.2.9"}) EXPECT_EQ(make_bypass(entry, routed).value, kLoopback) << entry;
    EXPECT_EQ(make_bypass("acme.com", routed).value, std::string(kLoopback) + ",acme.com");
}

TEST(NoProxy, loopback_is_no_bypass_when_a_route_is_there) {
    const auto bypass = make_bypass("localhost,127.0.0.0/8,[::1]:80,intern.example", {{"127.0.0.1"}, false, true});
    EXPECT_EQ(bypass.value, "intern.example");
    EXPECT_EQ(bypass.dropped, (std::vector<std::string>{"localhost", "127.0.0.0/8", "[::1]:80"}));
}

}  // namespace
}  // namespace claviger::app
