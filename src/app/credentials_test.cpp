// LiveCredentials over a real vault; the Refresher is the test's.
#include "app/credentials.hpp"

#include "connection/refresher_test_support.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;
using connection::Need;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct CredentialsTest : connection::testing::StoredConnections {
    std::optional<connection::BackgroundRefresh> background;
    std::optional<LiveCredentials> credentials;
    net::Cancellation gone;

    void SetUp() override {
        StoredConnections::SetUp();
        start(seconds(30));
    }
    void start(milliseconds patience) {
        connection::RefreshQueue::Limits limits;
        limits.spread_after_jump = milliseconds(0);  // the fake clock stands still while the loop goes on
        background.emplace(connection::BackgroundRefresh::Surroundings{loop, *refresher, *connections, *registry, clock, random, log}, limits);
        credentials.emplace(LiveCredentials::Surroundings{loop, *vault, *connections, *registry, clock, random, log, *refresher, *background, patience});
    }
    base::Result<proxy::CredentialPtr> credential(const std::string& provider = "acme") {
        return loop.run_until(credentials->credential(provider, "default", gone));
    }
    base::Result<proxy::CredentialPtr> replacement(const proxy::CredentialPtr& refused) {
        return loop.run_until(credentials->replacement("acme", "default", refused, gone));
    }
    static std::string token(const base::Result<proxy::CredentialPtr>& credential) {
        if (!credential) return std::string(to_string(credential.error().code));
        return *credential ? std::string((*credential)->access_token.reveal()) : "none";
    }
    std::size_t asked() const { return refresher->asked.size(); }
};

// Several callers at once.
net::Task<void> collect(LiveCredentials& credentials, net::Cancellation& gone, std::vector<std::string>& into) {
    auto got = co_await credentials.credential("acme", "default", gone);
    into.push_back(CredentialsTest::token(got));
}

TEST_F(CredentialsTest, RF09_a_valid_token_is_used_at_once_and_asks_nobody) {
    store("default", hours(1));
    const auto first = credential(), second = credential();
    EXPECT_EQ(token(first), "token 0");
    EXPECT_EQ(*first, *second) << "made once";
    EXPECT_EQ(asked(), 0U);
}

TEST_F(CredentialsTest, RF09_a_valid_token_is_used_while_its_renewal_is_under_way) {
    store("default", hours(1));
    refresher->hold = true;
    clock.advance(minutes(58));
    EXPECT_EQ(token(credential()), "token 0");
    ASSERT_TRUE(eventually([&] { return asked() == 1; })) << "in the background";
    EXPECT_EQ(token(credential()), "token 0");
    refresher->hold = false;
    ASSERT_TRUE(eventually([&] { return token(credential()) == "token 1"; })) << "made anew after the change";
    EXPECT_EQ(asked(), 1U);
}

TEST_F(CredentialsTest, RF09_an_expired_token_is_never_used_and_all_wait_for_the_one_renewal) {
    store("default", hours(1));
    EXPECT_EQ(token(credential()), "token 0");
    clock.advance(hours(1));
    std::vector<std::string> tokens;
    for (int i = 0; i < 50; ++i) loop.spawn("caller", collect(*credentials, gone, tokens));
    ASSERT_TRUE(eventually([&] { return tokens.size() == 50; }));
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), "token 1"), 50);
    EXPECT_EQ(asked(), 1U);
    EXPECT_EQ(credentials->under_way(), 0U);
}

// The token lives, and needs no refresh token for what follows it.
TEST_F(CredentialsTest, steps_are_asked_for_by_whoever_needs_them) {
    define(R"(,"steps":[{"name":"session","url":"https://auth.acme.com/step"}]},
              "inject":{"headers":{"Authorization":"Bearer {{access_token}}","X-Session":"{{session}}"})");
    auto connection = store("default", hours(1));
    connection.refresh_token = base::Secret();
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    refresher->brings = {"session"};
    const auto first = credential();
    EXPECT_EQ(token(first), "token 0");
    EXPECT_EQ(asked(), 1U) << "the field was not there";
    connection = connections->load("acme", "default").value();
    connection.steps_end = clock.now() + minutes(10);
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    clock.advance(minutes(11));
    EXPECT_EQ(token(credential()), "token 0");
    EXPECT_EQ(asked(), 2U) << "the session was over";
    clock.advance(minutes(1));
    const auto before = credential().value();
    const auto other = replacement(before);
    EXPECT_EQ(asked(), 3U) << "the API refused it";
    ASSERT_TRUE(other && *other);
    EXPECT_NE(*other, before);
}

TEST_F(CredentialsTest, RF09_waiting_is_bounded_and_the_renewal_goes_on) {
    store("default", hours(1));
    clock.advance(hours(1));
    start(milliseconds(5));
    refresher->hold = true;
    const auto late = credential();
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::timeout);
    EXPECT_NE(late.error().message.find("acme (default)"), std::string::npos);
    EXPECT_EQ(credentials->under_way(), 1U);
    refresher->hold = false;
    ASSERT_TRUE(eventually([&] { return credentials->under_way() == 0; }));
    EXPECT_EQ(token(credential()), "token 1");
    EXPECT_EQ(asked(), 1U);
}

TEST_F(CredentialsTest, PX31_who_gave_up_waits_no_longer) {
    store("default", hours(1));
    clock.advance(hours(1));
    refresher->hold = true;
    std::vector<std::string> tokens;
    loop.spawn("caller", collect(*credentials, gone, tokens));
    ASSERT_TRUE(eventually([&] { return asked() == 1; }));
    gone.cancel();
    ASSERT_TRUE(eventually([&] { return !tokens.empty(); }));
    EXPECT_EQ(tokens.front(), "cancelled");
    refresher->hold = false;
    ASSERT_TRUE(eventually([&] { return credentials->under_way() == 0; }));
}

TEST_F(CredentialsTest, RF09_an_expired_token_that_cannot_be_renewed_now_is_an_error) {
    store("default", hours(1));
    EXPECT_EQ(token(credential()), "token 0");
    clock.advance(hours(1));
    for (const auto code : {ErrorCode::network, ErrorCode::needs_login}) {
        refresher->error = base::Error::make(code, "no");
        EXPECT_EQ(token(credential()), to_string(code));
    }
    refresher->error.reset();
    EXPECT_EQ(token(credential()), "token 1");
    refresher->life = seconds(0);
    clock.advance(hours(1));
    EXPECT_EQ(token(credential()), "protocol") << "a token that had expired when it came is not used either";
}

TEST_F(CredentialsTest, RF10_a_refused_token_is_replaced_once_for_all_who_had_it) {
    store("default", hours(1));
    const auto old = credential();
    EXPECT_EQ(token(replacement(*old)), "token 1");
    EXPECT_EQ(token(replacement(*old)), "token 1") << "there is another already";
    ASSERT_EQ(asked(), 1U);
    EXPECT_EQ(refresher->asked.front().need, Need::replaced);
    EXPECT_EQ(refresher->asked.front().refused, "token 0");
    EXPECT_EQ(token(credential()), "token 1");
}

TEST_F(CredentialsTest, RF05_a_new_token_that_the_vault_cannot_take_is_used_all_the_same) {
    store("default", hours(1));
    const auto old = credential();
    refresher->disk_full = true;
    EXPECT_EQ(token(replacement(*old)), "token 1") << "the one in the vault is valid, but refused";
    clock.advance(hours(1));
    EXPECT_EQ(token(credential()), "token 2") << "the one in the vault has expired";
    ASSERT_TRUE(connections->erase("acme", "default"));
    loop.run_until(loop.sleep(milliseconds(1)));
    EXPECT_EQ(token(credential()), "not_connected");
}

TEST_F(CredentialsTest, RF10_the_answer_stands_when_there_is_no_other_token) {
    store("default", hours(1));
    const auto old = credential();
    refresher->error = base::Error::make(ErrorCode::network, "no way");
    EXPECT_EQ(token(replacement(*old)), "none");
    refresher->error = base::Error::make(ErrorCode::needs_login, "dead");
    EXPECT_EQ(token(replacement(*old)), "needs_login");
    refresher->error.reset();
    refresher->failing = base::Error::make(ErrorCode::network, "no way");
    EXPECT_EQ(token(replacement(*old)), "none");
}

TEST_F(CredentialsTest, RF10_what_cannot_be_renewed_has_nothing_to_replace) {
    auto connection = store("default", std::nullopt);
    connection.refresh_token = base::Secret();
    ASSERT_TRUE(connections->save(connection, connection.version));
    const auto only = credential();
    ASSERT_TRUE(only);
    EXPECT_TRUE((*only)->access_token.empty());
}

TEST_F(CredentialsTest, PX29_a_logout_holds_from_the_next_request_on) {
    store("default", hours(1));
    const auto old = credential();
    ASSERT_TRUE(connections->erase("acme", "default"));
    loop.run_until(loop.sleep(milliseconds(1)));
    EXPECT_EQ(token(credential()), "not_connected");
    EXPECT_EQ(token(replacement(*old)), "not_connected");
    EXPECT_EQ(asked(), 0U) << "nothing is refreshed for it";
}

TEST_F(CredentialsTest, CL10_a_changed_definition_suspends_at_once_and_is_never_refreshed_for) {
    store("default", hours(1));
    EXPECT_EQ(token(credential()), "token 0");
    define(R"(, "revocation_url": "https://evil.test/revoke")");
    loop.run_until(loop.sleep(milliseconds(1)));
    clock.advance(hours(1));
    const auto suspended = credential();
    ASSERT_FALSE(suspended);
    EXPECT_EQ(suspended.error().code, base::ErrorCode::suspended) << "docs/refusals.md";
    EXPECT_NE(suspended.error().hint.find("claviger confirm acme"), std::string::npos);
    EXPECT_EQ(asked(), 0U);
}

TEST_F(CredentialsTest, OA23_the_wish_for_a_stronger_login_is_kept_with_the_connection_which_stays_usable) {
    store("default", hours(1));
    EXPECT_EQ(token(credential()), "token 0");
    credentials->wants_stronger_login("acme", "default");
    const auto flagged = connections->load("acme", "default").value();
    EXPECT_EQ(flagged.login_reason, "insufficient_user_authentication");
    EXPECT_FALSE(flagged.login_needed);
    credentials->wants_stronger_login("acme", "default");
    EXPECT_EQ(connections->load("acme", "default").value().version, flagged.version) << "written once";
    EXPECT_EQ(token(credential()), "token 0");
    EXPECT_EQ(asked(), 0U);
}

TEST_F(CredentialsTest, ST10_clock_jumps_use_no_expired_token_and_begin_no_loop) {
    const auto day = hours(24);
    for (const base::Duration jump : {base::Duration(hours(1)), base::Duration(day), base::Duration(day * 3650)}) {
        const std::string name = "default";
        ASSERT_TRUE(connections->erase("acme", name));
        store(name, minutes(30));
        const auto before = asked();
        EXPECT_TRUE(credential());
        clock.advance(jump);
        for (int i = 0; i < 20; ++i) {
            const auto now = credential();
            ASSERT_TRUE(now) << now.error().describe();
            EXPECT_GT(*(*now)->injection.valid_until(), clock.now());
        }
        EXPECT_EQ(asked(), before + 1) << "forward: one renewal";
        clock.advance(-jump);
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(credential());
        EXPECT_EQ(asked(), before + 1) << "back: nothing to renew";
    }
}

}  // namespace
}  // namespace claviger::app
