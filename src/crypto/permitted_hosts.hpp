// Which hosts a session's authority may name, as X.509 says it: RFC 5280 4.2.1.10 name constraints and the subject
// alternative name of one host. Thread rule: pure functions and values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/openssl_handles.hpp"

namespace claviger::crypto {

// One host or subtree of hosts: either a name or an address.
struct HostName {
    std::string dns;      // "api.acme.com", or ".acme.com" as a constraint; empty for an address
    std::string address;  // 4 or 16 bytes; empty for a name

    // Whether this, as a permitted subtree, covers `host`: a name covers itself and its subdomains, a name with a
    // leading dot its subdomains only, an address itself.
    [[nodiscard]] bool covers(const HostName& host) const;
};

// "api.acme.com", ".acme.com" (only if `subtree`), "127.0.0.1", "::1", "[::1]". ErrorCode::invalid_input.
base::Result<HostName> host_name_from(std::string_view text, bool subtree);

base::Result<GeneralName> to_general_name(const HostName& host);

// Permits exactly these; a kind of name (DNS, address) of which there is none is excluded altogether, since
// RFC 5280 leaves it free otherwise.
base::Result<Constraints> name_constraints(const std::vector<HostName>& permitted);

}  // namespace claviger::crypto
