// Url: one canonical URL (WHATWG rules for http, https, ws, wss). Policy checks and dialling use this same
// object; nobody decides on a raw string (PX-03). Immutable value. Thread rule: none needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace claviger::net {

class Url {
public:
    // Absolute URL of a special scheme (http, https, ws, wss). WHATWG parsing: tabs and newlines removed,
    // backslash is slash, dot segments and %2e resolved, host lower-cased / IDNA / IPv4 forms normalised, default
    // port dropped. ErrorCode::invalid_input.
    static base::Result<Url> parse(std::string_view text);
    // Relative reference against this URL (RFC 3986 section 5, WHATWG rules).
    [[nodiscard]] base::Result<Url> resolve(std::string_view reference) const;

    [[nodiscard]] const std::string& scheme() const { return scheme_; }
    [[nodiscard]] const std::string& host() const { return host_; }  // IPv6 in brackets
    [[nodiscard]] std::string dial_host() const;                      // IPv6 without brackets
    [[nodiscard]] std::uint16_t port() const { return port_; }        // effective
    [[nodiscard]] bool has_default_port() const;
    [[nodiscard]] const std::string& path() const { return path_; }   // begins with '/'
    [[nodiscard]] const std::optional<std::string>& query() const { return query_; }
    [[nodiscard]] const std::optional<std::string>& fragment() const { return fragment_; }
    [[nodiscard]] bool has_userinfo() const { return !username_.empty() || !password_.empty(); }
    [[nodiscard]] const std::string& username() const { return username_; }  // still percent-encoded
    [[nodiscard]] const std::string& password() const { return password_; }
    [[nodiscard]] bool host_is_ip() const;
    [[nodiscard]] bool host_is_loopback() const;  // 127/8, ::1, localhost, *.localhost

    [[nodiscard]] std::string authority() const;  // host, and port unless default: for Host and CONNECT
    [[nodiscard]] std::string origin() const;     // scheme://authority
    [[nodiscard]] std::string request_target() const;  // path and query
    [[nodiscard]] std::string text() const;       // WHATWG serialisation, userinfo included
    // For people and logs: origin and path, no query, fragment or userinfo (LG-03).
    [[nodiscard]] std::string redacted() const;
    // A copy with these pairs appended to the query, form-encoded; an existing query is kept.
    [[nodiscard]] Url with_query(const std::vector<std::pair<std::string, std::string>>& parameters) const;

    friend bool operator==(const Url&, const Url&) = default;

private:
    std::string scheme_, username_, password_, host_, path_;
    std::uint16_t port_ = 0;
    std::optional<std::string> query_, fragment_;
    friend class UrlParser;
};

// A host name or address alone, canonicalised as in a URL. For CONNECT targets, SNI, definitions.
base::Result<std::string> canonical_host(std::string_view host);
// A final dot says that a name is complete: to DNS it is the same host.
constexpr std::string_view without_final_dot(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    return host;
}
// Whether `domain` is a public suffix ("co.uk"): no wildcard may stand directly before it (PX-04).
bool is_public_suffix(std::string_view domain);
// The same by the registries' part of the list alone: "co.uk", but not a hoster's "shops.example".
bool is_registry_suffix(std::string_view domain);

}  // namespace claviger::net
