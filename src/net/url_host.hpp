// The host of a URL by the WHATWG rules: percent-decoding, UTS 46 (non-transitional, not strict), IPv4 in all
// its spellings, IPv6 compressed. Used by Url and canonical_host only. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace claviger::net {

// The host as it stands in a URL of a special scheme: "acme.com", "127.0.0.1", "[::1]".
// ErrorCode::invalid_input names the reason, never the host.
base::Result<std::string> parse_url_host(std::string_view text);

// IPv6 text without brackets -> RFC 5952 form without brackets.
base::Result<std::string> parse_ipv6(std::string_view text);

// Whether a canonical host is an IPv4 address: nothing else ends in a number.
bool host_ends_in_number(std::string_view host);

}  // namespace claviger::net
