// Ask rules that never ask: whoever writes one counts on being asked, so what keeps it from that is told when a session
// begins and when the rule is written. A rule that is not named here may still never match: only what one deny rule covers
// whole, and what no connection serves, is found. Thread rule: pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "policy/session_rules.hpp"

namespace claviger::policy {

// A connection of a session with the rules that are kept with it.
struct ConnectionLayer {
    const Route& route;
    RuleLayer rules;
};

// One sentence each: "--ask POST never asks: --deny write denies all of it".
std::vector<std::string> idle_asks(std::span<const RuleLayer> of_session, std::span<const ConnectionLayer> connections);
// Of one layer, whatever the session: what its own deny rules keep from asking.
std::vector<std::string> idle_asks(const RuleLayer& layer);

}  // namespace claviger::policy
