// The two ends of an accepted TCP connection, as its socket knows them. Values. Thread rule: that of the stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/stream.hpp"

namespace claviger::net {

struct Endpoint {
    std::string address;  // canonical text; IPv4 also where the socket is one of both families
    std::uint16_t port = 0;
};
// Nothing for a stream that is no plain TCP connection (any more).
std::optional<Endpoint> peer_endpoint(const Stream& stream);
std::optional<Endpoint> local_endpoint(const Stream& stream);

}  // namespace claviger::net
