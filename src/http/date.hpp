// Dates in header fields (RFC 9110 section 5.6.7). Thread rule: pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace claviger::http {

// "Sun, 06 Nov 1994 08:49:37 GMT", and the two older forms that a recipient must still read. nullopt: no such date.
std::optional<base::Instant> read_date(std::string_view text);

}  // namespace claviger::http
