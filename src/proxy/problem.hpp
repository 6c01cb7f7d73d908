// RFC 9457 answers of the proxy itself: machine-readable for the program behind it, without internals, addresses or
// names of other connections (PX-35). What an error says of this machine (addresses, paths, its proxy) goes into the audit
// log, where the owner reads it; the program gets a sentence of ours for each class. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/message.hpp"
#include "policy/passed_methods.hpp"

namespace claviger::proxy {

struct Problem {
    int status = 502;
    std::string reason;   // stable word: "needs_login", "not_allowed", "upstream_unreachable" ...
    std::string detail;   // one sentence for people
    std::string command;  // what mends it, to be run outside the session; may be empty
    std::string rule{};   // of reason "policy": the rule that decided
    std::optional<std::int64_t> retry_after{};  // seconds (RFC 9110 section 10.2.3)
    std::string allow{};  // of a 405, which must say it (RFC 9110 section 15.5.6): the methods that pass
    std::string why{};    // the whole of it, for the owner; never sent
};

// The answer's head (application/problem+json, no-store) and body. `close`: the connection cannot be kept.
struct ProblemMessage {
    http::ResponseHead head;
    std::string body;
};
ProblemMessage to_message(const Problem& problem, bool close);

// The command in a hint for people ("run: claviger login acme"), without what follows it; empty when there is none, or
// when it names a path of this machine.
std::string command_in(const std::string& hint);
// 424 for a credential that is not to be had, 502 for the network, 403 for policy (PX-28).
Problem problem_from(const base::Error& error);
// Of an error that kept the credential from us, whatever it was: 424 with its reason, or credential_unavailable.
Problem problem_of_credential(const base::Error& error);
// 405 with the methods that pass instead, and how the session would pass this one, if it may (PX-21).
Problem method_not_allowed(const policy::PassedMethods& passed, std::string_view method);
// 400 or 431 for what the client sent.
Problem problem_of_bad_message(const base::Error& error);
// Of an error that says what is wrong with the request as it came, or with its credential, and of nothing else.
Problem problem_of_request(const base::Error& error);
// 413: a signature covers the body, and it is longer than what is held for that.
Problem body_too_long();

}  // namespace claviger::proxy
