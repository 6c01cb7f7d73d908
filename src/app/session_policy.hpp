// SessionPolicy: what the rules and limits of a `run` session let through. The layers of the command line and the project
// file are fixed when the session begins; those of a connection are looked up for each request, so that a changed rule
// holds from the next one on (PX-29). Thread rule: on the Loop's thread; outlives the loop's tasks.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "connection/connection_rules.hpp"
#include "policy/limits.hpp"
#include "policy/session_rules.hpp"
#include "proxy/request_gate.hpp"

namespace claviger::app {

// Of the session itself; each is named as people are told of it.
struct SessionLimit {
    std::string name;                  // "--rate 60/m"
    std::optional<policy::Rate> rate;
    std::optional<base::Instant> until;
};

class SessionPolicy final : public proxy::RequestGate {
public:
    struct Surroundings {
        vault::Vault& vault;
        const base::Clock& clock;
        base::Log& log;
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
    // What holds for a request; pointers into this, good until the next look.
    struct Applying {
        std::vector<const policy::RuleLayer*> layers{};
        std::vector<Limit*> limits{};
    };
    base::Result<Applying> applying_to(const proxy::GateRequest& request);
    static policy::Judgement judge(const Applying& applying, const proxy::GateRequest& request);
    [[nodiscard]] std::optional<proxy::Problem> over_time(const std::vector<Limit*>& limits) const;
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
