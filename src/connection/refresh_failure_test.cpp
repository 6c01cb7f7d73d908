#include <algorithm>

#include "connection/refresh_test_support.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;
using namespace std::chrono_literals;

TEST_F(RefreshTest, OA19_InvalidGrantNeedsALoginAfterOneAttempt) {
    connect_acme(define_acme());
    answer(400, R"({"error":"invalid_grant","error_description":"revoked"})");
    clock.advance(2h);
    for (int i = 0; i < 3; ++i) {
        const auto got = fresh();
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().code, ErrorCode::needs_login);
        EXPECT_EQ(got.error().hint, "run: claviger login acme");
    }
    EXPECT_EQ(asked(), 1U);
    EXPECT_TRUE(stored().login_needed);
    EXPECT_EQ(stored().login_reason, "invalid_grant");
    EXPECT_EQ(std::ranges::count(events(), "connection.login_needed acme/default"), 1);
}

TEST_F(RefreshTest, OA19_AWrongClientIsKeptAndNotHammered) {
    const auto definition = define_acme();
    connect_acme(definition);
    least_pause = {};
    answer(401, R"({"error":"invalid_client"})");
    clock.advance(2h);
    for (int i = 0; i < 200; ++i) {
        EXPECT_FALSE(fresh());
        clock.advance(30s);
    }
    EXPECT_LE(asked(), 12U);
    EXPECT_FALSE(stored().login_needed);
    // Somebody corrects the client: the next call asks at once.
    answer_with_tokens();
    ClientRecord client;
    client.provider = "acme";
    client.origin = server.origin();
    client.client_id = "client-1";
    client.client_secret = base::Secret("right");
    ASSERT_TRUE(connections->save_client(client));
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(server.requests("/token").back().form.at("client_secret"), "right");
}

TEST_F(RefreshTest, OA27_ARefreshTokenIsSentWithTheClientThatItWasGivenToAndWithNoOther) {
    connect_acme(define_acme());
    ClientRecord other;
    other.provider = "acme";
    other.origin = server.origin();
    other.client_id = "client-2";
    ASSERT_TRUE(connections->save_client(other));
    clock.advance(2h);
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(server.requests("/token").back().form.at("client_id"), "client-1");
    // Its own is gone, the other one is there: nothing leaves.
    auto own = connections->client("acme", server.origin(), "client-1").value().value();
    ASSERT_TRUE(connections->erase_client(own).value());
    clock.advance(2h);
    for (int i = 0; i < 3; ++i) {
        const auto held = fresh();
        ASSERT_FALSE(held);
        EXPECT_NE(held.error().message.find("was made with is no longer stored, so nothing was sent"), std::string::npos) << held.error().message;
        EXPECT_TRUE(held.error().hint.starts_with("run: claviger login acme --connection default --force")) << held.error().hint;
        clock.advance(10s);
    }
    EXPECT_EQ(asked(), 1U);
    EXPECT_EQ(text(stored().refresh_token), "refresh-1");
    EXPECT_FALSE(stored().login_needed) << "the grant lives";
    // Somebody stores it again: the next call asks at once.
    ASSERT_TRUE(connections->save_client(own));
    EXPECT_TRUE(fresh());
    EXPECT_EQ(asked(), 2U);
}

TEST_F(RefreshTest, OA27_AConnectionWithoutAClientGetsNobodyElses) {
    auto connection = connect_acme(define_acme());
    connection.client_id.clear();
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    clock.advance(2h);
    EXPECT_FALSE(fresh());
    EXPECT_EQ(asked(), 0U);
    EXPECT_EQ(text(stored().refresh_token), "refresh-0");
}

TEST_F(RefreshTest, OA13_ARotatedRefreshTokenIsKeptAlsoWhenTheAnswerIsOfNoUse) {
    for (const auto* useless : {R"("access_token":"a","token_type":"mac")", R"("access_token":"")", R"("id_token":"x")"}) {
        issued = 0;
        connect_acme(define_acme());
        forget_refresher();
        clock.advance(2h);
        const auto before = asked();
        answer(200, fmt::format(R"({{"refresh_token":"refresh-1","expires_in":3600,{}}})", useless));
        const auto refused = fresh();
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::protocol) << useless;
        EXPECT_EQ(text(stored().refresh_token), "refresh-1") << useless;
        EXPECT_EQ(text(stored().access_token), "access-0");
        EXPECT_FALSE(state().doubtful);
        EXPECT_FALSE(fresh());
        EXPECT_EQ(asked(), before + 1) << "it waits";
        // The definition is corrected, or an hour has passed: the new one is sent.
        issued = 1;
        answer_with_tokens();
        clock.advance(2h);
        const auto got = fresh();
        ASSERT_TRUE(got) << got.error().describe();
        EXPECT_EQ(text(got->connection.refresh_token), "refresh-2");
    }
}

// A server that says 200 and means no has told the new token all the same.
TEST_F(RefreshTest, OA12_ARotatedRefreshTokenOfASuccessThatIsAnErrorIsKept) {
    connect_acme(define_acme());
    clock.advance(2h);
    answer(200, R"({"error":"something_odd","refresh_token":"refresh-1"})");
    EXPECT_FALSE(fresh());
    EXPECT_EQ(text(stored().refresh_token), "refresh-1");
    connect_acme(define_acme());
    forget_refresher();
    clock.advance(2h);
    answer(400, R"({"error":"invalid_request","refresh_token":"refresh-of-nobody"})");
    EXPECT_FALSE(fresh());
    EXPECT_EQ(text(stored().refresh_token), "refresh-0") << "a plain failure has rotated nothing";
}

TEST_F(RefreshTest, WhatOurOwnRulesForbidGoesOnAtOnceWhenTheyAreMended) {
    define_acme(R"(,"refresh_url":"https://10.0.0.1/token")");
    auto connection = connect_acme(registry->load("acme").value());
    clock.advance(2h);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(fresh().error().code, ErrorCode::address_refused);
    const auto mended = define_acme();
    connection = stored();
    ASSERT_TRUE(connections->confirm_definition(connection, mended));
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(asked(), 1U);
}

TEST_F(RefreshTest, AWeekOf503IsSurvivedWithoutHammering) {
    connect_acme(define_acme());
    least_pause = {};
    answer(503, "{}");
    clock.advance(1h);
    for (int minute = 0; minute < 7 * 24 * 60; minute += 30) {
        EXPECT_FALSE(fresh());
        EXPECT_FALSE(fresh());
        clock.advance(30min);
    }
    EXPECT_EQ(asked(), 7U * 48) << "each half hour one caller asks, and the next one hears his answer";
    answer_with_tokens();
    clock.advance(5min);
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(text(got->connection.access_token), "access-1");
    EXPECT_EQ(stored().refresh_failures, 0U);
    EXPECT_EQ(std::ranges::count(events(), "connection.refresh_failed acme/default"), 1) << "a week is one line in the journal";
}

TEST_F(RefreshTest, RF08_RetryAfterHoldsForTheConnectionAndForItsServer) {
    const auto definition = define_acme();
    connect_acme(definition);
    connect_acme(definition, 1h, "second");
    server.on("/token", [](const FakeServer::Seen&) {
        auto response = FakeServer::json(429, "{}");
        response.fields.set("Retry-After", "120");
        return response;
    });
    clock.advance(2h);
    EXPECT_FALSE(fresh());
    EXPECT_FALSE(fresh(Need::usable, "", "second"));
    clock.advance(119s);
    EXPECT_FALSE(fresh());
    EXPECT_FALSE(fresh(Need::usable, "", "second"));
    EXPECT_EQ(asked(), 1U);
    clock.advance(20s);
    EXPECT_FALSE(fresh());
    EXPECT_EQ(asked(), 2U);
}

TEST_F(RefreshTest, RF08_TheDefinitionSaysHowItsServerAsksToWait) {
    auto definition = define_acme();
    definition.retry = {{403}, "X-Wait", ""};
    ASSERT_TRUE(registry->store(definition, true));
    connect_acme(definition);
    server.on("/token", [](const FakeServer::Seen&) {
        auto response = FakeServer::json(403, R"({"error":"access_denied"})");
        response.fields.set("X-Wait", "120");
        return response;
    });
    clock.advance(2h);
    EXPECT_FALSE(fresh());
    EXPECT_FALSE(stored().login_needed);
    clock.advance(119s);
    EXPECT_FALSE(fresh());
    EXPECT_EQ(asked(), 1U);
    clock.advance(20s);
    EXPECT_FALSE(fresh());
    EXPECT_EQ(asked(), 2U);
}

TEST_F(RefreshTest, RF10_A401RenewsAYoungTokenOnceAndNeverTheSameTwice) {
    connect_acme(define_acme());
    const auto first = fresh(Need::replaced, "access-0");
    ASSERT_TRUE(first) << first.error().describe();
    EXPECT_EQ(first->how, Refreshed::renewed);
    EXPECT_EQ(text(first->connection.access_token), "access-1");
    // Late news of the old token: what is stored is another already.
    const auto late = fresh(Need::replaced, "access-0");
    EXPECT_EQ(late.value().how, Refreshed::by_another);
    EXPECT_EQ(asked(), 1U);
}

TEST_F(RefreshTest, RF10_AnApiThatRefusesEveryTokenDoesNotDriveAStorm) {
    connect_acme(define_acme());
    std::string token = "access-0";
    for (int i = 0; i < 360; ++i) {
        const auto got = fresh(Need::replaced, token);
        ASSERT_TRUE(got) << got.error().describe();
        token = text(got->connection.access_token);
        clock.advance(1s);
    }
    EXPECT_LE(asked(), 4U);
}

TEST_F(RefreshTest, RF10_AServerThatGivesTheSameAccessTokenAgainIsAskedOnce) {
    connect_acme(define_acme());
    answer(200, R"({"access_token":"access-0","refresh_token":"refresh-0","expires_in":3600})");
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(fresh(Need::replaced, "access-0"));
    EXPECT_EQ(asked(), 1U);
}

TEST_F(RefreshTest, RF10_AFailedRenewalOfARefusedTokenIsTriedAgain) {
    auto connection = connect_acme(define_acme());
    connection.expires_at.reset();
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    answer(503, "{}");
    EXPECT_EQ(fresh(Need::replaced, "access-0").value().how, Refreshed::failed);
    const auto held = fresh(Need::replaced, "access-0");
    ASSERT_TRUE(held.value().why);
    EXPECT_EQ(held->why->code, ErrorCode::network) << held->why->describe();
    EXPECT_EQ(asked(), 1U) << "no storm";
    answer_with_tokens();
    clock.advance(1h);
    const auto got = fresh(Need::replaced, "access-0");
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(got->how, Refreshed::renewed);
    EXPECT_EQ(text(got->connection.access_token), "access-1");
}

TEST_F(RefreshTest, RF10_ARenewalOfARefusedTokenThatWasInterruptedIsTriedAgain) {
    auto connection = connect_acme(define_acme());
    RefreshState crashed;
    crashed.generation = generation_of(connection);
    crashed.attempt = "somebody-killed";
    crashed.refused_token = token_hash(connection.access_token);
    ASSERT_TRUE(vault->put({"local", "refresh", "acme/default"}, serialize(crashed), 0, {"test", "acme/default"}));
    const auto got = fresh(Need::replaced, "access-0");
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(got->how, Refreshed::renewed);
}

TEST_F(RefreshTest, RF08_ARetryAfterOfDaysHoldsForADay) {
    connect_acme(define_acme());
    server.on("/token", [](const FakeServer::Seen&) {
        auto response = FakeServer::json(503, "{}");
        response.fields.set("Retry-After", "604800");
        return response;
    });
    clock.advance(2h);
    // Fewer than the requests in a row that the steady clock lets through, whatever the other one says.
    for (std::size_t days = 1; days <= 5; ++days) {
        EXPECT_FALSE(fresh());
        EXPECT_FALSE(fresh());
        EXPECT_EQ(asked(), days);
        clock.advance(25h);
    }
}

TEST_F(RefreshTest, RF07_InvalidGrantIsNoNeedForALoginWhenNewerTokensAreStored) {
    const auto definition = define_acme();
    connect_acme(definition);
    clock.advance(2h);
    server.on("/token", [&](const FakeServer::Seen&) {
        auto newer = connect_acme(definition);
        newer.access_token = base::Secret("access-new");
        newer.refresh_token = base::Secret("refresh-new");
        EXPECT_TRUE(connections->save(newer, std::nullopt));
        return FakeServer::json(400, R"({"error":"invalid_grant"})");
    });
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(text(got->connection.access_token), "access-new");
    EXPECT_FALSE(stored().login_needed);
}

}  // namespace
}  // namespace claviger::connection::testing
