#include "net/url_host.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <idn2.h>

#include "base/text.hpp"
#include "net/url.hpp"

namespace claviger::net {
namespace {

using base::ErrorCode;
using base::Result;

tl::unexpected<base::Error> refuse(std::string_view why) {
    return base::fail(ErrorCode::invalid_input, fmt::format("the URL's host {}", why));
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

int hex_digit(char c) noexcept {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool forbidden_in_domain(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte >= 0x7f || std::string_view("#/:<>?@[\\]^|%").find(c) != std::string_view::npos;
}

// Unlike base::percent_decode, a '%' that begins no escape stays: the forbidden code points then refuse it.
std::string percent_decode_leniently(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool is_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The characters that UTS 46 maps differently in its two modes: sharp s, final sigma, joiners.
bool holds_deviation_character(std::string_view utf8) noexcept {
    const std::string_view deviations[] = {"\xc3\x9f", "\xcf\x82", "\xe1\xba\x9e", "\xe2\x80\x8c", "\xe2\x80\x8d"};
    return std::any_of(std::begin(deviations), std::end(deviations),
                       [&](std::string_view one) { return utf8.find(one) != std::string_view::npos; });
}

// WHATWG "domain to ASCII" with beStrict false: an ASCII domain is only lower-cased. libidn2 is stricter than
// UTS 46 in two ways. Its non-transitional mode refuses symbols, so these go through the other mode where both
// are equal by definition. It also refuses hyphens at odd places of non-ASCII labels: left so, it fails closed.
Result<std::string> domain_to_ascii(const std::string& domain) {
    if (is_ascii(domain)) return base::to_lower(domain);
    if (!base::valid_utf8(domain)) return refuse("is not UTF-8");
    if (domain.find('\0') != std::string::npos) return refuse("holds a forbidden character");
    const auto convert = [&domain](int mode, std::string& out) {
        char* raw = nullptr;
        const int status = idn2_to_ascii_8z(domain.c_str(), &raw, IDN2_NFC_INPUT | mode);
        const std::unique_ptr<char, void (*)(void*)> owner(raw, idn2_free);
        if (status == IDN2_OK && raw != nullptr) out = base::to_lower(raw);
        return status;
    };
    std::string out;
    int status = convert(IDN2_NONTRANSITIONAL, out);
    if (status == IDN2_DISALLOWED && !holds_deviation_character(domain)) status = convert(IDN2_TRANSITIONAL, out);
    if (status != IDN2_OK) return refuse("is not a valid international domain name");
    return out;
}

// One part of an IPv4 address: decimal, 0x hexadecimal, 0 octal. Values above 32 bits are clamped, which the
// caller then refuses.
bool parse_ipv4_number(std::string_view text, std::uint64_t& value) {
    if (text.empty()) return false;
    unsigned radix = 10;
    if (text.size() >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        radix = 16;
        text.remove_prefix(2);
    } else if (text.size() >= 2 && text[0] == '0') {
        radix = 8;
        text.remove_prefix(1);
    }
    value = 0;
    for (const char c : text) {
        const int digit = hex_digit(c);
        if (digit < 0 || static_cast<unsigned>(digit) >= radix) return false;
        value = std::min<std::uint64_t>(value * radix + static_cast<unsigned>(digit), std::uint64_t{1} << 33);
    }
    return true;
}

Result<std::string> parse_ipv4(std::string_view text) {
    auto parts = base::split(text, '.');
    if (parts.size() > 1 && parts.back().empty()) parts.pop_back();
    if (parts.size() > 4) return refuse("ends in a number but is not an IPv4 address");
    std::uint64_t address = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        std::uint64_t number = 0;
        if (!parse_ipv4_number(parts[i], number)) return refuse("ends in a number but is not an IPv4 address");
        const bool last = i + 1 == parts.size();
        const std::uint64_t limit = last ? std::uint64_t{1} << (8 * (5 - parts.size())) : 256;
        if (number >= limit) return refuse("is an IPv4 address out of range");
        address |= last ? number : number << (8 * (3 - i));
    }
    return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

// The dotted tail of "::ffff:1.2.3.4": four decimal parts without leading zeros, into two pieces.
bool parse_ipv6_tail(std::string_view text, std::uint16_t* pieces) {
    const auto parts = base::split(text, '.');
    if (parts.size() != 4) return false;
    unsigned bytes[4];
    for (std::size_t i = 0; i < 4; ++i) {
        const auto& part = parts[i];
        if (part.empty() || part.size() > 3 || (part.size() > 1 && part[0] == '0')) return false;
        if (!std::all_of(part.begin(), part.end(), is_digit)) return false;
        bytes[i] = 0;
        for (const char c : part) bytes[i] = bytes[i] * 10 + static_cast<unsigned>(c - '0');
        if (bytes[i] > 255) return false;
    }
    pieces[0] = static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
    pieces[1] = static_cast<std::uint16_t>(bytes[2] << 8 | bytes[3]);
    return true;
}

// Pieces between single colons; a dotted tail counts for two and may stand last only.
bool parse_pieces(std::string_view text, bool tail_allowed, std::vector<std::uint16_t>& pieces) {
    if (text.empty()) return true;
    const auto parts = base::split(text, ':');
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto& part = parts[i];
        if (part.find('.') != std::string::npos) {
            std::uint16_t tail[2];
            if (!tail_allowed || i + 1 != parts.size() || !parse_ipv6_tail(part, tail)) return false;
            pieces.insert(pieces.end(), tail, tail + 2);
            continue;
        }
        if (part.empty() || part.size() > 4) return false;
        unsigned piece = 0;
        for (const char c : part) {
            const int digit = hex_digit(c);
            if (digit < 0) return false;
            piece = piece << 4 | static_cast<unsigned>(digit);
        }
        pieces.push_back(static_cast<std::uint16_t>(piece));
    }
    return true;
}

// RFC 5952: the first longest run of two or more zero pieces becomes "::".
std::string serialize_ipv6(const std::vector<std::uint16_t>& pieces) {
    std::size_t run_start = 8, run_length = 1;
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t end = i;
        while (end < 8 && pieces[end] == 0) ++end;
        if (end - i > run_length) {
            run_start = i;
            run_length = end - i;
        }
    }
    std::string out;
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == run_start) {
            out += i == 0 ? "::" : ":";
            i += run_length - 1;
            continue;
        }
        out += fmt::format("{:x}", pieces[i]);
        if (i < 7) out += ':';
    }
    return out;
}

}  // namespace

Result<std::string> parse_ipv6(std::string_view text) {
    const auto bad = [] { return refuse("is not a valid IPv6 address"); };
    const auto gap = text.find("::");
    std::vector<std::uint16_t> head, tail;
    if (gap == std::string_view::npos) {
        if (text.empty() || !parse_pieces(text, true, head) || head.size() != 8) return bad();
        return serialize_ipv6(head);
    }
    if (!parse_pieces(text.substr(0, gap), false, head) || !parse_pieces(text.substr(gap + 2), true, tail)) return bad();
    if (head.size() + tail.size() > 7) return bad();
    head.resize(8 - tail.size(), 0);
    head.insert(head.end(), tail.begin(), tail.end());
    return serialize_ipv6(head);
}

bool host_ends_in_number(std::string_view host) {
    if (!host.empty() && host.back() == '.') host.remove_suffix(1);
    const auto dot = host.rfind('.');
    const auto last = dot == std::string_view::npos ? host : host.substr(dot + 1);
    if (last.empty()) return false;
    std::uint64_t ignored = 0;
    return std::all_of(last.begin(), last.end(), is_digit) || parse_ipv4_number(last, ignored);
}

Result<std::string> parse_url_host(std::string_view text) {
    if (text.empty()) return refuse("is empty");
    if (text.front() == '[') {
        if (text.back() != ']' || text.size() < 2) return refuse("has no closing bracket");
        TRY(address, parse_ipv6(text.substr(1, text.size() - 2)));
        return "[" + address + "]";
    }
    TRY(domain, domain_to_ascii(percent_decode_leniently(text)));
    if (domain.empty()) return refuse("is empty");
    if (std::any_of(domain.begin(), domain.end(), forbidden_in_domain)) return refuse("holds a forbidden character");
    if (host_ends_in_number(domain)) return parse_ipv4(domain);
    return domain;
}

Result<std::string> canonical_host(std::string_view host) {
    // Outside of URLs nobody percent-encodes a host; one who does wants two readers to disagree.
    if (host.find('%') != std::string_view::npos) return refuse("holds a forbidden character");
    if (std::count(host.begin(), host.end(), ':') >= 2 && host.front() != '[') {
        TRY(address, parse_ipv6(host));
        return "[" + address + "]";
    }
    return parse_url_host(host);
}

}  // namespace claviger::net
