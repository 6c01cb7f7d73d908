#include "crypto/rsa_sha1.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace claviger::crypto {
namespace {

std::string pem() {
    std::ifstream file(std::filesystem::path(CLAVIGER_SOURCE_DIR) / "tests/vectors/oauth1/rsa-key.pem");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

// RFC 2202 section 3.
TEST(HmacSha1, published_values) {
    EXPECT_EQ(base::hex_encode(hmac_sha1(std::string(20, '\x0b'), "Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00");
    EXPECT_EQ(base::hex_encode(hmac_sha1("Jefe", "what do ya want for nothing?")), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    EXPECT_EQ(base::hex_encode(hmac_sha1(std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
              "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    EXPECT_EQ(hmac_sha1("", "").size(), 20U);
}

TEST(RsaSha1Key, reads_what_became_of_the_lines) {
    const auto whole = RsaSha1Key::from_pem(base::Secret(pem()));
    ASSERT_TRUE(whole) << whole.error().message;
    const auto expected = whole->sign("text").value();
    for (const std::string with : {"", " ", "\r\n", "\\n", "\n  "}) {
        const auto key = RsaSha1Key::from_pem(base::Secret("  " + replaced(pem(), "\n", with) + " "));
        ASSERT_TRUE(key) << key.error().message;
        EXPECT_EQ(key->sign("text").value(), expected);
    }
}

TEST(RsaSha1Key, refuses_without_repeating) {
    const std::vector<std::string> wrong{
        "", "secret", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY----------BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----", replaced(pem(), "PRIVATE", "PUBLIC"),
        replaced(pem(), "PRIVATE", "ENCRYPTED PRIVATE"), pem().substr(0, pem().size() / 2),
        // P-256
        "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2OF/2NxApJCzGCEDdfSp6VQO30hyh"
        "RANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n"};
    for (const auto& text : wrong) {
        const auto key = RsaSha1Key::from_pem(base::Secret(text));
        ASSERT_FALSE(key) << text;
        EXPECT_EQ(key.error().code, base::ErrorCode::invalid_input) << text;
        if (text.size() > 40) {
            EXPECT_EQ(key.error().message.find(text.substr(30, 10)), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace claviger::crypto
