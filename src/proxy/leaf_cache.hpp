// TLS contexts for the hosts of a session: a leaf certificate is minted at the first CONNECT to a host and shared by
// all later ones. Thread rule: on the Loop's thread. Owns the session's authority.
#pragma once

#include <map>
#include <string>

#include "crypto/certificate_authority.hpp"
#include "net/tls.hpp"

namespace claviger::proxy {

class LeafCache {
public:
    explicit LeafCache(crypto::CertificateAuthority authority) : authority_(std::move(authority)) {}
    // ErrorCode::denied outside the authority's name constraints.
    base::Result<net::TlsServerContext> context_for(const std::string& canonical_host);
    [[nodiscard]] const std::string& authority_pem() const { return authority_.certificate_pem(); }

private:
    // A wildcard route lets the child name any number of hosts; beyond this the cache starts anew.
    static constexpr std::size_t kMostHosts = 1024;
    crypto::CertificateAuthority authority_;
    std::map<std::string, net::TlsServerContext> contexts_;
};

}  // namespace claviger::proxy
