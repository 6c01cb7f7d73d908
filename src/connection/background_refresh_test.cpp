// BackgroundRefresh over a real vault; the Refresher is the test's, so that what it is asked can be counted.
#include "connection/background_refresh.hpp"

#include "connection/refresher_test_support.hpp"

namespace claviger::connection {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct BackgroundRefreshTest : testing::StoredConnections {
    std::optional<BackgroundRefresh> background;

    void SetUp() override {
        StoredConnections::SetUp();
        RefreshQueue::Limits limits;
        limits.spread_after_jump = milliseconds(0);  // the fake clock stands still while the loop goes on
        limits.shortest_pause = milliseconds(0);
        background.emplace(BackgroundRefresh::Surroundings{loop, *refresher, *connections, *registry, clock, random, log}, limits);
    }
    void let_it_run() { loop.run_until(loop.sleep(milliseconds(20))); }
    // As if time had passed: the next look happens when something is put.
    void advance(base::Duration by, const Connection& connection) {
        clock.advance(by);
        background->in_use(connection, definition());
    }
};

TEST_F(BackgroundRefreshTest, RF08_what_is_in_use_is_renewed_before_its_end_and_again_before_the_next) {
    const auto connection = store("default", hours(1));
    background->in_use(connection, definition());
    let_it_run();
    EXPECT_TRUE(refresher->asked.empty()) << "fresh";
    for (int round = 1; round <= 3; ++round) {
        const auto stored = connections->load("acme", "default").value();
        advance(minutes(58), stored);
        ASSERT_TRUE(eventually([&] { return refresher->asked.size() == static_cast<std::size_t>(round) && background->under_way() == 0; }));
        EXPECT_EQ(refresher->asked.back().need, Need::usable);
        let_it_run();
        EXPECT_EQ(refresher->asked.size(), static_cast<std::size_t>(round)) << "once";
    }
}

TEST_F(BackgroundRefreshTest, RF08_never_more_than_eight_at_one_server) {
    for (int i = 0; i < 40; ++i) {
        const auto connection = store("c" + std::to_string(i), seconds(1));
        background->in_use(connection, definition());
    }
    clock.advance(seconds(2));
    background->in_use(connections->load("acme", "c0").value(), definition());
    ASSERT_TRUE(eventually([&] { return refresher->asked.size() == 40 && background->under_way() == 0; }));
    EXPECT_EQ(refresher->most_at_once, 8);
}

TEST_F(BackgroundRefreshTest, what_is_not_in_use_is_kept_alive_only) {
    define(R"(, "refresh": {"idle_max_seconds": 864000})");
    auto connection = store("default", hours(1));
    if (!keep_alive_at(connection, definition())) {  // the same from the server's own words
        connection.refresh_expires_at = clock.now() + hours(240);
        ASSERT_TRUE(connections->save(connection, connection.version));
    }
    background->keep_alive(connection, definition());
    clock.advance(hours(100));
    background->keep_alive(connection, definition());
    let_it_run();
    EXPECT_TRUE(refresher->asked.empty()) << "expired, but nobody uses it and its refresh token is well";
    clock.advance(hours(100));
    background->keep_alive(connection, definition());
    ASSERT_TRUE(eventually([&] { return refresher->asked.size() == 1 && background->under_way() == 0; }));
    EXPECT_EQ(refresher->asked.front().need, Need::kept);
}

TEST_F(BackgroundRefreshTest, RF11_what_the_refresher_leaves_alone_is_left_alone) {
    refresher->leave_alone = true;
    const auto connection = store("default", seconds(1));
    background->in_use(connection, definition());
    advance(hours(1), connection);
    let_it_run();
    EXPECT_TRUE(refresher->asked.empty());
}

TEST_F(BackgroundRefreshTest, OA19_a_dead_grant_is_asked_for_once) {
    refresher->error = base::Error::make(base::ErrorCode::needs_login, "dead");
    const auto connection = store("default", seconds(1));
    background->in_use(connection, definition());
    clock.advance(hours(1));
    background->in_use(connection, definition());
    ASSERT_TRUE(eventually([&] { return refresher->asked.size() == 1 && background->under_way() == 0; }));
    let_it_run();
    EXPECT_EQ(refresher->asked.size(), 1U);
}

TEST_F(BackgroundRefreshTest, nothing_begins_after_stop) {
    const auto connection = store("default", seconds(1));
    background->in_use(connection, definition());
    background->stop();
    clock.advance(hours(1));
    background->in_use(connection, definition());
    let_it_run();
    EXPECT_TRUE(refresher->asked.empty());
}

TEST_F(BackgroundRefreshTest, a_connection_that_went_is_forgotten) {
    const auto connection = store("default", seconds(1));
    background->in_use(connection, definition());
    ASSERT_TRUE(connections->erase("acme", "default"));
    clock.advance(hours(1));
    background->in_use(connection, definition());
    let_it_run();
    EXPECT_TRUE(refresher->asked.empty());
    EXPECT_EQ(background->under_way(), 0U);
}

}  // namespace
}  // namespace claviger::connection
