#include "connection/refresh_schedule.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace claviger::connection {
namespace {

using namespace std::chrono_literals;

provider::ProviderDefinition definition_with(provider::RefreshQuirk refresh = {}) {
    provider::ProviderDefinition definition;
    definition.auth_type = provider::AuthType::oauth2;
    definition.oauth2.emplace();
    definition.oauth2->refresh = std::move(refresh);
    return definition;
}

Connection living(base::Duration life) {
    Connection connection;
    connection.auth_type = provider::AuthType::oauth2;
    connection.flow = provider::Flow::pkce;
    connection.access_token = base::Secret("access");
    connection.refresh_token = base::Secret("refresh");
    connection.obtained_at = base::Instant(base::Duration(1'800'000'000'000));
    connection.expires_at = connection.obtained_at + life;
    return connection;
}

TEST(RefreshSchedule, RF08_TheMarginIsAPartOfTheLife) {
    struct Row { base::Duration life, least, most; };
    for (const auto& row : {Row{1s, 300ms, 334ms}, Row{3s, 900ms, 1s}, Row{15s, 5s, 5s}, Row{30s, 5s, 6s}, Row{60s, 6s, 12s},
                            Row{10min, 60s, 120s}, Row{49min, 150s, 300s}, Row{1h, 150s, 300s}, Row{24h, 150s, 300s}, Row{0s, 0s, 0s}, Row{-5s, 0s, 0s}}) {
        for (int i = 0; i < 50; ++i) {
            auto connection = living(row.life);
            connection.name = "account-" + std::to_string(i);
            const auto margin = margin_of(connection, definition_with());
            EXPECT_GE(margin, row.least) << row.life.count();
            EXPECT_LE(margin, row.most) << row.life.count();
            connection.access_token = base::Secret("another");
            EXPECT_EQ(margin, margin_of(connection, definition_with())) << "the same for the same connection";
        }
    }
}

TEST(RefreshSchedule, RF08_TheMarginSpreadsManyConnectionsHoweverLongTheirTokensLive) {
    for (const auto life : {base::Duration(10min), base::Duration(50min), base::Duration(1h), base::Duration(24h * 30)}) {
        std::set<base::Duration> seen;
        base::Duration least = 1h, most{};
        for (int i = 0; i < 100; ++i) {
            auto connection = living(life);
            connection.name = "account-" + std::to_string(i);
            const auto margin = margin_of(connection, definition_with());
            seen.insert(margin);
            least = std::min(least, margin);
            most = std::max(most, margin);
        }
        EXPECT_GT(seen.size(), 90U) << life.count();
        EXPECT_GT(most - least, base::Duration(50s)) << life.count();
    }
}

TEST(RefreshSchedule, TheDefinitionsMarginHoldsWithinTheLife) {
    provider::RefreshQuirk quirk;
    quirk.margin_seconds = 600;
    EXPECT_EQ(margin_of(living(1h), definition_with(quirk)), base::Duration(600s));
    EXPECT_EQ(margin_of(living(60s), definition_with(quirk)), base::Duration(54s));
    quirk.margin_seconds = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(margin_of(living(60s), definition_with(quirk)), base::Duration(54s));
}

TEST(RefreshSchedule, WhatCanBeRenewedAtAll) {
    auto connection = living(1h);
    EXPECT_TRUE(renewable(connection, definition_with()));
    connection.refresh_token = base::Secret();
    EXPECT_FALSE(renewable(connection, definition_with()));
    provider::RefreshQuirk by_access, remint;
    by_access.token = "access_token";
    remint.mode = "remint";
    EXPECT_TRUE(renewable(connection, definition_with(by_access)));
    EXPECT_TRUE(renewable(connection, definition_with(remint)));
    connection.flow = provider::Flow::client_credentials;
    EXPECT_TRUE(renewable(connection, definition_with()));
    connection.auth_type = provider::AuthType::api_key;
    EXPECT_FALSE(renewable(connection, definition_with(remint)));
}

TEST(RefreshSchedule, BackOffGrowsWithJitterAndNeverGivesUp) {
    base::FakeRandom random;
    for (std::uint32_t failures = 1; failures < 5000; failures += failures < 20 ? 1 : 500) {
        const auto soon = back_off(FailureClass::transient, failures, std::nullopt, random);
        EXPECT_GE(soon, base::Duration(1s));
        EXPECT_LE(soon, base::Duration(5min));
        const auto slow = back_off(FailureClass::configuration, failures, std::nullopt, random);
        EXPECT_GE(slow, base::Duration(5min));
        EXPECT_LE(slow, base::Duration(1h));
    }
    std::set<base::Duration> spread;
    for (int i = 0; i < 50; ++i) spread.insert(back_off(FailureClass::transient, 8, std::nullopt, random));
    EXPECT_GT(spread.size(), 45U);
}

TEST(RefreshSchedule, RF08_RetryAfterIsALowerBound) {
    base::FakeRandom random;
    EXPECT_GE(back_off(FailureClass::transient, 1, 3600s, random), base::Duration(3600s));
    EXPECT_LE(back_off(FailureClass::transient, 1, 3600s, random), base::Duration(3960s));
    const base::Instant now{base::Duration(1'800'000'000'000)};
    for (int i = 0; i < 200; ++i) {
        const auto wait = back_off(FailureClass::transient, 1, std::chrono::hours(24 * (1 + i)), random);
        EXPECT_GE(wait, base::Duration(24h));
        EXPECT_TRUE(within_reach(now + wait, now)) << "not taken for another clock's";
        EXPECT_TRUE(within_reach(now + wait, now - 30min)) << "nor when the clock is corrected";
    }
    EXPECT_FALSE(within_reach(now, now));
    EXPECT_FALSE(within_reach(now + 26h, now));
    EXPECT_GE(back_off(FailureClass::transient, 1, -5s, random), base::Duration(1s));
}

TEST(RefreshSchedule, ARefreshTokenThatDiesOfDisuseIsKeptAlive) {
    provider::RefreshQuirk quirk;
    EXPECT_FALSE(keep_alive_at(living(1h), definition_with(quirk)));
    quirk.idle_max_seconds = 1000;
    auto connection = living(1h);
    const auto at = keep_alive_at(connection, definition_with(quirk));
    ASSERT_TRUE(at);
    EXPECT_GE(*at - connection.obtained_at, base::Duration(700s));
    EXPECT_LE(*at - connection.obtained_at, base::Duration(800s));
    connection.refresh_expires_at = connection.obtained_at + 100s;
    EXPECT_LE(*keep_alive_at(connection, definition_with(quirk)) - connection.obtained_at, base::Duration(80s));
}

TEST(RefreshSchedule, AnEndThatWasPastWhenTheTokenWasUsedIsNoReasonToKeepItAlive) {
    auto connection = living(1h);
    for (const auto past : {base::Duration(0s), base::Duration(-10s)}) {
        connection.refresh_expires_at = connection.obtained_at + past;
        EXPECT_FALSE(keep_alive_at(connection, definition_with()));
        provider::RefreshQuirk quirk;
        quirk.idle_max_seconds = 1000;
        EXPECT_GE(*keep_alive_at(connection, definition_with(quirk)), connection.obtained_at + 700s);
    }
}

TEST(RefreshSchedule, RF06_TheFurtherAttemptFollowsWithinTheGraceOfTheDefinition) {
    provider::RefreshQuirk quirk;
    EXPECT_EQ(further_within(definition_with(quirk)), base::Duration(12s));
    for (const auto grace : {0, 1, 60, 86'400}) {
        quirk.grace_seconds = grace;
        EXPECT_EQ(further_within(definition_with(quirk)), base::Duration(std::chrono::seconds(grace)));
    }
}

TEST(RefreshSchedule, WhatEndsAWaitForAHuman) {
    const auto now = configuration_of(definition_with(), 1, false);
    EXPECT_EQ(now, configuration_of(definition_with(), 1, false));
    provider::RefreshQuirk quirk;
    quirk.grace_seconds = 1;
    EXPECT_NE(now, configuration_of(definition_with(quirk), 1, false));
    EXPECT_NE(now, configuration_of(definition_with(), 2, false));
    EXPECT_NE(now, configuration_of(definition_with(), 1, true));
}

}  // namespace
}  // namespace claviger::connection
