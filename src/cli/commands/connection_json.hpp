// A connection as `list --json` and `get --json` both print it: the same members, of the same types, in one place.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connection/connections.hpp"
#include "connection/standing.hpp"
#include "json/value.hpp"

namespace claviger::cli {

struct ConnectionFacts {
    std::string provider, name;
    bool is_default = false;
    connection::Standing standing;
    std::string login_reason;
    std::optional<base::Instant> failing_since;
    std::vector<std::string> scopes;
    std::optional<base::Instant> expires_at;
    std::string base_url, account;
    std::vector<std::string> missing_scopes;
    bool plain_http = false;  // something of it is plain http, on loopback (OA-09)
};

// `definition` says which scopes imply others; may be null.
ConnectionFacts facts_of(const connection::Connection& connection, bool is_default, const provider::ProviderDefinition* definition, base::Instant now);
ConnectionFacts facts_of(const connection::Summary& summary, const provider::ProviderDefinition* definition, base::Instant now);

// provider, connection, default, status, why, command, login_reason, refresh_failing_since, scopes, missing_scopes, expires_at, base_url, account, plain_http; what is not known is null.
json::Object connection_json(const ConnectionFacts& facts);
json::Value string_or_null(const std::string& text);

}  // namespace claviger::cli
