// SessionPolicy: what the rules and limits of a `run` session let through. The layers of the command line and the project
// file are fixed when the session begins; those of a connection are looked up for each request, so that a changed rule
// holds from the next one on (PX-29). What a rule asks about waits for the owner; then everything is judged anew. Thread rule: on the Loop's thread; outlives the loop's tasks.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/session_rules.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "connection/connection_rules.hpp"
#include "policy/approvals.hpp"
#include "policy/limits.hpp"
#include "policy/session_rules.hpp"
#include "proxy/request_gate.hpp"

namespace claviger::app {

class SessionPolicy final : public proxy::RequestGate {
public:
    struct Surroundings {
        vault::Vault& vault;
        const base::Clock& clock;
        base::Log& log;
        policy::Approvals& approvals;
    };
    SessionPolicy(Surroundings with, std::vector<policy::RuleLayer> layers, const std::vector<SessionLimit>& limits);

    net::Task<proxy::Admission> admit(proxy::GateRequest request, net::Cancellation& gone) override;
    bool still_admits(const proxy::GateRequest& request) override;

private:
    struct Limit {
        SessionLimit limit;
        std::optional<policy::TokenBucket> bucket;
    };
    struct Known {
        policy::RuleLayer layer;
        Limit limit;
        std::chrono::steady_clock::time_point looked;
        bool stale = false;
    };
    Limit made(SessionLimit limit) const;
    base::Result<Known*> rules_of(const policy::Route& route);
    base::Result<Known> read_rules(const std::pair<std::string, std::string>& key, std::optional<policy::TokenBucket> bucket);
    // What all layers say now, and the limits that hold.
    struct Judged {
        Verdict verdict;
        std::vector<Limit*> limits;  // whose rates hold
        bool strips_overrides = false;
    };
    base::Result<Judged> judge_now(const proxy::GateRequest& request);
    std::optional<proxy::Problem> over_rate(const std::vector<Limit*>& limits);

    Surroundings with_;
    std::vector<policy::RuleLayer> layers_;
    std::vector<Limit> limits_;
    // As LiveCredentials: requests that come within a moment share one look, shorter than any command takes to its end.
    static constexpr std::chrono::microseconds kMoment{500};
    std::int64_t seen_change_ = -1;
    std::map<std::pair<std::string, std::string>, Known> known_;
};

}  // namespace claviger::app
