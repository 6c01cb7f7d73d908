#include "base/masked_path.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace claviger::base {
namespace {

TEST(MaskedPath, LG03_segments_that_look_like_secrets_are_masked) {
    const std::pair<const char*, const char*> rows[] = {
        {"/services/T0AB/B0CD/x7Kq9fQ2mL5vR8tY3wZ6", "/services/T0AB/B0CD/***"},
        {"/bot123456789:AAE4f7Xk9-q2LmN8pRs5tUv/sendMessage", "/***/sendMessage"},
        {"/v1/9f86d081884c7d659a2feaa0c55ad015", "/v1/***"},
        {"/v1/9F86D081884C7D659A2FEAA0C55AD015/x", "/v1/***/x"},
        {"/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "/***"},
        {"/x/sk_live_4eC39HqLyjWDarjtT1zdp7dc", "/x/***"},
        {"/x/%78%37Kq9fQ2mL5vR8tY3wZ6", "/x/***"},
        {"/x;token=x7Kq9fQ2mL5vR8tY3wZ6", "/***"},
        {"/tokens/ab12cd34", "/tokens/***"},
        {"/API-Key/ab12cd34/x", "/API-Key/***/x"},
        {"/aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeF", "/***"},
    };
    for (const auto& [path, masked] : rows) EXPECT_EQ(masked_path(path), masked) << path;
}

TEST(MaskedPath, LG03_what_a_log_is_read_for_stays) {
    for (const char* path : {"/", "/user", "/repos/acme/claviger/pulls/12345", "/v1/chat/completions", "/how-to-configure-http2-in-nginx-1-25",
                             "/objects/550e8400-e29b-41d4-a716-446655440000", "/releases/v1.2.3-beta4-rc5.tar.gz", "/2026-11-21T10:30:00.123456Z",
                             "/acme.storage.v2.Storage/BidiWriteObjectWithRetries", "/tokens/12345678", "/tokens/list", "/a/12345678901234567890", "//x//",
                             "/search/caf%C3%A9-au-lait", "/keys/550e8400-e29b-41d4-a716-446655440000"}) {
        EXPECT_EQ(masked_path(path), path);
    }
}

TEST(MaskedPath, LG03_query_and_fragment_are_dropped) {
    EXPECT_EQ(masked_path("/a?code=1"), "/a");
    EXPECT_EQ(masked_path("/a#b"), "/a");
    EXPECT_EQ(masked_path(""), "");
}

TEST(MaskedPath, LG04_it_is_short_and_printable) {
    const auto cut = masked_path("/" + std::string(1000, 'a') + "/b");
    EXPECT_EQ(cut, "/***/b") << "a thousand letters are no word";
    const auto words = masked_path([] {
        std::string many;
        for (int i = 0; i < 300; ++i) many += "/word";
        return many;
    }());
    EXPECT_LE(words.size(), 515u);
    EXPECT_TRUE(words.ends_with("..."));
    EXPECT_EQ(masked_path("/a\n\x1b[31mb"), "/a\\u{a}\\u{1b}[31mb");
    EXPECT_EQ(masked_path("/\xff"), "/\\xff");
}

// Not all random text can be told from words; nearly all of some length can.
TEST(MaskedPath, LG03_random_tokens_are_masked) {
    FakeRandom random(7);
    int kept = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto token = random.token(24);
        if (masked_path("/a/" + token).find(token) != std::string::npos) ++kept;
    }
    EXPECT_LE(kept, 10) << "of 1000";
}

}  // namespace
}  // namespace claviger::base
