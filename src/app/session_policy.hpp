// SessionPolicy: what the rules of a `run` session let through. Owns the layers that were fixed when the session began.
// Thread rule: on the Loop's thread; outlives the loop's tasks.
#pragma once

#include <vector>

#include "base/log.hpp"
#include "policy/session_rules.hpp"
#include "proxy/request_gate.hpp"

namespace claviger::app {

class SessionPolicy final : public proxy::RequestGate {
public:
    struct Surroundings {
        base::Log& log;
    };
    SessionPolicy(Surroundings with, std::vector<policy::RuleLayer> layers) : with_(with), layers_(std::move(layers)) {}

    net::Task<proxy::Admission> admit(proxy::GateRequest request, net::Cancellation& gone) override;

private:
    Surroundings with_;
    std::vector<policy::RuleLayer> layers_;
};

}  // namespace claviger::app
