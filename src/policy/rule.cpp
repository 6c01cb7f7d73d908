#include "policy/rule.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace claviger::policy {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kLongest = 2048;
constexpr std::string_view kForm = "write METHODS:HOST/PATH or a part of it: DELETE:api.acme.com/items/**, POST, /admin/**";

// In any letter case, as Methods takes them: a rule that was meant to protect must not name a host called "delete".
bool is_usual_method(std::string_view text) {
    for (const auto& part : base::split(text, ',')) {
        constexpr std::string_view kUsual[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
        if (std::none_of(std::begin(kUsual), std::end(kUsual), [&](std::string_view one) { return base::equal_ignoring_case(part, one); })) return false;
    }
    return true;
}

// "GET,POST", "*", "read", "write": never a host, which is written in lower case here and has a port behind its colon.
bool looks_like_methods(std::string_view text) {
    if (text == "read" || text == "write" || text == "*" || is_usual_method(text)) return true;
    return text.find_first_of("abcdefghijklmnopqrstuvwxyz./[:") == std::string_view::npos;
}

}  // namespace

std::string_view to_string(Action action) {
    switch (action) {
        case Action::allow: return "allow";
        case Action::ask: return "ask";
        case Action::deny: return "deny";
    }
    return "deny";
}

Result<RuleHost> RuleHost::parse(std::string_view text) {
    if (text.find("://") != std::string_view::npos) {
        return base::fail(ErrorCode::invalid_input, "host " + base::printable(text) + " has a scheme", "write the host alone");
    }
    RuleHost host;
    host.text = text;
    std::string_view name = text;
    if (const auto colon = text.rfind(':'); colon != std::string_view::npos && !text.ends_with(']')) {
        const auto digits = text.substr(colon + 1);
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) {
            return base::fail(ErrorCode::invalid_input, "host " + base::printable(text) + " has no port from 1 to 65535 behind its colon", std::string(kForm));
        }
        host.port = port;
        name = text.substr(0, colon);
    }
    // By Url, so that it is canonical as the hosts it is held against; '*' passes there.
    const auto url = net::Url::parse("https://" + std::string(name) + "/");
    if (!url || url->has_userinfo() || url->path() != "/" || url->query() || url->fragment() || !url->has_default_port()) {
        return base::fail(ErrorCode::invalid_input, "'" + base::printable(text) + "' is no host", std::string(kForm));
    }
    auto pattern = HostPattern::parse(net::without_final_dot(url->host()), true);
    if (!pattern) return base::fail(ErrorCode::invalid_input, "host " + base::printable(text) + ": " + pattern.error().message, pattern.error().hint);
    host.pattern = *std::move(pattern);
    return host;
}

Result<Rule> Rule::parse(Action action, std::string_view text) {
    if (text.empty() || text.size() > kLongest) return base::fail(ErrorCode::invalid_input, "the rule is empty or too long", std::string(kForm));
    if (text.find("://") != std::string_view::npos) {
        return base::fail(ErrorCode::invalid_input, "rule " + base::printable(text) + " names a scheme", "leave it out; " + std::string(kForm));
    }
    Rule rule;
    rule.action = action;
    std::string_view rest = text;
    if (const auto colon = text.find(':'); colon != std::string_view::npos && looks_like_methods(text.substr(0, colon))) {
        TRY(methods, Methods::parse(text.substr(0, colon)));
        rule.methods = std::move(methods);
        rest = text.substr(colon + 1);
    } else if (text != "*" && looks_like_methods(text)) {
        TRY(methods, Methods::parse(text));
        rule.methods = std::move(methods);
        rest = "*";
    }
    const auto slash = std::min(rest.find('/'), rest.size());
    const auto host = rest.substr(0, slash);
    if (host.empty() && slash == rest.size()) return base::fail(ErrorCode::invalid_input, "rule " + base::printable(text) + " names no host", std::string(kForm));
    if (!host.empty() && host != "*") {
        TRY(one, RuleHost::parse(host));
        rule.hosts.push_back(std::move(one));
    }
    if (slash < rest.size() && rest.substr(slash) != "/**") {
        TRY(path, PathPattern::parse(rest.substr(slash)));
        rule.paths.push_back(std::move(path));
    }
    rule.name = std::string(to_string(action)) + " " + rule.text();
    return rule;
}

std::string Rule::text() const {
    const std::string host = hosts.empty() ? "" : hosts.front().text, path = paths.empty() ? "" : paths.front().text();
    if (methods.limited()) return methods.text() + (host.empty() && path.empty() ? "" : ":" + host + path);
    return host.empty() && path.empty() ? "*" : host + path;
}

bool Rule::names_host(std::string_view canonical_host, std::uint16_t port) const {
    return std::any_of(hosts.begin(), hosts.end(), [&](const RuleHost& host) { return host.matches(canonical_host, port); });
}

}  // namespace claviger::policy
