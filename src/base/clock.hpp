// Time comes from a Clock, so that tests can move it. Wall time for what is stored (expiry), steady time
// for what is awaited. Thread rule: const members are safe from any thread.
#pragma once

#include <chrono>
#include <string>

#include "base/error.hpp"

namespace claviger::base {

using Instant = std::chrono::sys_time<std::chrono::milliseconds>;
using Duration = std::chrono::milliseconds;

class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Instant now() const = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] Instant now() const override {
        return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    }
};

class FakeClock final : public Clock {
public:
    explicit FakeClock(Instant start = Instant{Duration{1'800'000'000'000}}) : now_(start) {}
    [[nodiscard]] Instant now() const override { return now_; }
    void advance(Duration by) { now_ += by; }

private:
    Instant now_;
};

// RFC 3339 in UTC, seconds: 2026-11-21T02:30:00Z. Instants before 1970 or after 9999 are clamped.
std::string to_rfc3339(Instant instant);
Result<Instant> from_rfc3339(std::string_view text);

}  // namespace claviger::base
