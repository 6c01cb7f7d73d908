#include "http/date.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace claviger::http {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<int> digits(std::string_view text) {
    const bool good = !text.empty() && text.size() <= 4 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!good) return std::nullopt;
    return std::stoi(std::string(text));
}

// RFC 850 has two digits for the year: one that would lie far ahead is of the century before.
int full_year(int year, std::size_t written) {
    if (written == 4) return year;
    return year < 70 ? 2000 + year : 1900 + year;
}

}  // namespace

std::optional<base::Instant> read_date(std::string_view text) {
    using namespace std::chrono;
    std::string plain(base::trim(text));
    std::replace(plain.begin(), plain.end(), '-', ' ');  // "06-Nov-94" of RFC 850
    std::vector<std::string> words;
    for (auto& word : base::split(plain, ' '))
        if (!word.empty()) words.push_back(std::move(word));
    const bool asctime = words.size() == 5;  // Sun Nov  6 08:49:37 1994
    if (!asctime && (words.size() != 6 || words[5] != "GMT")) return std::nullopt;
    const auto& day_word = words[asctime ? 2 : 1];
    const auto& month_word = words[asctime ? 1 : 2];
    const auto& year_word = words[asctime ? 4 : 3];
    const auto& time_word = words[asctime ? 3 : 4];
    const auto name = std::find(kMonths.begin(), kMonths.end(), month_word);
    const auto d = digits(day_word), y = digits(year_word);
    const auto clock = base::split(time_word, ':');
    if (name == kMonths.end() || !d || !y || clock.size() != 3) return std::nullopt;
    const auto h = digits(clock[0]), m = digits(clock[1]), s = digits(clock[2]);
    const year_month_day date{year{full_year(*y, year_word.size())},
                              month{static_cast<unsigned>(name - kMonths.begin()) + 1}, day{static_cast<unsigned>(*d)}};
    if (!h || !m || !s || !date.ok() || *h > 23 || *m > 59 || *s > 60) return std::nullopt;
    return base::Instant{sys_days{date} + hours{*h} + minutes{*m} + seconds{*s}};
}

}  // namespace claviger::http
