// JWT assertions (RFC 7523): signed statements by which a client authenticates (section 2.2) or asks for a token without
// a human (section 2.1). At most five minutes of life, each with an id of its own (OA-26). Thread rule: pure functions
// but for `random`.
#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "crypto/jwk.hpp"
#include "oauth/types.hpp"

namespace claviger::oauth {

// What signing needs beside the key. Borrowed; null means the system's clock and randomness.
struct Signing {
    const base::Clock* clock = nullptr;
    base::Random* random = nullptr;
    [[nodiscard]] base::Instant now() const;
    [[nodiscard]] std::string unique_id() const;  // 128 bits
};

std::chrono::seconds life_of(const Assertion& assertion);  // exp - iat
// Errors: invalid_input when the key does not fit the algorithm, a claim is one that is set here, or the issuer is
// empty; unsupported for an algorithm that is not on the list.
base::Result<base::Secret> sign_assertion(const crypto::Jwk& key, const Assertion& assertion, const Signing& signing);

// The client_assertion of a client whose method is private_key_jwt or client_secret_jwt. The audience that stands for an
// empty one is `endpoint`.
base::Result<base::Secret> client_assertion(const Client& client, const net::Url& endpoint, const Signing& signing);

}  // namespace claviger::oauth
