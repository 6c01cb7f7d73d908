// NO_PROXY for a session: what the user wants to bypass the proxy, less what would take a routed host with it and so
// switch its credential off by accident. Programs read these lists in different ways (suffixes with and without a dot,
// '*', address ranges, ports), so an entry goes as soon as one of them could hide a routed host. Thread rule: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace claviger::app {

struct RoutedHosts {
    std::vector<std::string> names;  // "api.acme.com", or ".acme.com" for every host below; addresses as text
    bool by_pattern = false;         // some are known by a regular expression alone
    bool loopback = false;           // a route is on this machine
};

struct Bypass {
    std::string value;                 // for NO_PROXY
    std::string java;                  // the same for http.nonProxyHosts
    std::vector<std::string> dropped;  // entries of the user's that are not in it
};
// `users`: the lists of NO_PROXY and no_proxy, joined by a comma. Loopback bypasses unless a route is there.
Bypass make_bypass(std::string_view users, const RoutedHosts& routed);

}  // namespace claviger::app
