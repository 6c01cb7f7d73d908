// The page on which the owner answers: text that works without JavaScript. What a session's program wrote is escaped.
// Thread rule: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/server.hpp"
#include "policy/approvals.hpp"

namespace claviger::api {

struct ApprovalView {
    std::string_view program, session;
    std::span<const policy::WaitingRequest> waiting;
    base::Instant now;
    std::string_view notice;  // what became of the last answer; may be empty
    std::string_view action;  // path of the POST
    std::string_view next;    // path that shows the same anew
};

// Goes on by itself only while nothing waits, so that no button ever moves under a hand.
http::ServerResponse approval_page(const ApprovalView& view);
http::ServerResponse approval_refusal_page(int status);

// "POST https://api.acme.com/x", or what a tunnel is; printable.
std::string approval_subject(const policy::AskedRequest& request);

}  // namespace claviger::api
