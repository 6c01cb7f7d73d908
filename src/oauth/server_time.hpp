// Time as servers tell it: dates, and how far their clock is from ours. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "http/message.hpp"

namespace claviger::oauth {

constexpr std::int64_t kMsOfCentury = std::int64_t{100} * 365 * 24 * 3600 * 1000;

// A number since 1970 in units of `unit_ms`; one that would lie more than a century after `now` is in milliseconds. nullopt:
// still more than a century away, which means never. `number` is positive.
std::optional<base::Instant> since_1970(std::int64_t number, std::int64_t unit_ms, base::Instant now);

// When an answer was made, by the server's clock (RFC 9110 section 6.6.1). nullopt: it does not say.
std::optional<base::Instant> date_of(const http::Fields& answer);

// How far the server's clock is ahead of ours (negative: behind), by the Date of an answer to what was sent at `sent`, which came
// at `received`. Zero where it has none; where it lies between the two, however far they are apart (the machine may have slept),
// or no more than a minute outside, which is the network's and the rounding's; and where it is
// more than a day, which no clock of a server in use is: such a Date is made up, and nothing is moved for it.
base::Duration clock_skew(const http::Fields& answer, base::Instant sent, base::Instant received);

}  // namespace claviger::oauth
