#include "base/masked_path.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace claviger::base {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const bool hex = is_digit(text[i]) || (text[i] >= 'a' && text[i] <= 'f') || (text[i] >= 'A' && text[i] <= 'F');
        if (dash ? text[i] != '-' : !hex) return false;
    }
    return true;
}

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alphanumeric(char c) { return is_digit(c) || is_letter(c); }

// Random text changes between letters and digits, and between small and capital letters, all the time; words do not:
// "getUserByName" has four parts in thirteen characters, "x7Kq9fQ2mL5vR" has twelve.
struct Mixture {
    std::size_t length = 0;   // of the runs of letters and digits that are long enough to tell
    std::size_t parts = 0;    // that these fall into
    std::size_t changes = 0;  // in them, between a letter and a digit beside it
    std::size_t capitals = 0, small = 0;

    void add(std::string_view run) {
        length += run.size();
        ++parts;
        for (std::size_t i = 0; i < run.size(); ++i) {
            if (is_capital(run[i])) ++capitals;
            else if (is_letter(run[i])) ++small;
            if (i == 0) continue;
            const bool change = is_digit(run[i]) != is_digit(run[i - 1]);
            if (change) ++changes;
            if (change || (is_capital(run[i]) && !is_capital(run[i - 1]))) ++parts;
        }
    }
    [[nodiscard]] bool random() const {
        const bool short_parts = parts * 33 > length * 10;
        const bool both_cases = capitals > 0 && 3 * std::min(capitals, small) >= capitals + small;
        return short_parts || both_cases || changes >= 4;
    }
};

bool looks_like_secret(std::string_view segment) {
    constexpr std::size_t kShortest = 16, kTellingRun = 6, kLongestWord = 32;
    if (segment.size() < kShortest || is_uuid(segment)) return false;
    Mixture mixture;
    for (std::size_t at = 0, end = 0; at < segment.size(); at = end + 1) {
        for (end = at; end < segment.size() && is_alphanumeric(segment[end]);) ++end;
        const auto run = segment.substr(at, end - at);
        if (run.size() >= kLongestWord && !std::all_of(run.begin(), run.end(), is_digit)) return true;
        if (run.size() >= kTellingRun) mixture.add(run);
    }
    return mixture.length >= kShortest && mixture.random();
}

// What comes after such a word is one more often than not: "/tokens/ab12cd34".
bool announces_secret(std::string_view segment) {
    static constexpr std::array<std::string_view, 16> kWords{"token",  "tokens",  "key",      "keys",      "apikey", "api-key", "api_key", "apikeys",
                                                             "secret", "secrets", "password", "passwords", "code",   "otp",     "invite",  "webhook"};
    return std::find(kWords.begin(), kWords.end(), to_lower(segment)) != kWords.end();
}

bool is_announced_secret(std::string_view segment) {
    return segment.size() >= 8 && std::any_of(segment.begin(), segment.end(), is_digit) && std::any_of(segment.begin(), segment.end(), is_letter) &&
           !is_uuid(segment);
}

// A server decodes it before it compares, so a secret may be written with escapes.
std::string decoded(std::string_view segment) {
    if (segment.find('%') == std::string_view::npos) return std::string(segment);
    return percent_decode(segment).value_or(std::string(segment));
}

}  // namespace

std::string masked_path(std::string_view path, std::size_t limit) {
    path = path.substr(0, path.find_first_of("?#"));
    std::string masked;
    std::string before;
    for (std::size_t at = 0; at <= path.size() && masked.size() <= limit;) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const auto segment = path.substr(at, end - at);
        auto plain = decoded(segment);
        const bool hide = looks_like_secret(plain) || (announces_secret(before) && is_announced_secret(plain));
        masked.append(hide ? kMaskedSegment : segment);
        if (end < path.size()) masked += '/';
        before = std::move(plain);
        at = end + 1;
    }
    const bool plain = masked.size() <= limit && std::all_of(masked.begin(), masked.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    return plain ? masked : printable(masked, limit);
}

}  // namespace claviger::base
