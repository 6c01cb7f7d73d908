// Proof Key for Code Exchange, RFC 7636: S256 only, `plain` does not exist here (OA-01).
// Ownership: the verifier is a Secret of the flow. Thread rule: pure function.
#pragma once

#include <string>

#include "base/random.hpp"
#include "base/secret.hpp"

namespace claviger::oauth {

struct Pkce {
    base::Secret verifier;  // 32 random bytes as 43 characters of base64url (RFC 7636 section 4.1)
    std::string challenge;  // base64url(SHA-256(verifier)), section 4.2
};

Pkce make_pkce(base::Random& random);

}  // namespace claviger::oauth
