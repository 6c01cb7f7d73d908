#include "crypto/aes_gcm.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace claviger::crypto {
namespace {

std::string raw(std::string_view hex) { return base::hex_decode(hex).value(); }

// Test case 14 of the GCM specification (McGrew and Viega, appendix B).
TEST(AesGcm, opens_the_specifications_vector_and_nothing_that_was_changed) {
    const std::string key(32, '\0'), nonce(12, '\0');
    const auto sealed = raw("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
    const auto opened = open_aes256_gcm(key, nonce, sealed);
    ASSERT_TRUE(opened) << opened.error().describe();
    EXPECT_TRUE(opened->equals(std::string(16, '\0')));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        auto changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_EQ(open_aes256_gcm(key, nonce, changed).error().code, base::ErrorCode::corrupt) << i;
    }
    EXPECT_EQ(open_aes256_gcm(key.substr(1), nonce, sealed).error().code, base::ErrorCode::invalid_input);
    EXPECT_EQ(open_aes256_gcm(key, nonce, "short").error().code, base::ErrorCode::invalid_input);
}

}  // namespace
}  // namespace claviger::crypto
