#include "connection/connection.hpp"

#include <algorithm>

namespace claviger::connection {

std::string_view to_string(Status status) {
    switch (status) {
        case Status::connected: return "connected";
        case Status::expired: return "expired";
        case Status::needs_login: return "needs_login";
        case Status::suspended: return "suspended";
    }
    return "unknown";
}

Status Connection::status(base::Instant now, const std::string& current_digest) const {
    // A changed definition comes first: until a human has looked at it, nothing else about the connection matters.
    if (definition_digest != current_digest) return Status::suspended;
    if (login_needed) return Status::needs_login;
    if (const auto last = end(); last && *last <= now) return Status::expired;
    return Status::connected;
}

std::optional<base::Instant> Connection::end() const {
    if (!expires_at || !steps_end) return expires_at ? expires_at : steps_end;
    return std::min(*expires_at, *steps_end);
}

const std::vector<std::string>& Connection::scopes() const {
    return granted_scopes ? *granted_scopes : requested_scopes;
}

}  // namespace claviger::connection
