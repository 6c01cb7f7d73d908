// The character classes and small grammars of RFC 9110 and RFC 9112 that the reader and the writer share, so that
// what may be read and what may be written is one rule. Internal to http/. Thread rule: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/text.hpp"

namespace claviger::http::syntax {

enum Class : std::uint8_t {
    kToken = 1,   // tchar, RFC 9110 section 5.6.2
    kValue = 2,   // VCHAR, SP, HTAB, obs-text: inside a field value or a reason phrase
    kTarget = 4,  // visible ASCII without '#': inside a request target
    kHost = 8,    // ASCII letters, digits, '-', '.', '_': inside a name or an IPv4 address
};

constexpr std::array<std::uint8_t, 256> make_classes() {
    std::array<std::uint8_t, 256> table{};
    for (unsigned c = 0; c < 256; ++c) {
        const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool visible = c > 0x20 && c < 0x7f;
        const std::string_view token_marks = "!#$%&'*+-.^_`|~";
        unsigned classes = 0;
        if (alnum || (visible && token_marks.find(static_cast<char>(c)) != std::string_view::npos)) classes |= kToken;
        if (visible || c == ' ' || c == '\t' || c >= 0x80) classes |= kValue;
        if (visible && c != '#') classes |= kTarget;
        if (alnum || c == '-' || c == '.' || c == '_') classes |= kHost;
        table[c] = static_cast<std::uint8_t>(classes);
    }
    return table;
}
inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

constexpr bool is(char c, Class wanted) { return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0; }
constexpr bool all(std::string_view text, Class wanted) {
    for (const char c : text) {
        if (!is(c, wanted)) return false;
    }
    return true;
}
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr std::string_view trim_ows(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// 1*DIGIT without sign, space or overflow of a signed 64-bit number (other software may use one).
std::optional<std::uint64_t> parse_length(std::string_view text);

// uri-host [":" port] of RFC 9110 section 7.2, without userinfo, percent-encoding, zone or empty port.
struct Authority {
    std::string_view host;  // IPv6 in brackets
    std::optional<std::uint16_t> port;
};
std::optional<Authority> parse_authority(std::string_view text);

// The four forms of RFC 9112 section 3.2. `authority` is set for absolute-form and authority-form.
struct Target {
    enum class Form { origin, absolute, authority, asterisk } form = Form::origin;
    Authority authority;
    std::uint16_t default_port = 0;  // of the scheme, absolute-form only
};
std::optional<Target> parse_target(std::string_view method, std::string_view text);
// Whether the Host field's value and the target name the same place (they must: request routing, PX-15).
bool host_agrees(const Target& target, const Authority& host);

// Calls `see(element)` for each element of a comma list, empty ones left out.
template <class See>
void each_element(std::string_view list, See see) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        const std::string_view element = trim_ows(list.substr(0, comma));
        if (!element.empty()) see(element);
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

// Field names, without case; the size settles most comparisons without a call.
inline bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && base::equal_ignoring_case(a, b);
}

// Equal without case and with '_' read as '-': back-ends of the CGI family cannot tell the two apart.
bool equal_loosely(std::string_view name, std::string_view lower_case_name) noexcept;

}  // namespace claviger::http::syntax
