// The judgement behind check_address(), on bytes. For net/ only. Pure.
#pragma once

#include "net/ip_address.hpp"
#include "net/tcp.hpp"

namespace claviger::net {

base::Result<void> check_address(const IpAddress& address, std::uint16_t port, const AddressPolicy& policy);

// Whether a name is written like a number-form IPv4 address ("0x7f.1", "2130706433"), which resolvers silently
// turn into an address. Canonicalisation refuses or rewrites these; one that still arrives here is refused.
bool looks_like_ipv4(std::string_view host);

// localhost and names below it (RFC 6761 6.3): never asked of a name server.
bool is_localhost_name(std::string_view host);

}  // namespace claviger::net
