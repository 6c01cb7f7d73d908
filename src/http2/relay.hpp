// Inside server.cpp and client.cpp: bodies between a stream of HTTP/2 and a connection of HTTP/1.1. Thread rule: on the
// Loop's thread.
#pragma once

#include "http/codec.hpp"
#include "http2/session.hpp"

namespace claviger::http2 {

constexpr std::chrono::minutes kBodyIdle{60};  // a stream may be silent for long; whoever serves it knows better
constexpr std::chrono::minutes kWriteTime{1};
constexpr std::chrono::seconds kEndTime{1};  // after the last byte of a length that was told

// What comes on `stream` to `h1`, trailers too. `h1` outlives the task. False when it did not come to its end. Of a length
// that was told the last part waits for the stream's end: until then it may have another, and be malformed (RFC 9113 8.1.1).
// With `at_once` only the last byte waits, and no longer than a second: then it is passed on, and false is the answer.
net::Task<bool> body_to_http1(std::shared_ptr<Session> session, StreamPtr stream, http::Connection& h1, http::BodyFraming framing, bool at_once = false);
// Until all of a stream has come, or no more will.
net::Task<void> wait_for_end(StreamPtr stream);
// What is read from `h1` to `stream`.
net::Task<bool> body_to_http2(std::shared_ptr<Session> session, StreamPtr stream, http::Connection& h1);
// The next head that comes; nothing when the stream ends before it.
net::Task<std::optional<http::Fields>> next_head(StreamPtr stream, net::Deadline deadline);

// A body that is relayed beside the answer.
struct Beside {
    explicit Beside(net::Loop& loop) : done(loop) {}
    net::Event done;
    bool complete = false;
};

}  // namespace claviger::http2
