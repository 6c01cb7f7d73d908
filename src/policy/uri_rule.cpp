#include "policy/uri_rule.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/text.hpp"
#include "policy/glob.hpp"
#include "policy/host_pattern.hpp"
#include "policy/path_reading.hpp"
#include "provider/expand.hpp"

namespace claviger::policy {

using base::ErrorCode;
using base::Result;

struct UriRule::Parsed {
    std::string text;
    bool secure = true;  // https or wss; else http or ws on loopback
    HostPattern host;
    std::uint16_t port = 443;
    std::unique_ptr<const re2::RE2> path;   // null: every path
    std::unique_ptr<const re2::RE2> query;  // null: every query
    std::size_t prefix_length = 0;          // of the path before its first '*'
};

namespace {

constexpr std::size_t kLongestRule = 2048;

bool is_secure(const net::Url& url) { return url.scheme() == "https" || url.scheme() == "wss"; }

tl::unexpected<base::Error> refuse(std::string_view text, std::string_view why, std::string_view hint = {}) {
    return base::fail(ErrorCode::invalid_input, fmt::format("rule {}: {}", base::printable(text), why), std::string(hint));
}

// What all rules share: the text is a URL of ours, without parts that a rule cannot mean.
Result<net::Url> parse_rule_url(std::string_view text, std::string_view shown) {
    if (text.size() > kLongestRule) return refuse(shown, "longer than 2048 bytes");
    const auto dropped_by_urls = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '\\'; };
    if (std::any_of(text.begin(), text.end(), dropped_by_urls)) {
        return refuse(shown, "holds a space, a control character or a backslash", "remove it");
    }
    if (text.find("://") == std::string_view::npos) {
        return refuse(shown, "has no scheme and host", "write https://host/path; allow_all_uris is what allows more");
    }
    auto url = net::Url::parse(text);
    if (!url) return refuse(shown, url.error().message, url.error().hint);
    const auto after_scheme = text.substr(text.find("://") + 3);
    if (after_scheme.substr(0, after_scheme.find_first_of("/?#")).find('@') != std::string_view::npos) {
        return refuse(shown, "holds a user name", "remove the part before @");
    }
    if (url->fragment()) return refuse(shown, "has a fragment", "remove the part after #");
    if (path_is_unreadable(url->path()) || holds_encoded_slash(url->path())) return refuse(shown, "has an encoded separator in its path");
    if (!is_secure(*url) && !url->host_is_loopback()) {
        return refuse(shown, "is not https", "a credential goes over TLS only; write https://...");
    }
    return url;
}

// Scheme, host and port.
Result<std::shared_ptr<UriRule::Parsed>> begin_rule(const net::Url& url, std::string_view shown, bool any_depth_allowed) {
    auto host = HostPattern::parse(url.host(), any_depth_allowed);
    if (!host) return refuse(shown, host.error().message, host.error().hint);
    if (!is_secure(url) && host->kind() != HostPattern::Kind::exact) return refuse(shown, "has a '*' in the host of an http URL");
    auto rule = std::make_shared<UriRule::Parsed>();
    rule->text = shown;
    rule->secure = is_secure(url);
    rule->host = *std::move(host);
    rule->port = url.port();
    return rule;
}

}  // namespace

Result<UriRule> UriRule::parse_pattern(std::string_view pattern, PatternDialect dialect) {
    TRY(url, parse_rule_url(pattern, pattern));
    TRY(rule, begin_rule(url, pattern, false));
    auto path = url.path();
    // Before AFPS 1.3, "/*" at the end means all that is below; within this parser "**" says it.
    if (dialect == PatternDialect::subtree && path.ends_with("/*")) path += '*';
    rule->prefix_length = std::min(path.find('*'), path.size());
    rule->path = compile_glob(path, '/');
    if (!rule->path) return refuse(pattern, "is too complex");
    if (url.query()) {
        rule->query = compile_glob(*url.query(), '&');
        if (!rule->query) return refuse(pattern, "is too complex");
    }
    UriRule out;
    out.parsed_ = std::move(rule);
    return out;
}

Result<UriRule> UriRule::parse_target(std::string_view target) {
    UriRule out;
    constexpr std::string_view kRegex = "regex:";
    if (target.starts_with(kRegex)) {
        auto host = HostPattern::parse_regex(target.substr(kRegex.size()));
        if (!host) return refuse(target, host.error().message, host.error().hint);
        auto rule = std::make_shared<Parsed>();
        rule->text = target;
        rule->host = *std::move(host);
        out.parsed_ = std::move(rule);
        return out;
    }
    const bool has_scheme = target.find("://") != std::string_view::npos;
    TRY(url, parse_rule_url(has_scheme ? std::string(target) : "https://" + std::string(target), target));
    if (url.query()) return refuse(target, "has a query", "remove the part after ?");
    auto prefix = url.path();
    while (prefix.ends_with('/')) prefix.pop_back();
    if (prefix.find('*') != std::string::npos) {
        return refuse(target, "has a '*' in its path", "a target is a prefix; use authorized_uris for patterns");
    }
    TRY(rule, begin_rule(url, target, true));
    rule->prefix_length = prefix.size();
    if (!prefix.empty()) {
        rule->path = std::make_unique<const re2::RE2>(re2::RE2::QuoteMeta(prefix) + "(/.*)?");
        if (!rule->path->ok()) return refuse(target, "is too complex");
    }
    out.parsed_ = std::move(rule);
    return out;
}

Result<net::Url> parse_written_url(std::string_view text) {
    const auto rewritten = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; };
    if (std::any_of(text.begin(), text.end(), rewritten)) {
        return base::fail(ErrorCode::invalid_input, "the URL holds a control character or a backslash", "remove it");
    }
    return net::Url::parse(text);
}

bool UriRule::matches(const net::Url& url) const {
    if (!matches_as_read(url)) return false;
    if (!holds_encoded_slash(url.path())) return true;
    const auto others = other_readings(url);
    return !others.empty() &&
           std::all_of(others.begin(), others.end(), [this](const net::Url& other) { return matches_as_read(other); });
}

bool UriRule::matches_as_read(const net::Url& url) const {
    if (url.has_userinfo() || is_secure(url) != parsed_->secure) return false;
    if (url.port() != parsed_->port || !parsed_->host.matches(url.host())) return false;
    if (path_is_unreadable(url.path())) return false;
    if (parsed_->path && !full_match(*parsed_->path, url.path())) return false;
    return !parsed_->query || full_match(*parsed_->query, url.query().value_or(""));
}

std::optional<std::string> UriRule::mismatch(const net::Url& url) const {
    if (!parsed_->host.matches(url.host())) return std::nullopt;
    if (url.has_userinfo()) return "the URL has a user name";
    if (is_secure(url) != parsed_->secure) return std::string(parsed_->secure ? "it is for https" : "it is for plain http");
    if (url.port() != parsed_->port) return fmt::format("it is for port {}", parsed_->port);
    if (parsed_->path && !full_match(*parsed_->path, url.path())) return "another path";
    if (!matches(url)) return std::string(matches_as_read(url) ? "the path, read otherwise, leads elsewhere" : "another query");
    return "";
}

std::uint16_t UriRule::port() const { return parsed_->port; }

const std::string& UriRule::text() const { return parsed_->text; }

bool UriRule::host_may_match(std::string_view canonical_host, std::uint16_t port) const {
    return parsed_->secure && port == parsed_->port && parsed_->host.matches(canonical_host);
}

bool UriRule::limits_path() const { return parsed_->prefix_length > 1 || (parsed_->path && parsed_->path->pattern() != "/.*"); }

int UriRule::specificity() const {
    // Kind of host, then its fixed labels, then the fixed path, then a query: each field wide enough for its limit.
    const auto labels = static_cast<int>(std::min<std::size_t>(parsed_->host.fixed_labels(), 127));
    const auto prefix = static_cast<int>(std::min<std::size_t>(parsed_->prefix_length, 4095));
    return static_cast<int>(parsed_->host.kind()) << 20 | labels << 13 | prefix << 1 | (parsed_->query ? 1 : 0);
}

bool UriRule::names_loopback() const {
    const std::string constraint = parsed_->host.constraint();
    const auto host = std::string_view(constraint).substr(constraint.starts_with('.') ? 1 : 0);
    // By Url's own judgement: "127.acme.com" is a name like any other.
    const auto url = net::Url::parse(fmt::format("https://{}/", host));
    return url && url->host_is_loopback();
}

bool UriRule::meets(const HostPattern& hosts) const { return parsed_->host.may_meet(hosts); }

bool UriRule::names_host(std::string_view canonical_host) const {
    return parsed_->secure && parsed_->host.matches(canonical_host);
}

bool UriRule::reaches_loopback(std::string_view canonical_host, std::uint16_t port) const {
    return port == parsed_->port && parsed_->host.matches(canonical_host) && names_loopback();
}

std::vector<std::string> UriRule::constraint_hosts() const {
    if (!parsed_->secure) return {};
    auto host = parsed_->host.constraint();
    if (host.empty()) return {};
    return {std::move(host)};
}

}  // namespace claviger::policy
