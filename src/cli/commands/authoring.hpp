// What the commands that write definitions share. Thread rule: main thread.
#pragma once

#include <string>

#include "cli/context.hpp"
#include "connection/service_discovery.hpp"

namespace claviger::cli {

// "acme.com" is taken as https://acme.com. ErrorCode::usage when it is no URL that may be asked.
base::Result<net::Url> service_url(const std::string& typed);
// Asks the service with the settings of `login`: address guard, extra authority, Ctrl-C.
base::Result<connection::DiscoveredService> discover_at(Context& context, const net::Url& url);

}  // namespace claviger::cli
