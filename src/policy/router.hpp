// Router: which connection serves a URL. Built for a session from its connections; the most specific rule wins, of a
// tie the chosen connection, else it is an error that names both, never silently skipped. Requests to a provider's own
// OAuth endpoints get no credential (PX-30). Thread rule: immutable after build.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "policy/rule.hpp"
#include "policy/uri_rule.hpp"

namespace claviger::policy {

struct Route {
    std::string provider, connection;
    std::vector<UriRule> rules;
    std::vector<net::Url> excluded;  // the provider's own authorization and token endpoints
    bool chosen = false;             // named by whoever runs the session: wins where others match equally well
};

// Whether the path decides what a request of this connection may do: then no field may make a server take another (PX-32).
bool decides_by_path(const Route& route);

struct Decision {
    enum class Kind { matched, unmatched, ambiguous, excluded } kind = Kind::unmatched;
    std::string provider, connection;
    std::string rule;     // text of the rule that decided
    bool refused = false;  // unmatched because of how the path is written: not to be forwarded at all
    std::string because;  // one sentence for `route explain` and problem+json
    std::string command{};  // of ambiguous: how to choose
    const Route* route = nullptr;  // of the connection above; the router's
};

// A connection that names the URL's host, and how it fared.
struct Contender {
    enum class Outcome { wins, ties, less_specific, not_chosen, no_match } outcome = Outcome::no_match;
    std::string provider, connection, rule, because;
};
std::string_view to_string(Contender::Outcome outcome);

class Router {
public:
    explicit Router(std::vector<Route> routes);
    [[nodiscard]] Decision decide(const net::Url& url) const;
    // All connections that name the host, in the order of the routes: for `route explain`.
    [[nodiscard]] std::vector<Contender> contenders(const net::Url& url) const;
    // Whether this is plain http to a host that gets its credential over https alone (PX-11).
    [[nodiscard]] bool wants_https(const net::Url& url) const;
    // Whether any route could serve some URL on this host and port: only then is TLS opened (PX-27).
    [[nodiscard]] bool opens(std::string_view canonical_host, std::uint16_t port) const;
    // Whether any route serves this host over TLS, on any port.
    [[nodiscard]] bool names_host(std::string_view canonical_host) const;
    // Whether a rule names this very host and port as one of this machine: only such a connection may go to loopback,
    // so no other name that resolves there does (PX-09).
    [[nodiscard]] bool reaches_loopback(std::string_view canonical_host, std::uint16_t port) const;
    [[nodiscard]] std::vector<std::string> constraint_hosts() const;
    [[nodiscard]] std::set<std::uint16_t> ports() const;  // those that its rules name, explicitly or by their scheme
    [[nodiscard]] std::string first_regex() const;  // text of a rule with a regular expression; empty: there is none
    [[nodiscard]] bool serves_loopback() const;  // whether some rule names this machine
    [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

private:
    [[nodiscard]] Decision decide_as_read(const net::Url& url) const;
    std::vector<Route> routes_;
};

}  // namespace claviger::policy
