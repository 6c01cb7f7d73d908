// The client's side of a connection that speaks HTTP/2, as a stream on which HTTP/1.1 is spoken: one request after the other.
// Thread rule: on the Loop's thread.
#pragma once

#include "http2/session.hpp"

namespace claviger::http2 {

// Takes over `stream`, whose TLS chose h2. What is given back is kept and reused as any connection of HTTP/1.1; it ends when
// the other ends.
base::Result<net::StreamPtr> as_http1(net::Loop& loop, net::StreamPtr stream);

}  // namespace claviger::http2
