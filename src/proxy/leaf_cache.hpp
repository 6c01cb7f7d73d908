// TLS contexts for the hosts of a session: a leaf certificate is minted at the first CONNECT to a host and shared by
// all later ones, until less than kLeast of it is left: then another takes its place (PX-26). Thread rule: on the Loop's
// thread. Owns the session's authority; the clock outlives it.
#pragma once

#include <map>
#include <string>

#include "base/clock.hpp"
#include "crypto/certificate_authority.hpp"
#include "net/tls.hpp"

namespace claviger::proxy {

class LeafCache {
public:
    static constexpr std::chrono::hours kLeast{1};  // whoever begins a handshake now has done with it by then

    LeafCache(crypto::CertificateAuthority authority, const base::Clock& clock) : authority_(std::move(authority)), clock_(clock) {}
    // As CertificateAuthority::mint().
    base::Result<net::TlsServerContext> context_for(const std::string& canonical_host);
    [[nodiscard]] const std::string& authority_pem() const { return authority_.certificate_pem(); }

private:
    // A wildcard route lets the child name any number of hosts; beyond this the cache starts anew.
    static constexpr std::size_t kMostHosts = 1024;
    struct Known { net::TlsServerContext context; base::Instant from, until; };
    crypto::CertificateAuthority authority_;
    const base::Clock& clock_;
    std::map<std::string, Known> contexts_;
};

}  // namespace claviger::proxy
