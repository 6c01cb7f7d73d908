// One layer of escapes taken off foreign text, as a forgiving reader would: percent-encoding (RFC 3986 section 2.1),
// backslash escapes (JSON, C, Python), HTML character references, and the line breaks inside base64 (RFC 2045 section 6.8).
// All kinds at once; what is no escape stays as it is. Only for finding things: the result is not what any one reader
// would see. Thread rule: pure functions on borrowed text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/secret.hpp"

namespace claviger::scrub {

inline constexpr std::array<std::uint8_t, 256> kCharacterClasses = [] {
    std::array<std::uint8_t, 256> table{};
    for (const char c : {'%', '\\', '&', '\n', '\r'}) table[static_cast<unsigned char>(c)] = 1;
    for (unsigned c = 0; c < 128; ++c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || c == '+' || c == '/' || c == '-' || c == '_' || c == '=') table[c] = 2;
    }
    return table;
}();
// What may begin an escape.
inline bool is_introducer(char c) noexcept { return kCharacterClasses[static_cast<unsigned char>(c)] == 1; }
// Of either alphabet of RFC 4648, padding included.
inline bool is_base64(char c) noexcept { return kCharacterClasses[static_cast<unsigned char>(c)] == 2; }

struct Range {
    std::size_t begin = 0, end = 0;
};

// Kinds of escapes, to be combined.
using Escapes = unsigned;
inline constexpr Escapes kPercent = 1, kBackslash = 2, kReference = 4, kLineBreak = 8, kAllEscapes = 15;
inline constexpr std::size_t kLongestEscape = 14;  // &#x0000000041;
// So many base64 characters before a line break make it one inside base64.
inline constexpr std::size_t kShortestLine = 32;

// What stands at one place: an escape with what it means, or one byte that means itself.
struct Unit {  // fits a register
    std::uint8_t taken = 1;   // bytes of the text
    std::uint8_t length = 1;  // bytes that are meant, at most 4; 0: a line break that means nothing
    bool escape = false;
    std::uint32_t meant = 0;  // the first one lowest
    [[nodiscard]] char byte(std::size_t i) const noexcept { return static_cast<char>(meant >> 8 * i); }
};
Unit unit_at(std::string_view text, std::size_t at, Escapes kinds = kAllEscapes);

// The first byte from `from` on that may begin an escape; text.size() if there is none.
std::size_t next_introducer(std::string_view text, std::size_t from) noexcept;
// Whether a line break at `at` follows a line of base64.
bool ends_base64_line(std::string_view text, std::size_t at) noexcept;

// Appends the unescaped text.
void unescape(std::string_view text, base::WipedString& out, Escapes kinds = kAllEscapes);
// Turns ranges of the unescaped text, ascending and disjoint, into the ranges of `text` that say them.
void spell_out(std::string_view text, std::vector<Range>& ranges);

}  // namespace claviger::scrub
