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

base::Result<http::Client> approval_client(net::Loop& loop);
// Of all sites; one whose session ends meanwhile is passed over. Sites outlive the task.
net::Task<base::Result<std::vector<WaitingElsewhere>>> what_waits(http::Client& client, const std::vector<FoundSite>& sites);
// not_found: it waits no more.
net::Task<base::Result<void>> send_answer(http::Client& client, const FoundSite& site, std::string id, policy::Answer answer);
// A link to the page, good for one look.
net::Task<base::Result<net::Url>> page_link(http::Client& client, const FoundSite& site);

}  // namespace claviger::app
