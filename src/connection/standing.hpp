// Standing: what is wrong with a connection and the command that mends it, in the same words wherever it is said: `list`,
// `get`, `run`, `doctor`, the proxy's answers. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "connection/connections.hpp"

namespace claviger::connection {

struct StandingFacts {
    std::string provider, name;
    Status status = Status::connected;  // as Connection::status says
    std::string login_reason;
    std::optional<base::Instant> failing_since;  // Connection::last_refresh_failure
    bool renewable = false;                      // there is a way to a new token without a human
};

struct Standing {
    // What people are told: a token that ended is no news where the next use renews it, so that is `connected` as long as
    // its renewal does not fail.
    Status status = Status::connected;
    std::string why;      // "" when all is well; lower case, no full stop
    std::string command;  // "" when there is nothing to do but to wait
};

Standing standing_of(const StandingFacts& facts);
std::string login_command(const StandingFacts& facts);
// `definition` is null when it cannot be read.
StandingFacts standing_facts(const Connection& connection, const provider::ProviderDefinition* definition, base::Instant now);
StandingFacts standing_facts(const Summary& summary, const provider::ProviderDefinition* definition, base::Instant now);

}  // namespace claviger::connection
