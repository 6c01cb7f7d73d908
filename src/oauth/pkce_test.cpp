#include "oauth/pkce.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_set>

#include "crypto/digest.hpp"

namespace claviger::oauth {
namespace {

TEST(Pkce, OA01_appendix_b_of_rfc_7636) {
    EXPECT_EQ(crypto::s256_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
              "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(Pkce, OA01_verifier_is_32_random_bytes_in_43_unreserved_characters) {
    base::SystemRandom random;
    std::unordered_set<std::string> seen;
    for (int i = 0; i < 100'000; ++i) {
        const auto pkce = make_pkce(random);
        const auto verifier = pkce.verifier.reveal();
        ASSERT_EQ(verifier.size(), 43U);
        ASSERT_TRUE(std::all_of(verifier.begin(), verifier.end(), [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
        })) << verifier;
        ASSERT_TRUE(seen.emplace(verifier).second);
        if (i < 100) {
            EXPECT_EQ(pkce.challenge, crypto::s256_challenge(verifier));
        }
    }
}

}  // namespace
}  // namespace claviger::oauth
