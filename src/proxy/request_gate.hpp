// RequestGate: whether a request may go on, asked after the router and before there is a credential. The implementation
// knows the session's rules; it may hold a request until somebody approves it. Asked for every request, so a changed rule
// holds from the next one on (PX-29). Thread rule: on the Loop's thread; outlives the proxy.
#pragma once

#include <optional>
#include <string>

#include "http/message.hpp"
#include "net/cancellation.hpp"
#include "net/task.hpp"
#include "net/url.hpp"
#include "policy/router.hpp"
#include "proxy/problem.hpp"

namespace claviger::proxy {

struct GateRequest {
    std::string method;
    net::Url url;                           // of a tunnel: host and port alone
    const policy::Route* route = nullptr;   // whose credential it gets; null: none
    bool tunnel = false;
    bool websocket = false;  // what is said after the handshake is not seen
};

struct Admission {
    std::optional<Problem> refusal;
    // The request gets no credential, and a rule names its host as one that may be reached all the same.
    bool reachable_by_name = false;
    // Fields that make a server take another method or path must not pass (PX-32).
    bool strips_overrides = false;
    // For the record: the rule that decided, and how its owner approved: "once", "10m", or "earlier" for a time.
    std::string rule{}, approval{};
};

class RequestGate {
public:
    virtual ~RequestGate() = default;
    // Whoever `gone` belongs to may stop waiting: the admission is then of no interest.
    virtual net::Task<Admission> admit(GateRequest request, net::Cancellation& gone) = 0;
    // Whether an admitted request or tunnel that goes on may still do so: neither rates nor approvals are asked again.
    virtual bool still_admits(const GateRequest& request) = 0;
};

// Of no gate: everything is admitted.
net::Task<Admission> admission(RequestGate* gate, GateRequest request, net::Cancellation& gone);
// All of them, or those of the path alone.
void strip_overrides(http::Fields& fields);
void strip_path_overrides(http::Fields& fields);

}  // namespace claviger::proxy
