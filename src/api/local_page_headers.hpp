// The headers that every answer of the local page carries (LB-07). No CORS header exists here (LB-10).
// Thread rule: pure functions.
#pragma once

#include <string>

#include "http/server.hpp"

namespace claviger::api {

enum class Active { none, form };  // a form may post to us and load our script; nothing else may do anything

http::ServerResponse html_response(int status, std::string body, Active active);

}  // namespace claviger::api
