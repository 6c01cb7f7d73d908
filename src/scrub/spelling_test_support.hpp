// A secret in every spelling that docs/security-model.md promises, written by other means than scrub/ reads them by, with
// what must become of each byte. For tests.
#pragma once

#include <array>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace claviger::scrub::testing {

// `fate`, byte by byte: 'x' must be overwritten, '.' must stay, '?' either (it says the secret and its neighbour).
struct Text {
    std::string bytes, fate;
    void add(std::string_view more, char what) {
        bytes += more;
        fate.append(more.size(), what);
    }
};

inline Text plain(std::string_view bytes, char fate) {
    Text text;
    text.add(bytes, fate);
    return text;
}

// -- how the secret's bytes are written --------------------------------------------------------------------------------
inline Text base64(std::string_view secret, std::size_t before, bool url, std::size_t line, const std::string& line_end) {
    const std::string noise = "\x9d\x03\xf1\x7a\x22\xb8\x4c\xe5\x10\x67\xd9\x31";
    std::string bytes;
    while (bytes.size() < before) bytes += noise[bytes.size() % noise.size()];
    bytes += secret;
    const std::size_t end = bytes.size();
    bytes += noise.substr(0, 5);
    std::string encoded = url ? base::base64url_encode(bytes) : base::base64_encode(bytes);
    Text text;
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        const std::size_t first_bit = i * 6, last_bit = i * 6 + 5;
        const bool outside = last_bit < before * 8 || first_bit >= end * 8;
        const bool inside = first_bit >= before * 8 && last_bit < end * 8;
        if (line != 0 && i != 0 && i % line == 0) text.add(line_end, '?');
        text.add(std::string_view(&encoded[i], 1), outside ? '.' : inside ? 'x' : '?');
    }
    return text;
}

inline Text hex(std::string_view secret, const std::string& style) {
    std::string digits = base::hex_encode(secret);
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (style == "upper" || (style == "mixed" && i % 3 == 0)) digits[i] = base::to_upper(digits.substr(i, 1))[0];
    }
    return plain(digits, 'x');
}

inline Text utf16(std::string_view secret, bool big) {
    Text text;
    for (std::size_t i = 0; i < secret.size(); ++i) {
        const bool edge = big ? i == 0 : i + 1 == secret.size();
        if (big) text.add(std::string_view("\0", 1), edge ? '?' : 'x');
        text.add(secret.substr(i, 1), 'x');
        if (!big) text.add(std::string_view("\0", 1), edge ? '?' : 'x');
    }
    return text;
}

struct Form {
    std::string name;
    std::function<Text(std::string_view)> write;
};

inline std::vector<Form> forms() {
    std::vector<Form> all{{"raw", [](std::string_view s) { return plain(s, 'x'); }},
                          {"hex", [](std::string_view s) { return hex(s, "lower"); }},
                          {"HEX", [](std::string_view s) { return hex(s, "upper"); }},
                          {"heX", [](std::string_view s) { return hex(s, "mixed"); }},
                          {"utf-16le", [](std::string_view s) { return utf16(s, false); }},
                          {"utf-16be", [](std::string_view s) { return utf16(s, true); }}};
    for (std::size_t shift = 0; shift < 3; ++shift) {
        const auto end = std::to_string(shift);
        all.push_back({"base64+" + end, [shift](std::string_view s) { return base64(s, shift, false, 0, ""); }});
        all.push_back({"base64url+" + end, [shift](std::string_view s) { return base64(s, shift, true, 0, ""); }});
        all.push_back({"base64 later+" + end, [shift](std::string_view s) { return base64(s, 30 + shift, false, 0, ""); }});
        // The secret lies across the end of a line.
        all.push_back({"mime+" + end, [shift](std::string_view s) { return base64(s, 51 + shift, false, 76, "\r\n"); }});
        all.push_back({"lines+" + end, [shift](std::string_view s) { return base64(s, 39 + shift, false, 60, "\n"); }});
    }
    return all;
}

// -- how each of these bytes is escaped --------------------------------------------------------------------------------
struct Escaping {
    std::string name;
    std::function<std::string(char c, std::size_t at)> write;
};

inline std::string number(const char* format, char c) {
    std::array<char, 40> out{};
    std::snprintf(out.data(), out.size(), format, static_cast<unsigned>(static_cast<unsigned char>(c)));
    return out.data();
}

inline bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

inline std::string json(char c) {
    if (c == '"' || c == '\\' || c == '/') return std::string("\\") + c;
    if (c == '\n') return "\\n";
    if (c == '\r') return "\\r";
    return static_cast<unsigned char>(c) < 0x20 ? number("\\u%04x", c) : std::string(1, c);
}

inline std::string html(char c) {
    constexpr std::string_view kNamed[] = {"/sol",    "+plus",   "=equals", ".period", ":colon", "_lowbar", "&amp",  "<lt",   ">gt",
                                           "\"quot", "'apos",   "%percnt", "\\bsol",  "#num",   "!excl",   "@commat", "$dollar"};
    for (const auto named : kNamed) {
        if (named[0] == c) return "&" + std::string(named.substr(1)) + ";";
    }
    return std::string(1, c);
}

inline const std::vector<Escaping>& escapings() {
    static const std::vector<Escaping> all{
        {"", [](char c, std::size_t) { return std::string(1, c); }},
        {"%AA", [](char c, std::size_t) { return number("%%%02X", c); }},
        {"%aa", [](char c, std::size_t) { return number("%%%02x", c); }},
        {"%aA", [](char c, std::size_t at) { return number(at % 2 == 0 ? "%%%02x" : "%%%02X", c); }},
        {"% where needed", [](char c, std::size_t) { return letter(c) ? std::string(1, c) : number("%%%02X", c); }},
        {"% here and there", [](char c, std::size_t at) { return at % 5 == 2 ? number("%%%02X", c) : std::string(1, c); }},
        {"%u", [](char c, std::size_t) { return number("%%u%04X", c); }},
        {"json", [](char c, std::size_t) { return json(c); }},
        {"json \\u", [](char c, std::size_t) { return number("\\u%04x", c); }},
        {"json \\U", [](char c, std::size_t) { return number("\\u%04X", c); }},
        {"json here and there", [](char c, std::size_t at) { return at % 7 == 3 ? number("\\u%04X", c) : json(c); }},
        {"\\x", [](char c, std::size_t) { return number("\\x%02x", c); }},
        {"octal", [](char c, std::size_t) { return number("\\%03o", c); }},
        {"html names", [](char c, std::size_t) { return html(c); }},
        {"&#", [](char c, std::size_t) { return number("&#%u;", c); }},
        {"&#000", [](char c, std::size_t) { return number("&#%07u;", c); }},
        {"&#x", [](char c, std::size_t) { return number("&#x%x;", c); }},
        {"&#X", [](char c, std::size_t) { return number("&#X%02X;", c); }},
        {"&# open", [](char c, std::size_t) { return number("&#%u", c); }},
        {"all kinds in turn", [](char c, std::size_t at) {
             switch (at % 6) {
                 case 0: return number("%%%02x", c);
                 case 1: return number("\\u%04X", c);
                 case 2: return number("&#x%x;", c);
                 case 3: return number("\\x%02X", c);
                 case 4: return number("&#%u;", c);
                 default: return std::string(1, c);
             }
         }}};
    return all;
}

// `escaping` over a text that was written before.
inline Text escaped(const Text& text, const Escaping& escaping) {
    Text out;
    for (std::size_t i = 0; i < text.bytes.size(); ++i) out.add(escaping.write(text.bytes[i], i), text.fate[i]);
    return out;
}

struct Spelling {
    std::string name;
    std::function<Text(std::string_view)> write;
};

// Every form in every escaping, and a second escaping over the first for two of the forms.
inline std::vector<Spelling> spellings() {
    std::vector<Spelling> all;
    for (const auto& form : forms()) {
        for (const auto& first : escapings()) {
            all.push_back({form.name + " " + first.name, [form, first](std::string_view secret) { return escaped(form.write(secret), first); }});
            if (form.name != "raw" && form.name != "base64+1") continue;
            for (const auto& second : escapings()) {
                if (second.name.empty() || first.name.empty()) continue;
                // An end that was left open cannot be told from a digit that another layer wrote.
                if (first.name == "&# open" && (second.name.find("here") != std::string::npos || second.name.find("turn") != std::string::npos)) continue;
                all.push_back({form.name + " " + first.name + " in " + second.name, [form, first, second](std::string_view secret) {
                                   return escaped(escaped(form.write(secret), first), second);
                               }});
            }
        }
    }
    return all;
}

}  // namespace claviger::scrub::testing
