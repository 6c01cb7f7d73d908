// When a device flow may ask for its token (RFC 8628 section 3.5): never before the interval has passed since the answer
// to the request before, five seconds slower for good after each slow_down, ever slower while the server cannot be
// reached, and not at all once the code has run out. The last request leaves just before that, so that an approval counts
// as long as the code does: the one that would leave no room for another waits until then. It knows no clock: whoever
// drives it says what time it is.
// Thread rule: a value.
#pragma once

#include <chrono>
#include <optional>

#include "net/task.hpp"

namespace claviger::oauth {

class PollSchedule {
public:
    // `now`: when the answer that holds the code came.
    PollSchedule(std::chrono::seconds interval, std::chrono::seconds lifetime, net::Deadline now)
        : interval_(interval), answered_(now), end_(now + lifetime) {}

    // What the last request came to, and when that was known.
    void pending(net::Deadline now);
    void slow_down(net::Deadline now);
    // No answer, or one that says "not now". `retry_after`: what the server asked for, if anything.
    void unreachable(net::Deadline now, std::optional<std::chrono::seconds> retry_after = {});

    // When the next request leaves; nullopt: the code has run out before that.
    [[nodiscard]] std::optional<net::Deadline> next() const;
    [[nodiscard]] net::Deadline end() const { return end_; }

private:
    std::chrono::seconds interval_;
    std::chrono::seconds wait_ = interval_;   // from the last answer to the next request
    std::chrono::seconds least_ = interval_;  // what of it must pass; the rest is courtesy to a server in trouble
    int failures_ = 0;                        // in a row
    net::Deadline answered_, end_;
};

}  // namespace claviger::oauth
