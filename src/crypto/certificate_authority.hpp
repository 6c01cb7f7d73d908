// A session's certificate authority: P-256, pathlen 0, critical name constraints = the hosts of the session, a life as
// long as the session's (docs/decisions/0017-life-of-the-authority.md), key only in this process's locked memory; leaves per
// exact host, of 24 hours at most, cached by the caller (PX-26, PX-27, VA-14). Thread rule: mint() from one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"

namespace claviger::crypto {

struct Leaf {
    std::string chain_pem;  // leaf, then the authority
    base::Secret key_pem;
    base::Instant from{}, until{};
};

class CertificateAuthority {
public:
    struct Options {
        std::vector<std::string> permitted_hosts;  // "api.acme.com" (also its subdomains, as RFC 5280 reads it) or
                                                   // ".acme.com"; IPv4/IPv6 literals become iPAddress constraints
        base::Instant now;
        base::Duration lifetime{std::chrono::hours(24)};
    };
    static base::Result<CertificateAuthority> make(const Options& options);
    CertificateAuthority(CertificateAuthority&&) noexcept;
    CertificateAuthority& operator=(CertificateAuthority&&) noexcept;
    ~CertificateAuthority();

    [[nodiscard]] const std::string& certificate_pem() const;
    // Valid from now on, never beyond the authority's own end. ErrorCode::denied when the host is outside the constraints,
    // ErrorCode::limit when the authority has ended, or has not begun: the clock was set back.
    [[nodiscard]] base::Result<Leaf> mint(std::string_view host, base::Instant now) const;

private:
    struct State;
    explicit CertificateAuthority(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace claviger::crypto
