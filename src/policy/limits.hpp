// How much, and for how long: "60/m" and "30m". Thread rule: values; a TokenBucket is used on one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace claviger::policy {

// Whole seconds, minutes, hours and days: "90s", "30m", "1h30m", "2d"; from 1 s to 366 d. ErrorCode::invalid_input.
base::Result<base::Duration> parse_duration(std::string_view text);
std::string duration_text(base::Duration duration);

// So many requests per second, minute, hour or day.
struct Rate {
    std::uint32_t count = 0;
    base::Duration per{};

    // "10/s", "60/m", "1000/h", "5000/d". ErrorCode::invalid_input.
    static base::Result<Rate> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Rate&, const Rate&) = default;
};

// A bucket of `count` tokens that fills up evenly within `per`: so many at once, and in the long run so many per time.
class TokenBucket {
public:
    TokenBucket(Rate rate, base::Instant now) : rate_(rate), tokens_(rate.count), at_(now) {}
    // nullopt: taken. Else how long it is until there is one.
    std::optional<base::Duration> take(base::Instant now);
    void give_back();
    [[nodiscard]] const Rate& rate() const { return rate_; }

private:
    Rate rate_;
    double tokens_;
    base::Instant at_;
};

}  // namespace claviger::policy
