// The name server of a session's own network (`run --transparent`): every name has an address there, none is asked for outside.
// By UDP and TCP (RFC 1035 section 4.2). Thread rule: on the Loop's thread; what is passed by reference outlives the tasks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/datagram.hpp"
#include "net/stream.hpp"
#include "proxy/synthetic_addresses.hpp"

namespace claviger::proxy {

// The answer to one message; nullopt: it deserves none. Without `ipv6` no name has such an address.
std::optional<std::string> answer_names(std::string_view message, SyntheticAddresses& names, bool ipv6);

net::Task<void> serve_names(net::DatagramSocket& socket, SyntheticAddresses& names, bool ipv6);
net::Task<void> serve_names_over_tcp(net::StreamPtr stream, SyntheticAddresses& names, bool ipv6);

}  // namespace claviger::proxy
