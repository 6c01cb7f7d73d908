// PX-26: a session that lasts for days has a leaf that is valid at every moment.
#include "proxy/leaf_cache.hpp"

#include <gtest/gtest.h>

namespace claviger::proxy {
namespace {

using std::chrono::hours;

struct LeafCacheTest : testing::Test {
    LeafCacheTest() : leaves(*crypto::CertificateAuthority::make({.permitted_hosts = {"api.acme.com"}, .now = clock.now(), .lifetime = hours(72)}), clock) {}

    // Which certificate is shown now; a new one for each that was minted.
    const void* shown() {
        auto context = leaves.context_for("api.acme.com");
        EXPECT_TRUE(context) << context.error().describe();
        return context ? &context->native() : nullptr;
    }

    base::FakeClock clock;
    LeafCache leaves;
};

TEST_F(LeafCacheTest, PX26_a_leaf_is_minted_anew_before_it_ends) {
    const auto* first = shown();
    clock.advance(hours(22));
    EXPECT_EQ(shown(), first) << "one for all connections of a day";
    clock.advance(hours(1));
    const auto* second = shown();
    EXPECT_NE(second, first) << "less than an hour is left";
    clock.advance(hours(2));  // the first has ended
    EXPECT_EQ(shown(), second);
    clock.advance(hours(45));
    EXPECT_NE(shown(), second) << "on the third day";
}

TEST_F(LeafCacheTest, PX26_after_the_authoritys_end_there_is_none) {
    (void)shown();
    clock.advance(hours(72));
    const auto context = leaves.context_for("api.acme.com");
    ASSERT_FALSE(context);
    EXPECT_EQ(context.error().code, base::ErrorCode::limit);
    clock.advance(-hours(1));
    (void)shown();
}

}  // namespace
}  // namespace claviger::proxy
