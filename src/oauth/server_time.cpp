#include "oauth/server_time.hpp"

#include <algorithm>

#include "http/date.hpp"

namespace claviger::oauth {

std::optional<base::Instant> since_1970(std::int64_t number, std::int64_t unit_ms, base::Instant now) {
    const auto room = kMsOfCentury + now.time_since_epoch().count();
    if (number <= room / unit_ms) return base::Instant(base::Duration(number * unit_ms));
    if (number <= room) return base::Instant(base::Duration(number));
    return std::nullopt;
}

std::optional<base::Instant> date_of(const http::Fields& answer) { return http::read_date(answer.find("Date").value_or("")); }

base::Duration clock_skew(const http::Fields& answer, base::Instant sent, base::Instant received) {
    constexpr base::Duration kLeast = std::chrono::minutes(1), kMost = std::chrono::hours(24);
    const auto date = date_of(answer);
    if (!date) return base::Duration(0);
    sent = std::min(sent, received);  // our clock may have been put back meanwhile
    const auto skew = *date < sent ? *date - sent : *date > received ? *date - received : base::Duration(0);
    const auto size = std::chrono::abs(skew);
    return size > kLeast && size <= kMost ? skew : base::Duration(0);
}

}  // namespace claviger::oauth
