#include "provider/pattern_sample.hpp"

#include <gtest/gtest.h>

#include "provider/pattern.hpp"

namespace claviger::provider {
namespace {

TEST(PatternSample, is_what_the_pattern_asks_for_and_no_key_to_a_human) {
    const std::pair<const char*, const char*> table[] = {
        {"^(sk|rk)_(test|live)_[A-Za-z0-9]{16,}$", "sk_test_clavigermanagedp"},
        {"^sk-[A-Za-z0-9_-]{20,}$", "sk-claviger-managed-pla"},
        {"^[0-9a-f]{32}-[a-z]{2}[0-9]{1,3}$", "00000000000000000000000000000000-cl0"},
        {"(?i)key-[A-Z]+", "key-CLAVIGERMANAGEDP"},
        {R"(xox[bp]-\d{4}-(?:[[:alnum:]]{8})?\.v1)", "xoxb-0000-.v1"},
        {R"([^\d\s]{3}\-[\w.]*)", "cla-clavigermanagedp"},
        {"AKIA[0-9A-Z]{16}", "AKIACLAVIGERMANAGEDP"},
        {".{5}", "clavi"},
    };
    for (const auto& [pattern, sample] : table) {
        EXPECT_EQ(pattern_sample(pattern), sample) << pattern;
        EXPECT_TRUE(pattern_matches(pattern, sample)) << pattern;
    }
}

TEST(PatternSample, is_nothing_rather_than_something_that_does_not_match) {
    for (const char* pattern : {"", "(", "[a", R"(\pL{3})", R"(a\b\bb{2}c\b.)", "a{300}", R"(\x41)", "[a-\\d]", "x{,3}"}) {
        const auto sample = pattern_sample(pattern);
        EXPECT_TRUE(!sample || pattern_matches(pattern, *sample)) << pattern;
    }
    EXPECT_EQ(pattern_sample("a{300}"), std::nullopt);
    EXPECT_EQ(pattern_sample("("), std::nullopt);
}

}  // namespace
}  // namespace claviger::provider
