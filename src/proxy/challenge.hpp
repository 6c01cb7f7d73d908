// What an API says in the challenges of a 401 (RFC 9110 section 11.6.1, RFC 6750 section 3). Thread rule: pure functions.
#pragma once

#include <string>

#include "http/message.hpp"

namespace claviger::proxy {

// The `error` parameter of the first challenge that has one: "invalid_token", "use_dpop_nonce" (RFC 9449 section 9),
// "insufficient_user_authentication" (RFC 9470 section 3). "" when there is none; never longer than 64 characters.
std::string challenge_error(const http::Fields& fields);

}  // namespace claviger::proxy
