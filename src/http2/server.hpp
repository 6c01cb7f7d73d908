// The server's side of a connection that speaks HTTP/2: each request is served as HTTP/1.1 over a stream of its own in memory,
// so there is one implementation of what happens to a request. Thread rule: on the Loop's thread.
#pragma once

#include <functional>

#include "http2/session.hpp"

namespace claviger::http2 {

// What is done on a connection. The protocol() of their streams is "h2".
struct Service {
    // Serves one request, or more, of the stream that it is given.
    std::function<net::Task<void>(net::StreamPtr)> serve;
    // What came is no request, or (ErrorCode::limit) one too long. Writes the answer, as of HTTP/1.1, to the stream that it is
    // given; null when the client cannot be answered any more, since its stream or its connection has ended for that.
    std::function<net::Task<void>(net::StreamPtr, base::Error)> refuse;
};

// Until the connection ends and all that was served on it. Loop and what `service` refers to outlive the task.
net::Task<void> serve_connection(net::Loop& loop, net::StreamPtr stream, Limits limits, Service service);

}  // namespace claviger::http2
