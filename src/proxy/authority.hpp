// Authority: host and port of a tunnel, as CONNECT names them (RFC 9112 section 3.2.3) or a connection that was led here.
// Values. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace claviger::proxy {

struct Authority {
    std::string host;  // canonical; IPv6 in brackets
    std::uint16_t port = 443;
};

// host ":" port, both there. ErrorCode::invalid_input.
base::Result<Authority> parse_authority(std::string_view target);
std::string dial_host(const std::string& canonical);
bool is_address(const std::string& canonical);
std::string authority_text(const Authority& authority);  // without the port of https

}  // namespace claviger::proxy
