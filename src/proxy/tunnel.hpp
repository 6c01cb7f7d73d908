// A blind tunnel: bytes both ways between two streams until both sides ended or one broke. No injection, nothing
// read (PX-37). Thread rule: on the Loop's thread.
#pragma once

#include "net/loop.hpp"
#include "net/stream.hpp"

namespace claviger::proxy {

struct TunnelCount {
    std::uint64_t from_client = 0, from_upstream = 0;
};

// `count` grows as it goes, so that what was passed is known also when the loop dies; it and the streams outlive the task.
net::Task<void> tunnel_between(net::Loop& loop, net::Stream& client, net::Stream& upstream, TunnelCount& count);

}  // namespace claviger::proxy
