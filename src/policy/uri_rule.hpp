// Where a credential may go. A rule is parsed once into components and matched against a parsed Url, component by
// component; never on a raw string (PX-03 to PX-05). Thread rule: values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/url.hpp"
#include "provider/definition.hpp"

namespace claviger::policy {

enum class PatternDialect {
    subtree,   // a trailing "/*" covers the whole subtree; '*' elsewhere is one segment or label
    afps_1_3,  // '*' = one segment, '**' = any depth
};

class UriRule {
public:
    // An `authorized_uris` pattern: scheme://host[:port]/path[?query] with '*' and '**'.
    static base::Result<UriRule> parse_pattern(std::string_view pattern, PatternDialect dialect);
    // An `api_url` target: host, https://host/prefix, *.host, **.host, regex:<host pattern> (full match, RE2).
    static base::Result<UriRule> parse_target(std::string_view target);

    [[nodiscard]] bool matches(const net::Url& url) const;
    [[nodiscard]] const std::string& text() const;
    // Whether the host part alone could match: decides if a CONNECT to that host is opened.
    [[nodiscard]] bool host_may_match(std::string_view canonical_host, std::uint16_t port) const;
    // Larger = more specific: exact host over wildcard over regex, then longer path prefix.
    [[nodiscard]] int specificity() const;
    // Host names for name constraints of the session CA: "api.acme.com", or ".acme.com" for a wildcard; empty for
    // regex rules (the host is then taken from each CONNECT).
    [[nodiscard]] std::vector<std::string> constraint_hosts() const;

    // Whether it names this machine: localhost, a name below it, or a loopback address; http rules too.
    [[nodiscard]] bool names_loopback() const;

    struct Parsed;

private:
    std::shared_ptr<const Parsed> parsed_;
};

// A URL as somebody wrote it, for deciding: what Url would silently drop or rewrite (tabs, newlines, backslashes) is
// refused here, so that what was written is what is decided on (PX-04).
base::Result<net::Url> parse_written_url(std::string_view text);

// All rules of a definition with {variables} replaced. The rules for injection are api_url and authorized_uris
// together; both absent = the origins of no URL (nothing is injected) unless allow_all_uris.
base::Result<std::vector<UriRule>> rules_of(const provider::ProviderDefinition& definition,
                                            const provider::VariableValues& variables);

}  // namespace claviger::policy
