// A blind tunnel: bytes both ways between two streams until both sides ended or one broke. No injection, nothing
// read (PX-37). Thread rule: on the Loop's thread.
#pragma once

#include "net/loop.hpp"
#include "net/stream.hpp"

namespace claviger::proxy {

struct TunnelCount {
    std::uint64_t from_client = 0, from_upstream = 0;
};

net::Task<TunnelCount> tunnel(net::Loop& loop, net::StreamPtr client, net::StreamPtr upstream);

}  // namespace claviger::proxy
