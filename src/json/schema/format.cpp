#include "json/schema/format.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <optional>

#include "json/schema/pattern.hpp"

namespace claviger::json::schema {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool hex_digit(char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Exactly `length` digits at `at`.
std::optional<int> number(std::string_view text, std::size_t at, std::size_t length) {
    if (at + length > text.size()) return std::nullopt;
    int value = 0;
    for (const char c : text.substr(at, length)) {
        if (!digit(c)) return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

bool date(std::string_view text) {
    using namespace std::chrono;
    const auto y = number(text, 0, 4), m = number(text, 5, 2), d = number(text, 8, 2);
    if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !y || !m || !d) return false;
    return year_month_day{year{*y}, month{static_cast<unsigned>(*m)}, day{static_cast<unsigned>(*d)}}.ok();
}

// RFC 3339 full-time. A leap second is one only at 23:59:60 in UTC.
bool full_time(std::string_view text) {
    const auto h = number(text, 0, 2), m = number(text, 3, 2), s = number(text, 6, 2);
    if (!h || !m || !s || text[2] != ':' || text[5] != ':' || *h > 23 || *m > 59 || *s > 60) return false;
    text.remove_prefix(8);
    if (text.starts_with('.')) {
        const auto end = std::find_if_not(text.begin() + 1, text.end(), digit);
        if (end == text.begin() + 1) return false;
        text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    }
    int offset = 0;
    if (text != "Z" && text != "z") {
        if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return false;
        const auto oh = number(text, 1, 2), om = number(text, 4, 2);
        if (!oh || !om || *oh > 23 || *om > 59) return false;
        offset = (*oh * 60 + *om) * (text[0] == '-' ? -1 : 1);
    }
    const int minute = ((*h * 60 + *m - offset) % 1440 + 1440) % 1440;
    return *s < 60 || minute == 1439;
}

bool date_time(std::string_view text) {
    return text.size() > 11 && (text[10] == 'T' || text[10] == 't') && date(text.substr(0, 10)) &&
           full_time(text.substr(11));
}

bool ipv4(std::string_view text) {
    for (int part = 0; part < 4; ++part) {
        if (part > 0) {
            if (!text.starts_with('.')) return false;
            text.remove_prefix(1);
        }
        const auto end = std::find_if_not(text.begin(), text.end(), digit);
        const auto length = static_cast<std::size_t>(end - text.begin());
        const auto value = length == 0 || length > 3 ? std::nullopt : number(text, 0, length);
        if (!value || *value > 255 || (length > 1 && text[0] == '0')) return false;
        text.remove_prefix(length);
    }
    return text.empty();
}

bool ipv6(std::string_view text) {
    int groups = 0;
    bool gap = false;
    if (text.starts_with("::")) {
        gap = true;
        text.remove_prefix(2);
    }
    while (!text.empty()) {
        const auto end = std::find_if_not(text.begin(), text.end(), hex_digit);
        const auto length = static_cast<std::size_t>(end - text.begin());
        if (end != text.end() && *end == '.') return ipv4(text) && (gap ? groups < 6 : groups == 6);
        if (length == 0 || length > 4) return false;
        ++groups;
        text.remove_prefix(length);
        if (text.empty()) break;
        if (text.starts_with("::")) {
            if (gap) return false;
            gap = true;
            text.remove_prefix(2);
        } else if (text.starts_with(':') && text.size() > 1) {
            text.remove_prefix(1);
        } else {
            return false;
        }
    }
    return gap ? groups < 8 : groups == 8;
}

// RFC 1123. Punycode labels are taken by their letters alone.
bool hostname(std::string_view text) {
    if (text.empty() || text.size() > 253) return false;
    for (;;) {
        const auto label = text.substr(0, text.find('.'));
        const auto edge = [](char c) { return letter(c) || digit(c); };
        if (label.empty() || label.size() > 63 || !edge(label.front()) || !edge(label.back())) return false;
        if (!std::all_of(label.begin(), label.end(), [&](char c) { return edge(c) || c == '-'; })) return false;
        if (label.size() > 3 && label.substr(2, 2) == "--" && label.substr(0, 2) != "xn" && label.substr(0, 2) != "XN") {
            return false;  // RFC 5891 section 4.2.3.1
        }
        if (label.size() == text.size()) return true;
        text.remove_prefix(label.size() + 1);
    }
}

// RFC 5321 Mailbox: a dotted or quoted local part; a domain or an address literal.
bool email(std::string_view text) {
    const auto at = text.rfind('@');
    if (at == std::string_view::npos || at == 0) return false;
    const auto local = text.substr(0, at);
    auto domain = text.substr(at + 1);
    if (local.size() >= 2 && local.front() == '"' && local.back() == '"') {
        for (std::size_t i = 1; i + 1 < local.size(); ++i) {
            if (local[i] == '\\') ++i;
            else if (local[i] == '"') return false;
            if (i + 1 >= local.size() || local[i] < 0x20 || local[i] > 0x7e) return false;
        }
    } else {
        constexpr std::string_view kSigns = "!#$%&'*+-/=?^_`{|}~.";
        const auto plain = [&](char c) { return letter(c) || digit(c) || kSigns.find(c) != std::string_view::npos; };
        if (!std::all_of(local.begin(), local.end(), plain)) return false;
        if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos) return false;
    }
    if (domain.size() < 2 || domain.front() != '[' || domain.back() != ']') return hostname(domain);
    domain = domain.substr(1, domain.size() - 2);
    return domain.starts_with("IPv6:") ? ipv6(domain.substr(5)) : ipv4(domain);
}

// Characters of `allowed`, unreserved ones, sub-delims, and percent-encoded bytes.
bool uri_characters(std::string_view text, std::string_view allowed) {
    constexpr std::string_view kUnreservedAndSubDelims = "-._~!$&'()*+,;=";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size() || !hex_digit(text[i + 1]) || !hex_digit(text[i + 2])) return false;
            i += 2;
        } else if (!letter(c) && !digit(c) && kUnreservedAndSubDelims.find(c) == std::string_view::npos &&
                   allowed.find(c) == std::string_view::npos) {
            return false;
        }
    }
    return true;
}

bool uri_authority(std::string_view text) {
    const auto at = text.rfind('@');
    if (at != std::string_view::npos) {
        if (!uri_characters(text.substr(0, at), ":")) return false;
        text.remove_prefix(at + 1);
    }
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return false;
        const auto inside = text.substr(1, close - 1);
        const bool future = inside.size() > 3 && (inside[0] == 'v' || inside[0] == 'V') && uri_characters(inside, ":");
        if (!future && !ipv6(inside)) return false;
        text.remove_prefix(close + 1);
        if (!text.empty() && text[0] != ':') return false;
    } else {
        const auto colon = std::min(text.find(':'), text.size());
        if (!uri_characters(text.substr(0, colon), "")) return false;
        text.remove_prefix(colon);
    }
    return text.empty() || std::all_of(text.begin() + 1, text.end(), digit);
}

// RFC 3986 URI: with a scheme.
bool uri(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || !letter(text[0])) return false;
    const auto scheme_character = [](char c) { return letter(c) || digit(c) || c == '+' || c == '-' || c == '.'; };
    if (!std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), scheme_character)) return false;
    text.remove_prefix(colon + 1);
    const auto hash = std::min(text.find('#'), text.size());
    if (hash < text.size() && !uri_characters(text.substr(hash + 1), ":@/?")) return false;
    text = text.substr(0, hash);
    const auto question = std::min(text.find('?'), text.size());
    if (question < text.size() && !uri_characters(text.substr(question + 1), ":@/?")) return false;
    text = text.substr(0, question);
    if (text.starts_with("//")) {
        const auto end = std::min(text.find('/', 2), text.size());
        if (!uri_authority(text.substr(2, end - 2))) return false;
        text.remove_prefix(end);
    }
    return uri_characters(text, ":@/");
}

bool regex(std::string_view text) { return Pattern::compile(text).has_value(); }

struct Named {
    std::string_view name;
    FormatCheck check;
};
constexpr Named kFormats[] = {
    {"date-time", date_time}, {"date", date}, {"uri", uri},   {"email", email},
    {"hostname", hostname},   {"ipv4", ipv4}, {"ipv6", ipv6}, {"regex", regex},
};

}  // namespace

FormatCheck format_check(std::string_view name) {
    const auto* found = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Named& n) { return n.name == name; });
    return found == std::end(kFormats) ? nullptr : found->check;
}

}  // namespace claviger::json::schema
