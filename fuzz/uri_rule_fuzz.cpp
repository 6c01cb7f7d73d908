// Rules and URLs over any bytes: the first line is the rule, the rest a URL. Beside memory errors: what a rule lets
// through keeps the promises that hold for every rule (PX-03 to PX-05, PX-07).
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "policy/uri_rule.hpp"

namespace {

using claviger::net::Url;
using claviger::policy::PatternDialect;
using claviger::policy::UriRule;

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const UriRule& rule, const Url& url) {
    (void)rule.specificity();
    if (!rule.matches(url)) return;
    require(!url.has_userinfo());
    const bool tls = url.scheme() == "https" || url.scheme() == "wss";
    require(tls || url.host_is_loopback());
    require(!tls || rule.host_may_match(url.host(), url.port()));
    for (const std::string_view bad : {"%5c", "%5C", "%00"}) require(url.path().find(bad) == std::string::npos);
    // What holds for an encoded slash holds for a plain one.
    std::string plain;
    for (std::size_t i = 0; i < url.path().size(); ++i) {
        const std::string_view three = std::string_view(url.path()).substr(i, 3);
        const bool slash = three == "%2f" || three == "%2F";
        plain += slash ? '/' : url.path()[i];
        i += slash ? 2 : 0;
    }
    if (plain != url.path()) {
        const auto other = Url::parse(url.origin() + plain + (url.query() ? "?" + *url.query() : ""));
        require(other && rule.matches(*other));
    }
    // The session's authority may then name this host.
    bool covered = !tls || rule.text().starts_with("regex:");
    for (const auto& host : rule.constraint_hosts()) {
        covered = covered || host == url.host() || (host.starts_with('.') && url.host().size() > host.size() && url.host().ends_with(host));
    }
    require(covered);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto line = bytes.find('\n');
    if (line == std::string_view::npos) return 0;
    const auto rule = bytes.substr(0, line);
    const auto url = Url::parse(bytes.substr(line + 1));
    for (const auto dialect : {PatternDialect::subtree, PatternDialect::afps_1_3}) {
        const auto pattern = UriRule::parse_pattern(rule, dialect);
        if (pattern && url) check(*pattern, *url);
    }
    const auto target = UriRule::parse_target(rule);
    if (target && url) check(*target, *url);
    return 0;
}
