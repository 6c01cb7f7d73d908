// The owner's side of approvals: talks to the sites of the sessions that live. Thread rule: on the Loop's thread; the client
// outlives the tasks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/approval_door.hpp"
#include "http/client.hpp"
#include "json/value.hpp"
#include "policy/approvals.hpp"

namespace claviger::app {

struct WaitingElsewhere {
    std::size_t site = 0;  // which of the sites
    std::string session, program, id;
    json::Object all;      // as the site told it, with session and program
};

// A session that lives and does not tell what waits in it.
struct SilentSession {
    std::string session;
    std::uint16_t port = 0;
    std::string why;
};
struct WhatWaits {
    std::vector<WaitingElsewhere> waiting;
    std::vector<SilentSession> silent;  // also of sessions that ended meanwhile: whoever asks looks which live
};

base::Result<http::Client> approval_client(net::Loop& loop);
// Of all sites. Each is tried for some seconds: a program of the session can take its places. Loop, client and sites outlive the tasks.
net::Task<base::Result<WhatWaits>> what_waits(net::Loop& loop, http::Client& client, const std::vector<FoundSite>& sites);
// not_found: it waits no more.
net::Task<base::Result<void>> send_answer(net::Loop& loop, http::Client& client, const FoundSite& site, std::string id, policy::Answer answer);
// A link to the page, good for one look.
net::Task<base::Result<net::Url>> page_link(net::Loop& loop, http::Client& client, const FoundSite& site);

}  // namespace claviger::app
