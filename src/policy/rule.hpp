// One rule of a session: what is done with the requests that it is about. Written "METHODS:HOST/PATH" on the command line
// and for a connection, as an object in a project file; the meaning is in docs/policy.md. Thread rule: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/url.hpp"
#include "policy/host_pattern.hpp"
#include "policy/methods.hpp"
#include "policy/path_pattern.hpp"

namespace claviger::policy {

enum class Action { allow, ask, deny };  // from the mildest to the strictest
std::string_view to_string(Action action);

struct RuleHost {
    HostPattern pattern;
    std::optional<std::uint16_t> port;  // none: any
    std::string text;

    // "api.acme.com", "*.acme.com", "**.acme.com", each with or without ":port". ErrorCode::invalid_input.
    static base::Result<RuleHost> parse(std::string_view text);
    [[nodiscard]] bool matches(std::string_view canonical_host, std::uint16_t to_port) const {
        return (!port || *port == to_port) && pattern.matches(net::without_final_dot(canonical_host));  // the same host to DNS
    }
};

struct Rule {
    Action action = Action::deny;
    Methods methods;
    std::vector<RuleHost> hosts;      // none: any
    std::vector<PathPattern> paths;   // none: any
    std::string provider, connection;  // empty: any
    std::string name;                 // how people are told of it: "--deny DELETE:api.acme.com"

    // "[METHODS:]HOST[:PORT][/PATH]"; "[METHODS:]*[/PATH]", "[METHODS:]/PATH" and "METHODS" are about any host.
    static base::Result<Rule> parse(Action action, std::string_view text);
    [[nodiscard]] std::string text() const;  // as short as it can be, where it has one host and one path at most

    [[nodiscard]] bool is_about(std::string_view of_provider, std::string_view of_connection) const {
        return (provider.empty() || provider == of_provider) && (connection.empty() || connection == of_connection);
    }
    [[nodiscard]] bool names_host(std::string_view canonical_host, std::uint16_t port) const;
    // Whether it can be held against a connection of which host and port alone are known.
    [[nodiscard]] bool needs_request() const { return methods.limited() || !paths.empty(); }
};

}  // namespace claviger::policy
