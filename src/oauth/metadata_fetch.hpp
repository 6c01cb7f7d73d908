// One metadata document over HTTP. Internal to oauth/. Thread rule: on the Loop's thread.
#pragma once

#include <optional>
#include <string>

#include "http/client.hpp"

namespace claviger::oauth {

// nullopt when nothing is there (any status but 200). Follows at most 3 redirects, all within the same origin;
// another origin is ErrorCode::protocol (OA-06).
net::Task<base::Result<std::optional<std::string>>> fetch_metadata(http::Client& http, net::Url url);

}  // namespace claviger::oauth
