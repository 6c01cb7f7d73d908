// Served: what is written down of one request, served or refused, or of one blind tunnel. Recording: hands it over exactly
// once, whatever way the coroutine that serves ends, also when the loop dies under it. Thread rule: on the Loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.hpp"

namespace claviger::proxy {

// No secrets: the path has no query, and segments that look like secrets are masked (LG-03).
struct Served {
    enum class Kind { request, tunnel } kind = Kind::request;
    base::Instant at{};                // when it came
    std::string provider, connection;  // whose credential was put in, or would have been
    std::string host, method, path;    // host: with the port unless that is the scheme's
    int status = 0;                    // what the client got; 0: no answer was begun
    std::string rule{};                // of the session's rules or limits the one that decided; empty: none said anything
    std::string approval{};            // how the owner approved it: "once", "10m", "earlier"; empty: nobody did
    std::string reason;                // why the proxy answered itself: docs/refusals.md; empty: it did not
    std::string why{};                 // more of it, which the client does not get
    std::uint64_t request_bytes = 0, response_bytes = 0;  // of the bodies; of a tunnel: all
    std::uint64_t scrubbed = 0;  // times that the answer showed the credential and it was overwritten
    std::int64_t milliseconds = 0;
};

using OnServed = std::function<void(const Served&)>;  // must not throw; may be called while the loop is destroyed

class Recording {
public:
    Recording(OnServed to, Served about) : served(std::move(about)), to_(std::move(to)) {}
    ~Recording();
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;

    // It came to its end. Without this the record says "interrupted".
    void finish(int status, const std::string& reason, std::uint64_t request_bytes, std::uint64_t response_bytes);
    void drop() { to_ = nullptr; }  // it was none
    Served served;

private:
    OnServed to_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    bool finished_ = false;
};

}  // namespace claviger::proxy
