#include "http/syntax.hpp"

#include <limits>

namespace claviger::http::syntax {
namespace {

bool plausible_ipv6(std::string_view inside) {
    // The exact form is the URL parser's business; here only the alphabet counts, so no zone and no delimiter.
    if (inside.size() < 2 || inside.size() > 45) return false;
    bool colon = false;
    for (const char c : inside) {
        const bool hex = is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (c == ':') colon = true;
        if (!hex && c != ':' && c != '.') return false;
    }
    return colon;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    if (text.empty() || text.size() > 5) return std::nullopt;
    const auto number = parse_length(text);
    if (!number || *number == 0 || *number > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

std::optional<Target> parse_absolute(std::string_view text) {
    Target target;
    target.form = Target::Form::absolute;
    const std::size_t mark = text.find("://");
    if (mark == std::string_view::npos) return std::nullopt;
    const std::string_view scheme = text.substr(0, mark);
    if (base::equal_ignoring_case(scheme, "http")) {
        target.default_port = 80;
    } else if (base::equal_ignoring_case(scheme, "https")) {
        target.default_port = 443;
    } else {
        return std::nullopt;
    }
    const std::string_view rest = text.substr(mark + 3);
    const auto authority = parse_authority(rest.substr(0, rest.find_first_of("/?\\")));
    if (!authority) return std::nullopt;
    target.authority = *authority;
    return target;
}

}  // namespace

std::optional<std::uint64_t> parse_length(std::string_view text) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (text.empty() || text.size() > 19) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return std::nullopt;
        value = value * 10 + static_cast<std::uint64_t>(c - '0');  // 19 digits fit 64 bits
    }
    if (value > kMost) return std::nullopt;
    return value;
}

std::optional<Authority> parse_authority(std::string_view text) {
    Authority authority;
    std::size_t end = 0;
    if (!text.empty() && text.front() == '[') {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos || !plausible_ipv6(text.substr(1, close - 1))) return std::nullopt;
        end = close + 1;
    } else {
        while (end < text.size() && is(text[end], kHost)) ++end;
        if (end == 0 || end > 255) return std::nullopt;
    }
    authority.host = text.substr(0, end);
    if (end == text.size()) return authority;
    if (text[end] != ':') return std::nullopt;
    authority.port = parse_port(text.substr(end + 1));
    if (!authority.port) return std::nullopt;
    return authority;
}

std::optional<Target> parse_target(std::string_view method, std::string_view text) {
    if (text.empty() || !all(text, kTarget)) return std::nullopt;
    Target target;
    if (method == "CONNECT") {
        target.form = Target::Form::authority;
        const auto authority = parse_authority(text);
        if (!authority || !authority->port) return std::nullopt;
        target.authority = *authority;
        return target;
    }
    if (text == "*") {
        if (method != "OPTIONS") return std::nullopt;
        target.form = Target::Form::asterisk;
        return target;
    }
    // A backslash is a slash to some and a letter to others; only in a query is it harmless.
    if (text.substr(0, text.find('?')).find('\\') != std::string_view::npos) return std::nullopt;
    if (text.front() == '/') return target;
    return parse_absolute(text);
}

bool host_agrees(const Target& target, const Authority& host) {
    switch (target.form) {
        case Target::Form::origin:
        case Target::Form::asterisk:
            return true;
        case Target::Form::absolute:
            return base::equal_ignoring_case(target.authority.host, host.host) &&
                   target.authority.port.value_or(target.default_port) == host.port.value_or(target.default_port);
        case Target::Form::authority:
            // Node's http module names the proxy itself here. CONNECT is never passed on and its target alone decides,
            // so nothing hangs on this field.
            return true;
    }
    return false;
}

bool equal_loosely(std::string_view name, std::string_view lower_case_name) noexcept {
    if (name.size() != lower_case_name.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        char c = name[i];
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
        if (c == '_') c = '-';
        if (c != lower_case_name[i]) return false;
    }
    return true;
}

}  // namespace claviger::http::syntax
