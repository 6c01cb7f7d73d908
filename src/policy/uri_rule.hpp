// Where a credential may go. A rule is parsed once into components and matched against a parsed Url, component by
// component; never on a raw string (PX-03 to PX-05). Thread rule: values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/url.hpp"
#include "provider/definition.hpp"

namespace claviger::policy {

class HostPattern;

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

    // A path with "%2F" matches when it does in every reading: as data of a segment, and as a separator. One with "%5C" or
    // "%00" never does (PX-05).
    [[nodiscard]] bool matches(const net::Url& url) const;
    [[nodiscard]] const std::string& text() const;
    // Of a rule whose host matches: what keeps it from this URL, "" when nothing does. nullopt: the host differs.
    [[nodiscard]] std::optional<std::string> mismatch(const net::Url& url) const;
    // Whether the host part alone could match: decides if a CONNECT to that host is opened.
    [[nodiscard]] bool host_may_match(std::string_view canonical_host, std::uint16_t port) const;
    // Whether it serves some paths of its host and not others.
    [[nodiscard]] bool limits_path() const;
    [[nodiscard]] std::uint16_t port() const;
    // Larger = more specific: exact host over wildcard over regex, then longer path prefix.
    [[nodiscard]] int specificity() const;
    // Host names for name constraints of the session CA: "api.acme.com", or ".acme.com" for a wildcard; empty for
    // regex rules (the host is then taken from each CONNECT).
    [[nodiscard]] std::vector<std::string> constraint_hosts() const;

    // Whether it may serve a host that `hosts` matches.
    [[nodiscard]] bool meets(const HostPattern& hosts) const;
    // Whether it serves this host over TLS, on any port.
    [[nodiscard]] bool names_host(std::string_view canonical_host) const;
    // Whether it names this very host and port, over http or https, as one of this machine.
    [[nodiscard]] bool reaches_loopback(std::string_view canonical_host, std::uint16_t port) const;
    // Whether it names this machine: localhost, a name below it, or a loopback address; http rules too.
    [[nodiscard]] bool names_loopback() const;

    struct Parsed;

    // For one reading of a path alone, "%2F" as data: the router compares what each means.
    [[nodiscard]] bool matches_as_read(const net::Url& url) const;

private:
    std::shared_ptr<const Parsed> parsed_;
};

// A URL as somebody wrote it, for deciding: what Url would silently drop or rewrite (tabs, newlines, backslashes) is
// refused here, so that what was written is what is decided on (PX-04).
base::Result<net::Url> parse_written_url(std::string_view text);

// Whether a variable or field of this name tells the connection's own host ("subdomain", "shop_domain", "tenant").
bool names_own_host(std::string_view name);

// All rules of a definition with {variables} replaced. The rules for injection are api_url and authorized_uris
// together; both absent = the origins of no URL (nothing is injected) unless allow_all_uris.
//
// A '*' before a domain under which anybody can have a host (*.shops.example) would let a program name a stranger's host,
// so it stands for the connection's own host alone: one that a variable or an entry of `own` holds whole, or whose label
// one of them holds that is named like "subdomain". Without such a value the rule is left out; an error when that leaves
// none.
base::Result<std::vector<UriRule>> rules_of(const provider::ProviderDefinition& definition,
                                            const provider::VariableValues& variables,
                                            const provider::VariableValues& own = {});

}  // namespace claviger::policy
