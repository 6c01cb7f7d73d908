// Whole numbers in texts that others wrote. Thread rule: pure functions.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace claviger::base {

// Decimal digits and nothing else: no sign, no space. nullopt: another text, or a number that Integer does not hold.
template <class Integer = std::int64_t>
std::optional<Integer> whole_number(std::string_view text) {
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    Integer number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace claviger::base
