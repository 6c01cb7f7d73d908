#include "oauth/pkce.hpp"

#include "crypto/digest.hpp"

namespace claviger::oauth {

Pkce make_pkce(base::Random& random) {
    constexpr std::size_t kVerifierBytes = 32;
    Pkce pkce;
    pkce.verifier = random.secret_token(kVerifierBytes);
    pkce.challenge = crypto::s256_challenge(pkce.verifier.reveal());
    return pkce;
}

}  // namespace claviger::oauth
