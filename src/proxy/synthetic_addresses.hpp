// SyntheticAddresses: the names that a session's program asked for, each with an address of its own in the program's network,
// so that a connection's destination tells the name even where TLS or HTTP do not. An address is never given to a second name.
// Thread rule: on the Loop's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/ip_address.hpp"

namespace claviger::proxy {

class SyntheticAddresses {
public:
    struct Pair {
        net::IpAddress v4, v6;
    };
    // `host`: canonical. nullopt: as many names as there may be have addresses.
    std::optional<Pair> of(const std::string& host);
    // Whether the address is one of these, given or not.
    [[nodiscard]] static bool includes(const net::IpAddress& address);
    // Empty: it was given to nobody.
    [[nodiscard]] std::string host_of(const net::IpAddress& address) const;

    static constexpr std::size_t kMostNames = 65534;

private:
    std::vector<std::string> hosts_;  // the place + 1 is what the address ends in
    std::unordered_map<std::string, std::uint32_t> places_;
};

}  // namespace claviger::proxy
