// What a session's rules say of one request. Rules come in layers (the connection's own, the project file's, the command
// line's); each layer is judged by itself and the strictest verdict holds, so a layer only ever narrows what the others
// leave. Judged after the router, on the URL that is sent (PX-03, PX-32). The meaning is in docs/policy.md, whose table
// session_rules_test.cpp executes. Thread rule: values and pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/router.hpp"
#include "policy/rule.hpp"

namespace claviger::policy {

struct RuleLayer {
    std::string name;  // "the command line", ".claviger.json", "acme (work)"
    std::vector<Rule> rules;
};

// The preset: a rule that denies whatever is not GET, HEAD or OPTIONS.
Rule read_only_rule(std::string name);

struct RuleRequest {
    std::string_view method;
    const net::Url& url;           // of a tunnel: host and port alone
    const Route* route = nullptr;  // the connection that serves it; null: it gets no credential
    bool tunnel = false;           // neither method nor path can be seen
    bool websocket = false;        // a handshake: what is asked for afterwards, by whatever method, is not seen
};

struct Judgement {
    Action action = Action::allow;
    bool allowed_by_name = false;  // a rule allows it, rather than that none says anything
    std::string rule;              // the name of the one that decided; empty: none
    std::string because;           // one sentence
};

// deny before ask before allow, wherever they stand. An allow rule makes a list: of the connections that it is about,
// nothing else of this layer's goes through. A request without a credential is held against rules that name hosts.
Judgement judge(const RuleLayer& layer, const RuleRequest& request);
// The strictest of all layers; of equals the first.
Judgement judge(std::span<const RuleLayer* const> layers, const RuleRequest& request);

// Whether a request to this connection could be one that the rule names; true when in doubt.
bool concerns(const Rule& rule, const Route& route);
// Whether some rule tells requests of this connection apart by method or path, so that fields which make a server take
// another method or path must not pass (PX-32).
bool limits_request_line(std::span<const RuleLayer* const> layers, const Route& route);

}  // namespace claviger::policy
