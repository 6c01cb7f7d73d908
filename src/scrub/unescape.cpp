#include "scrub/unescape.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace claviger::scrub {
namespace {

struct Named {
    std::string_view name;
    char means;
};
// The references of HTML that mean an ASCII character; those with one first letter stand together.
constexpr Named kNames[] = {
    {"AMP", '&'}, {"DiacriticalGrave", '`'}, {"GT", '>'}, {"Hat", '^'}, {"LT", '<'}, {"NewLine", '\n'}, {"QUOT", '"'},
    {"Tab", '\t'}, {"UnderBar", '_'}, {"VerticalLine", '|'}, {"amp", '&'}, {"apos", '\''}, {"ast", '*'}, {"bsol", '\\'},
    {"colon", ':'}, {"comma", ','}, {"commat", '@'}, {"dollar", '$'}, {"equals", '='}, {"excl", '!'}, {"grave", '`'},
    {"gt", '>'}, {"lbrace", '{'}, {"lbrack", '['}, {"lcub", '{'}, {"lowbar", '_'}, {"lpar", '('}, {"lsqb", '['},
    {"lt", '<'}, {"midast", '*'}, {"num", '#'}, {"percnt", '%'}, {"period", '.'}, {"plus", '+'}, {"quest", '?'},
    {"quot", '"'}, {"rbrace", '}'}, {"rbrack", ']'}, {"rcub", '}'}, {"rpar", ')'}, {"rsqb", ']'}, {"semi", ';'},
    {"sol", '/'}, {"verbar", '|'}, {"vert", '|'},
};
// The first of them with that first character, or the end.
constexpr std::array<std::uint8_t, 128> kFirstName = [] {
    std::array<std::uint8_t, 128> table{};
    table.fill(static_cast<std::uint8_t>(std::size(kNames)));
    for (std::size_t i = std::size(kNames); i-- > 0;) table[static_cast<unsigned char>(kNames[i].name[0])] = static_cast<std::uint8_t>(i);
    return table;
}();
constexpr std::size_t kLongestName = 16, kMostDigits = 10;

constexpr std::array<signed char, 256> kHexValues = [] {
    std::array<signed char, 256> table{};
    table.fill(-1);
    for (signed char i = 0; i < 10; ++i) table[static_cast<std::size_t>('0' + i)] = i;
    for (signed char i = 10; i < 16; ++i) table[static_cast<std::size_t>('a' + i - 10)] = table[static_cast<std::size_t>('A' + i - 10)] = i;
    return table;
}();

int hex_value(char c) noexcept { return kHexValues[static_cast<unsigned char>(c)]; }

// Exactly `digits` hexadecimal digits at `at`; -1 without them.
std::int64_t fixed_hex(std::string_view text, std::size_t at, std::size_t digits) noexcept {
    if (text.size() < at + digits) return -1;
    std::int64_t value = 0;
    int any = 0;  // negative when one of them is none
    for (std::size_t i = 0; i < digits; ++i) {
        const int digit = hex_value(text[at + i]);
        any |= digit;
        value = value * 16 + digit;
    }
    return any < 0 ? -1 : value;
}

Unit byte(char c, std::size_t taken) { return {static_cast<std::uint8_t>(taken), 1, true, static_cast<unsigned char>(c)}; }

// UTF-8; what is no code point stays as it is written.
Unit code_point(std::int64_t code, std::size_t taken) {
    const auto c = static_cast<std::uint32_t>(code);
    const auto unit = [taken](unsigned length, std::uint32_t meant) { return Unit{static_cast<std::uint8_t>(taken), static_cast<std::uint8_t>(length), true, meant}; };
    const auto later = [c](unsigned shift) { return 0x80 | (c >> shift & 0x3f); };
    if (code < 0 || code > 0x10ffff) return Unit{};
    if (code < 0x80) return unit(1, c);
    if (code < 0x800) return unit(2, 0xc0 | c >> 6 | later(0) << 8);
    if (code < 0x10000) return unit(3, 0xe0 | c >> 12 | later(6) << 8 | later(0) << 16);
    return unit(4, 0xf0 | c >> 18 | later(12) << 8 | later(6) << 16 | later(0) << 24);
}

// %41, and %u0041 of JavaScript's escape().
Unit percent(std::string_view text, std::size_t at) {
    if (const auto value = fixed_hex(text, at + 1, 2); value >= 0) return byte(static_cast<char>(value), 3);
    if (text.substr(at + 1, 1) == "u") {
        if (const auto code = fixed_hex(text, at + 2, 4); code >= 0) return code_point(code, 6);
    }
    return {};
}

Unit utf16(std::string_view text, std::size_t at) {
    const auto code = fixed_hex(text, at + 2, 4);
    if (code < 0) return {};
    if (code >= 0xd800 && code < 0xdc00 && text.substr(at + 6, 2) == "\\u") {
        const auto low = fixed_hex(text, at + 8, 4);
        if (low >= 0xdc00 && low < 0xe000) return code_point(0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00), 12);
    }
    return code_point(code, 6);
}

Unit simple_unit(std::string_view text, std::size_t at, Escapes kinds);

// An escape that has no fixed end, at whose end an escape of another kind goes on with it: `&#6\u0035;`. That one is the
// outer one and has to be taken off first.
bool goes_on(std::string_view text, std::size_t end, Escapes own) {
    if (end >= text.size() || !is_introducer(text[end])) return false;
    const auto next = simple_unit(text, end, kAllEscapes & ~own & ~kLineBreak);
    return next.escape && next.length == 1 && (hex_value(next.byte(0)) >= 0 || next.byte(0) == ';');
}

Unit octal(std::string_view text, std::size_t at, bool simple) {
    std::size_t end = at + 1;
    int value = 0;
    while (end < text.size() && end < at + 4 && text[end] >= '0' && text[end] <= '7') value = value * 8 + (text[end++] - '0');
    if (!simple && end < at + 4 && goes_on(text, end, kBackslash)) return {};
    return value < 256 ? byte(static_cast<char>(value), end - at) : Unit{};
}

Unit backslash(std::string_view text, std::size_t at, bool simple) {
    if (at + 1 >= text.size()) return {};
    const char next = text[at + 1];
    switch (next) {
        case 'u': return utf16(text, at);
        case 'U': return code_point(fixed_hex(text, at + 2, 8), 10);
        case 'x':
            if (const auto value = fixed_hex(text, at + 2, 2); value >= 0) return byte(static_cast<char>(value), 4);
            return {};
        case 'a': return byte('\a', 2);
        case 'b': return byte('\b', 2);
        case 'e': return byte('\x1b', 2);
        case 'f': return byte('\f', 2);
        case 'n': return byte('\n', 2);
        case 'r': return byte('\r', 2);
        case 't': return byte('\t', 2);
        case 'v': return byte('\v', 2);
        default: break;
    }
    if (next >= '0' && next <= '7') return octal(text, at, simple);
    const bool letter = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z');
    const bool punctuation = next > ' ' && next < 0x7f && !letter && !(next >= '0' && next <= '9');
    if (!punctuation || (!simple && next != '\\' && is_introducer(next) && simple_unit(text, at + 1, kAllEscapes).escape)) return {};
    return byte(next, 2);
}

// &#65; &#x41; also without the semicolon.
Unit numeric(std::string_view text, std::size_t at, bool simple) {
    std::size_t end = at + 2;
    const bool hex = end < text.size() && (text[end] == 'x' || text[end] == 'X');
    if (hex) ++end;
    const std::size_t first = end;
    std::int64_t code = 0;
    for (; end < text.size() && end - first < kMostDigits; ++end) {
        const int digit = hex_value(text[end]);
        if (digit < 0 || (!hex && digit > 9)) break;
        code = std::min<std::int64_t>(code * (hex ? 16 : 10) + digit, 0x110000);
    }
    if (end == first) return {};
    if (end < text.size() && text[end] == ';') ++end;
    else if (!simple && goes_on(text, end, kReference)) return {};
    return code_point(code, end - at);
}

Unit reference(std::string_view text, std::size_t at, bool simple) {
    if (text.substr(at + 1, 1) == "#") return numeric(text, at, simple);
    const auto end = text.substr(at + 1, kLongestName + 1).find(';');
    if (end == std::string_view::npos) return {};
    const auto name = text.substr(at + 1, end);
    const auto* known = kNames + (name.empty() ? 0 : kFirstName[static_cast<unsigned char>(name[0]) & 127]);
    while (known != std::end(kNames) && !name.empty() && known->name[0] == name[0] && known->name != name) ++known;
    return known == std::end(kNames) || known->name != name ? Unit{} : byte(known->means, end + 2);
}

Unit line_break(std::string_view text, std::size_t at) {
    const std::size_t taken = text[at] == '\r' && text.substr(at + 1, 1) == "\n" ? 2 : 1;
    if (text[at] == '\r' && taken == 1) return {};
    const bool goes_on = at + taken < text.size() && is_base64(text[at + taken]);
    return goes_on && ends_base64_line(text, at) ? Unit{static_cast<std::uint8_t>(taken), 0, true, 0} : Unit{};
}

// `simple`: whatever stands behind it.
Unit read_unit(std::string_view text, std::size_t at, Escapes kinds, bool simple) {
    const char c = text[at];
    Unit unit;
    switch (c) {
        case '%': if ((kinds & kPercent) != 0) unit = percent(text, at); break;
        case '\\': if ((kinds & kBackslash) != 0) unit = backslash(text, at, simple); break;
        case '&': if ((kinds & kReference) != 0) unit = reference(text, at, simple); break;
        case '\n':
        case '\r': if ((kinds & kLineBreak) != 0) unit = line_break(text, at); break;
        default: break;
    }
    if (!unit.escape) unit.meant = static_cast<unsigned char>(c);
    return unit;
}

Unit simple_unit(std::string_view text, std::size_t at, Escapes kinds) { return read_unit(text, at, kinds, true); }

}  // namespace

bool ends_base64_line(std::string_view text, std::size_t at) noexcept {
    if (at < kShortestLine) return false;
    for (std::size_t i = 1; i <= kShortestLine; ++i) {
        if (!is_base64(text[at - i])) return false;
    }
    return true;
}

std::size_t next_introducer(std::string_view text, std::size_t from) noexcept {
#ifdef __SSE2__
    const auto equal = [](__m128i block, char c) { return _mm_cmpeq_epi8(block, _mm_set1_epi8(c)); };
    for (; from + 16 <= text.size(); from += 16) {
        const auto block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + from));
        const auto line_ends = _mm_or_si128(equal(block, '\n'), equal(block, '\r'));
        const auto others = _mm_or_si128(_mm_or_si128(equal(block, '%'), equal(block, '&')), equal(block, '\\'));
        const auto hits = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(line_ends, others)));
        if (hits != 0) return from + static_cast<std::size_t>(std::countr_zero(hits));
    }
#endif
    while (from < text.size() && !is_introducer(text[from])) ++from;
    return from;
}

Unit unit_at(std::string_view text, std::size_t at, Escapes kinds) { return read_unit(text, at, kinds, false); }

void unescape(std::string_view text, base::WipedString& out, Escapes kinds) {
    const std::size_t before = out.size();
    out.resize(before + text.size());  // never longer
    char* to = out.data() + before;
    for (std::size_t at = 0; at < text.size();) {
        const auto next = next_introducer(text, at);
        to = std::copy(text.data() + at, text.data() + next, to);
        if (next == text.size()) break;
        const auto unit = unit_at(text, next, kinds);
        for (std::size_t i = 0; i < unit.length; ++i) *to++ = unit.byte(i);
        at = next + unit.taken;
    }
    out.resize(static_cast<std::size_t>(to - out.data()));
}

void spell_out(std::string_view text, std::vector<Range>& ranges) {
    std::size_t at = 0, said = 0;  // text[0, at) says `said` bytes
    // Moves to the unit that says the byte `wanted`.
    const auto move_to = [&](std::size_t wanted) {
        while (at < text.size()) {
            const auto plain = std::min(next_introducer(text, at) - at, wanted - said);
            at += plain;
            said += plain;
            if (at == text.size() || !is_introducer(text[at])) return;
            const auto unit = unit_at(text, at);
            if (said + unit.length > wanted) return;
            at += unit.taken;
            said += unit.length;
        }
    };
    for (auto& range : ranges) {
        move_to(range.begin);
        const auto begin = at;
        move_to(range.end - 1);
        range = {begin, at < text.size() ? at + unit_at(text, at).taken : at};
    }
}

}  // namespace claviger::scrub
