// The server's side of a connection that speaks HTTP/2: each request is served as HTTP/1.1 over a stream of its own in memory,
// so there is one implementation of what happens to a request. Thread rule: on the Loop's thread.
#pragma once

#include <functional>

#include "http2/session.hpp"

namespace claviger::http2 {

// Serves one request, or more, of the stream that it is given; its protocol() is "h2".
using Serve = std::function<net::Task<void>(net::StreamPtr)>;

// Until the connection ends and all that was served on it. Loop and what `serve` refers to outlive the task.
net::Task<void> serve_connection(net::Loop& loop, net::StreamPtr stream, Limits limits, Serve serve);

}  // namespace claviger::http2
