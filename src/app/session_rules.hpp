// What the rules and limits of a session say of one request: the one place that SessionPolicy, which admits, and
// `route explain`, which tells, both ask. Thread rule: values and pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/run_session.hpp"
#include "base/clock.hpp"
#include "connection/connection_rules.hpp"
#include "policy/limits.hpp"
#include "policy/session_rules.hpp"
#include "proxy/problem.hpp"

namespace claviger::app {

// Each is named as people are told of it.
struct SessionLimit {
    std::string name;  // "--rate 60/m"
    std::optional<policy::Rate> rate;
    std::optional<base::Instant> until;
};

// The project file's and the command line's; the connection's own layer comes before these.
std::vector<policy::RuleLayer> session_layers(const RunRequest& request);
std::vector<SessionLimit> session_limits(const RunRequest& request, base::Instant now);
SessionLimit limit_of(const connection::ConnectionRules& rules);

// What is wrong with the session's ask rules, a sentence each (policy/idle_asks.hpp); also those that are kept with its connections.
std::vector<std::string> idle_asks(vault::Vault& vault, const RunRequest& request, const std::vector<policy::Route>& routes);

// Rules first, then times: what a rule refuses is not told to come back later. Rates are for who admits.
struct Verdict {
    policy::Judgement judgement;
    std::optional<proxy::Problem> refusal;  // 403 "policy"
    [[nodiscard]] bool asks() const { return !refusal && judgement.action == policy::Action::ask; }
    // A host that no connection serves, where those are refused: a rule opens it, or asks about it and gets a yes.
    [[nodiscard]] bool names_host() const { return judgement.allowed_by_name || judgement.action == policy::Action::ask; }
};
Verdict judge(std::span<const policy::RuleLayer* const> layers, std::span<const SessionLimit* const> limits, const policy::RuleRequest& asked, base::Instant now);

proxy::Problem policy_refusal(std::string because, std::string rule, std::string command = {});

}  // namespace claviger::app
