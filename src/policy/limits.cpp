#include "policy/limits.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::policy {
namespace {

using base::Duration;
using base::ErrorCode;
using base::Result;

constexpr std::uint32_t kMostCount = 1'000'000;
constexpr Duration kLongest = std::chrono::days(366);

struct Unit { char letter; Duration length; };
constexpr Unit kUnits[] = {{'d', std::chrono::hours(24)}, {'h', std::chrono::hours(1)}, {'m', std::chrono::minutes(1)}, {'s', std::chrono::seconds(1)}};

const Unit* unit_of(char letter) {
    const auto* found = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& unit) { return unit.letter == letter; });
    return found == std::end(kUnits) ? nullptr : found;
}

// Digits at the beginning of `text`, which are taken off.
std::optional<std::uint32_t> take_number(std::string_view& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    const auto wrong = [&] {
        return base::fail(ErrorCode::invalid_input, "'" + base::printable(text, 80) + "' is no time from 1s to 366d", "write 90s, 30m, 8h, 2d or 1h30m");
    };
    Duration total{};
    const Unit* before = nullptr;
    for (std::string_view rest = text; !rest.empty();) {
        const auto number = take_number(rest);
        const Unit* unit = number && !rest.empty() ? unit_of(rest.front()) : nullptr;
        if (unit == nullptr || (before != nullptr && unit->length >= before->length)) return wrong();
        rest.remove_prefix(1);
        total += *number * unit->length;
        before = unit;
    }
    if (total < std::chrono::seconds(1) || total > kLongest) return wrong();
    return total;
}

std::string duration_text(Duration duration) {
    std::string text;
    for (const auto& unit : kUnits) {
        if (const auto whole = duration / unit.length; whole > 0) text += fmt::format("{}{}", whole, unit.letter);
        duration %= unit.length;
    }
    return text.empty() ? "0s" : text;
}

Result<Rate> Rate::parse(std::string_view text) {
    const auto wrong = [&] {
        return base::fail(ErrorCode::invalid_input, "'" + base::printable(text, 80) + "' is no rate", "write 10/s, 60/m, 1000/h or 5000/d");
    };
    std::string_view rest = text;
    const auto count = take_number(rest);
    if (!count || *count == 0 || *count > kMostCount || rest.size() != 2 || rest[0] != '/') return wrong();
    const Unit* unit = unit_of(rest[1]);
    if (unit == nullptr) return wrong();
    return Rate{*count, unit->length};
}

std::string Rate::text() const {
    const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& one) { return one.length == per; });
    return fmt::format("{}/{}", count, unit == std::end(kUnits) ? '?' : unit->letter);
}

std::optional<Duration> TokenBucket::take(base::Instant now) {
    const double each = static_cast<double>(rate_.per.count()) / rate_.count;  // milliseconds a token
    if (now > at_) tokens_ = std::min<double>(rate_.count, tokens_ + static_cast<double>((now - at_).count()) / each);
    at_ = now;  // also when the clock was set back
    if (tokens_ >= 1) {
        tokens_ -= 1;
        return std::nullopt;
    }
    return Duration(static_cast<std::int64_t>(std::ceil((1 - tokens_) * each)));
}

void TokenBucket::give_back() { tokens_ = std::min<double>(rate_.count, tokens_ + 1); }

}  // namespace claviger::policy
