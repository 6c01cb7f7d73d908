// What would happen to one request of a session, and why: the router and the rules are asked as the proxy asks them, and
// nothing is sent. Thread rule: main thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/run_session.hpp"

namespace claviger::app {

struct RouteExplanation {
    enum class Outcome { served, passed, asks, refused } outcome = Outcome::refused;  // passed: on, without a credential
    std::string provider, connection, rule;  // of whom it would be; empty: nobody
    std::string reason;                      // of refused: docs/refusals.md
    std::string because, command;            // command: what would change it; may be empty
    std::vector<policy::Contender> contenders;
    struct Layer {
        std::string name;
        policy::Judgement judgement;
    };
    std::vector<Layer> layers;               // what each layer of rules says, the strictest holds
    std::vector<std::string> limits;         // rates and times that hold
    std::string connection_problem;          // why its credential cannot be had now; empty: nothing is known against it
    std::vector<std::string> would_serve;    // providers without a connection whose definitions name the URL
};
std::string_view to_string(RouteExplanation::Outcome outcome);

// `request` as `run` takes it, without a program.
base::Result<RouteExplanation> explain_route(const Broker& broker, const RunRequest& request, const std::string& method, const net::Url& url);

}  // namespace claviger::app
