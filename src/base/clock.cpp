#include "base/clock.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace claviger::base {
namespace {
constexpr std::int64_t kLastSecondOf9999 = 253402300799;  // four-digit years are all RFC 3339 has
}

std::string to_rfc3339(Instant instant) {
    using namespace std::chrono;
    const auto whole = std::clamp<std::int64_t>(floor<seconds>(instant).time_since_epoch().count(), 0, kLastSecondOf9999);
    const sys_seconds at{seconds{whole}};
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss time{at - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                       time.minutes().count(), time.seconds().count());
}

Result<Instant> from_rfc3339(std::string_view text) {
    const auto bad = [&] { return fail(ErrorCode::invalid_input, "not an RFC 3339 time in UTC"); };
    if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
        text[19] != 'Z') {
        return bad();
    }
    bool ok = true;
    const auto number = [&](std::size_t at, std::size_t length) {
        int value = 0;
        for (const char c : text.substr(at, length)) {  // not from_chars, which would take "-0"
            ok = ok && c >= '0' && c <= '9';
            value = value * 10 + (c - '0');
        }
        return value;
    };
    using namespace std::chrono;
    const year_month_day date{year{number(0, 4)}, month{static_cast<unsigned>(number(5, 2))},
                              day{static_cast<unsigned>(number(8, 2))}};
    const int h = number(11, 2), m = number(14, 2), s = number(17, 2);
    if (!ok || !date.ok() || h > 23 || m > 59 || s > 59) return bad();
    return Instant{sys_days{date} + hours{h} + minutes{m} + seconds{s}};
}

}  // namespace claviger::base
