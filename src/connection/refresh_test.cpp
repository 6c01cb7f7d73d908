#include <algorithm>

#include "connection/refresh_test_support.hpp"
#include "connection/refresh_schedule.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;
using namespace std::chrono_literals;

TEST_F(RefreshTest, ATokenFarFromItsEndIsNotRenewed) {
    connect_acme(define_acme());
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(got->how, Refreshed::not_due);
    EXPECT_EQ(text(got->connection.access_token), "access-0");
    EXPECT_EQ(asked(), 0U);
}

TEST_F(RefreshTest, OA18_ATokenNearItsEndIsRenewedOnceAndStored) {
    connect_acme(define_acme());
    clock.advance(59min);
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(got->how, Refreshed::renewed);
    EXPECT_EQ(text(got->connection.access_token), "access-1");
    EXPECT_EQ(text(stored().refresh_token), "refresh-1");
    EXPECT_EQ(stored().expires_at, clock.now() + 1h);
    EXPECT_EQ(server.requests("/token").at(0).form.at("grant_type"), "refresh_token");
    const auto again = fresh();
    EXPECT_EQ(again.value().how, Refreshed::not_due);
    EXPECT_EQ(asked(), 1U);
    EXPECT_EQ(std::ranges::count(events(), "connection.refreshed acme/default"), 1);
    EXPECT_TRUE(state().attempt.empty());
    EXPECT_TRUE(list_aside(home).value().empty()) << "the room set aside is given back";
}

TEST_F(RefreshTest, AnExpiredTokenIsRenewedAndNeverReturned) {
    connect_acme(define_acme());
    clock.advance(2h);
    EXPECT_EQ(text(fresh().value().connection.access_token), "access-1");
    answer(503, "{}");
    clock.advance(2h);
    const auto failed = fresh();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::network);
}

TEST_F(RefreshTest, RF09_AValidTokenIsUsedWhileItsRenewalFails) {
    connect_acme(define_acme());
    answer(503, "{}");
    clock.advance(59min);
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(got->how, Refreshed::failed);
    ASSERT_TRUE(got->why);
    EXPECT_EQ(got->why->code, ErrorCode::network);
    EXPECT_EQ(text(got->connection.access_token), "access-0");
    EXPECT_EQ(stored().refresh_failures, 1U);
    EXPECT_EQ(stored().last_refresh_failure, clock.now());
}

TEST_F(RefreshTest, RF01_OneRequestForManyCallersOnOneLoop) {
    connect_acme(define_acme());
    clock.advance(2h);
    std::vector<std::string> got;
    for (int i = 0; i < 64; ++i) {
        loop.spawn("caller", [](RefreshTest* test, Refresher* refresher, std::vector<std::string>* into) -> net::Task<void> {
            base::Secret none;
            auto fresh = co_await refresher->fresh("acme", "default", Need::usable, std::move(none));
            into->push_back(fresh ? text(fresh->connection.access_token) : fresh.error().describe());
            if (into->size() == 64) test->stop_loop();
        }(this, &refresher(), &got));
    }
    loop.run();
    EXPECT_EQ(got, std::vector<std::string>(64, "access-1"));
    EXPECT_EQ(asked(), 1U);
}

TEST_F(RefreshTest, RF01_OneFailureIsEverybodys) {
    connect_acme(define_acme());
    answer(503, "{}");
    clock.advance(2h);
    std::vector<ErrorCode> got;
    for (int i = 0; i < 8; ++i) {
        loop.spawn("caller", [](RefreshTest* test, Refresher* refresher, std::vector<ErrorCode>* into) -> net::Task<void> {
            base::Secret none;
            auto fresh = co_await refresher->fresh("acme", "default", Need::usable, std::move(none));
            into->push_back(fresh ? ErrorCode::internal : fresh.error().code);
            if (into->size() == 8) test->stop_loop();
        }(this, &refresher(), &got));
    }
    loop.run();
    EXPECT_EQ(got, std::vector<ErrorCode>(8, ErrorCode::network));
    EXPECT_EQ(asked(), 1U);
}

TEST_F(RefreshTest, RF01_AnotherBrokerSeesTheResultAndAsksNothing) {
    connect_acme(define_acme());
    clock.advance(2h);
    Broker other(home, clock, random);
    auto second = Refresher::make(around(&other)).value();
    std::vector<std::string> got;
    const auto call = [](RefreshTest* test, Refresher* refresher, std::vector<std::string>* into) -> net::Task<void> {
        base::Secret none;
        auto fresh = co_await refresher->fresh("acme", "default", Need::usable, std::move(none));
        into->push_back(fresh ? text(fresh->connection.access_token) : fresh.error().describe());
        if (into->size() == 2) test->stop_loop();
    };
    loop.spawn("first", call(this, &refresher(), &got));
    loop.spawn("second", call(this, second.get(), &got));
    loop.run();
    EXPECT_EQ(got, std::vector<std::string>(2, "access-1"));
    EXPECT_EQ(asked(), 1U);
}

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
    client.client_id = "client-2";
    ASSERT_TRUE(connections->save_client(client));
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(server.requests("/token").back().form.at("client_id"), "client-2");
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

TEST_F(RefreshTest, ALogoutDuringARenewalStaysALogout) {
    connect_acme(define_acme());
    clock.advance(2h);
    server.on("/token", [&](const FakeServer::Seen&) {
        EXPECT_TRUE(connections->erase("acme", "default").value());
        return token_answer();
    });
    const auto got = fresh();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::not_connected);
    EXPECT_FALSE(connections->find("acme", "default").value());
}

TEST_F(RefreshTest, WhatElseChangedDuringARenewalIsKept) {
    connect_acme(define_acme());
    clock.advance(2h);
    server.on("/token", [&](const FakeServer::Seen&) {
        auto same = stored();
        same.account.label = "alice";
        EXPECT_TRUE(connections->save(same, same.version));
        return token_answer();
    });
    ASSERT_TRUE(fresh());
    EXPECT_EQ(stored().account.label, "alice");
    EXPECT_EQ(text(stored().refresh_token), "refresh-1");
}

TEST_F(RefreshTest, RF06_AnOpenIntentMeansOneFurtherAttemptAndThenALogin) {
    auto connection = connect_acme(define_acme());
    clock.advance(2h);
    RefreshState crashed;
    crashed.generation = generation_of(connection);
    crashed.attempt = "somebody-killed";
    crashed.aside_key = random.secret_token(32);
    crashed.fence = 7;
    ASSERT_TRUE(vault->put({"local", "refresh", "acme/default"}, serialize(crashed), 0, {"test", "acme/default"}));
    answer(400, R"({"error":"invalid_grant"})");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(fresh().error().code, ErrorCode::needs_login);
    EXPECT_EQ(asked(), 1U);
    EXPECT_EQ(stored().login_reason, "interrupted_rotation");
    EXPECT_EQ(state().fence, 8U) << "the fence only grows";
}

TEST_F(RefreshTest, RF06_WithinTheGraceOfTheServerAnOpenIntentIsNoLoss) {
    auto connection = connect_acme(define_acme());
    clock.advance(2h);
    RefreshState crashed;
    crashed.generation = generation_of(connection);
    crashed.attempt = "somebody-killed";
    ASSERT_TRUE(vault->put({"local", "refresh", "acme/default"}, serialize(crashed), 0, {"test", "acme/default"}));
    EXPECT_EQ(text(fresh().value().connection.refresh_token), "refresh-1");
    EXPECT_FALSE(state().doubtful);
}

TEST_F(RefreshTest, RF05_AnAnswerSetAsideIsStoredByTheNextOpenerWithoutAsking) {
    auto connection = connect_acme(define_acme());
    clock.advance(2h);
    RefreshState crashed;
    crashed.generation = generation_of(connection);
    crashed.attempt = "full-disk";
    crashed.aside_key = random.secret_token(32);
    ASSERT_TRUE(vault->put({"local", "refresh", "acme/default"}, serialize(crashed), 0, {"test", "acme/default"}));
    auto renewed = copy_of(connection).value();
    renewed.access_token = base::Secret("access-aside");
    renewed.refresh_token = base::Secret("refresh-aside");
    renewed.expires_at = clock.now() + 1h;
    ASSERT_TRUE(sys::ensure_private_directory(refresh_directory(home)));
    const AsideSeal seal{"local", "acme/default", "full-disk", crashed.aside_key};
    {
        auto room = sys::ReservedFile::create(aside_file(home, "acme/default"), kRoomForAnswer).value();
        ASSERT_TRUE(set_aside(room, seal, serialize(renewed), random));
    }
    const auto bytes = sys::read_file(aside_file(home, "acme/default"), 1 << 20).value();
    EXPECT_EQ(bytes.find("refresh-aside"), std::string::npos) << "sealed";
    EXPECT_EQ(text(fresh().value().connection.access_token), "access-aside");
    EXPECT_EQ(text(stored().refresh_token), "refresh-aside");
    EXPECT_EQ(asked(), 0U);
    EXPECT_FALSE(std::filesystem::exists(aside_file(home, "acme/default")));
}

TEST_F(RefreshTest, RF05_AnAnswerSetAsideNeverReplacesANewerLogin) {
    const auto definition = define_acme();
    auto connection = connect_acme(definition);
    RefreshState crashed;
    crashed.generation = generation_of(connection);
    crashed.attempt = "full-disk";
    crashed.aside_key = random.secret_token(32);
    ASSERT_TRUE(vault->put({"local", "refresh", "acme/default"}, serialize(crashed), 0, {"test", "acme/default"}));
    ASSERT_TRUE(sys::ensure_private_directory(refresh_directory(home)));
    {
        auto room = sys::ReservedFile::create(aside_file(home, "acme/default"), kRoomForAnswer).value();
        const AsideSeal seal{"local", "acme/default", "full-disk", crashed.aside_key};
        ASSERT_TRUE(set_aside(room, seal, serialize(connection), random));
    }
    clock.advance(1min);
    auto login = connect_acme(definition);
    login.access_token = base::Secret("access-login");
    ASSERT_TRUE(connections->save(login, std::nullopt));
    EXPECT_EQ(text(fresh().value().connection.access_token), "access-login");
    EXPECT_FALSE(std::filesystem::exists(aside_file(home, "acme/default")));
}

TEST_F(RefreshTest, RF11_ARestoredBackupIsNeverRenewedInTheBackgroundAndTriedOnce) {
    const auto definition = define_acme();
    auto connection = connect_acme(definition);
    clock.advance(1min);
    const auto mark = fmt::format(R"({{"at":{},"from_vault":"00"}})", clock.now().time_since_epoch().count());
    ASSERT_TRUE(vault->put({"local", "setting", "restored_at"}, base::Secret(mark), std::nullopt, {"vault.restored", "vault"}));
    EXPECT_FALSE(refresher().due(connection, definition));
    clock.advance(58min);
    EXPECT_EQ(fresh(Need::kept).value().how, Refreshed::not_due);
    EXPECT_EQ(fresh(Need::usable).value().how, Refreshed::not_due) << "still valid: not needed";
    EXPECT_EQ(asked(), 0U);
    answer(400, R"({"error":"invalid_grant"})");
    clock.advance(2h);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(fresh().error().code, ErrorCode::needs_login);
    EXPECT_EQ(asked(), 1U);
    EXPECT_EQ(stored().login_reason, "restored_backup");
}

TEST_F(RefreshTest, RF13_WithoutARefreshTokenAnExpiredConnectionNeedsALogin) {
    auto connection = connect_acme(define_acme());
    connection.refresh_token = base::Secret();
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    EXPECT_EQ(fresh().value().how, Refreshed::not_due);
    EXPECT_EQ(fresh(Need::replaced, "access-0").value().how, Refreshed::not_due);
    clock.advance(2h);
    EXPECT_EQ(fresh().error().code, ErrorCode::needs_login);
    EXPECT_EQ(asked(), 0U);
}

TEST_F(RefreshTest, ASuspendedConnectionIsNeverRenewed) {
    connect_acme(define_acme());
    define_acme(R"(,"client_secret_required":true,"token_params":{"x":"y"})");
    auto moved = define_acme();
    moved.oauth2->token_url = server.origin() + "/elsewhere";
    ASSERT_TRUE(registry->store(moved, true));
    clock.advance(2h);
    EXPECT_EQ(fresh().error().code, ErrorCode::suspended);
    EXPECT_EQ(server.seen.size(), 0U);
}

TEST_F(RefreshTest, RF03_WithoutRoomForTheAnswerNothingIsSent) {
    connect_acme(define_acme());
    clock.advance(2h);
    refresher();
    // A directory in the file's place cannot be made a file.
    std::filesystem::create_directory(aside_file(home, "acme/default"));
    const auto got = fresh();
    ASSERT_FALSE(got);
    EXPECT_EQ(asked(), 0U);
    std::filesystem::remove(aside_file(home, "acme/default"));
    EXPECT_TRUE(fresh());
}

TEST_F(RefreshTest, ST10_AClockThatWasPutBackMeansOneRenewalAndNoLoop) {
    connect_acme(define_acme());
    clock.advance(std::chrono::hours(-24 * 3650));
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(fresh());
    EXPECT_EQ(asked(), 1U);
    clock.advance(std::chrono::hours(24 * 3650));
    for (int i = 0; i < 10; ++i) fresh();
    EXPECT_LE(asked(), 2U);
}

TEST_F(RefreshTest, RF11_ACopyOfTheHomeIsTreatedLikeARestoredBackup) {
    const auto definition = define_acme();
    const auto connection = connect_acme(definition);
    EXPECT_TRUE(refresher().due(connection, definition));
    forget_refresher();
    EXPECT_TRUE(refresher().due(connection, definition)) << "the same home, opened again";
    forget_refresher();
    clock.advance(1min);
    std::filesystem::copy_file(refresh_directory(home) / "lock", refresh_directory(home) / "copied");
    std::filesystem::rename(refresh_directory(home) / "copied", refresh_directory(home) / "lock");
    EXPECT_FALSE(refresher().due(connection, definition));
    EXPECT_EQ(std::ranges::count(events(), "vault.copied vault"), 1);
    clock.advance(2h);
    EXPECT_EQ(fresh().value().how, Refreshed::renewed) << "one lazy attempt";
    EXPECT_TRUE(refresher().due(stored(), definition)) << "from then on its tokens are its own";
}

TEST_F(RefreshTest, RF09_ALongLivedProcessRenewsBehindTheCallersBack) {
    connect_acme(define_acme());
    clock.advance(59min);
    auto with = around();
    with.renew_behind = true;
    auto behind = Refresher::make(with).value();
    const auto at_once = loop.run_until(behind->fresh("acme", "default", Need::usable));
    EXPECT_EQ(text(at_once.value().connection.access_token), "access-0");
    EXPECT_TRUE(loop.run_until(behind->settle(10s)));
    EXPECT_EQ(text(stored().access_token), "access-1");
    EXPECT_EQ(asked(), 1U);
}

TEST_F(RefreshTest, WhatIsMintedIsMintedAgain) {
    auto definition = define(fmt::format(R"({{"schema_version":1,"name":"acme","display_name":"Acme","auth_type":"oauth2",
        "flow":"client_credentials","api_url":"api.acme.example","oauth":{{"token_url":"{}/token"}}}})", server.origin()));
    ASSERT_TRUE(registry->store(definition, true));
    auto connection = connect_acme(definition);
    connection.refresh_token = base::Secret();
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    ClientRecord client;
    client.provider = "acme";
    client.origin = server.origin();
    client.client_id = "client-1";
    client.client_secret = base::Secret("secret-1");
    ASSERT_TRUE(connections->save_client(client));
    answer(200, R"({"access_token":"minted","token_type":"Bearer","expires_in":3600})");
    clock.advance(2h);
    EXPECT_EQ(text(fresh().value().connection.access_token), "minted");
    EXPECT_EQ(server.requests("/token").at(0).form.at("grant_type"), "client_credentials");
    EXPECT_TRUE(list_aside(home).value().empty()) << "what can be had again needs no room";
}

TEST_F(RefreshTest, RF08_AtMostEightRequestsAtOnceToOneServer) {
    struct Gauge { net::Loop* loop; int now = 0, most = 0, sum = 0; } gauge{&loop};
    auto listener = net::Listener::loopback(loop, 0);
    const auto slow_origin = fmt::format("http://127.0.0.1:{}", listener->port());
    const auto handler = [&gauge](http::ServerRequest) {
        return [](Gauge* g) -> net::Task<http::ServerResponse> {
            g->most = std::max(g->most, ++g->now);
            // Each waits for the eighth, and then a while for a ninth that must not come.
            for (int i = 0; i < 100 && g->most < 8; ++i) co_await g->loop->sleep(100ms);
            co_await g->loop->sleep(100ms);
            --g->now;
            ++g->sum;
            co_return FakeServer::json(200, R"({"access_token":"new","refresh_token":"new","expires_in":3600})");
        }(&gauge);
    };
    http::Server slow(loop, std::move(*listener), http::Server::Options{}, handler);
    auto definition = define_acme();
    definition.oauth2->token_url = slow_origin + "/token";
    ASSERT_TRUE(registry->store(definition, true));
    constexpr int kMany = 24;
    int done = 0;
    for (int i = 0; i < kMany; ++i) {
        auto connection = connect_acme(definition, 1h, fmt::format("c{}", i));
        connection.token_endpoint = slow_origin + "/token";
        ClientRecord client;
        client.provider = "acme";
        client.origin = slow_origin;
        client.client_id = "client-1";
        ASSERT_TRUE(connections->save(connection, std::nullopt, &client));
    }
    clock.advance(2h);
    for (int i = 0; i < kMany; ++i) {
        loop.spawn("caller", [](RefreshTest* test, Refresher* refresher, std::string name, int* count) -> net::Task<void> {
            base::Secret none;
            auto got = co_await refresher->fresh("acme", name, Need::usable, std::move(none));
            EXPECT_TRUE(got) << got.error().describe();
            if (++*count == kMany) test->stop_loop();
        }(this, &refresher(), fmt::format("c{}", i), &done));
    }
    loop.run();
    EXPECT_EQ(gauge.sum, kMany);
    EXPECT_EQ(gauge.most, 8);
}

TEST_F(RefreshTest, RF05_AnAnswerThatNoDiskTakesIsKeptInMemoryUntilOneDoes) {
    connect_acme(define_acme());
    clock.advance(2h);
    std::optional<FullDisk> full;
    server.on("/token", [&](const FakeServer::Seen&) {
        full.emplace();
        return token_answer();
    });
    loop.spawn("room again", [](net::Loop* on, std::optional<FullDisk>* disk) -> net::Task<void> {
        while (!*disk) co_await on->sleep(5ms);
        co_await on->sleep(1500ms);
        disk->reset();
    }(&loop, &full));
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(text(got->connection.access_token), "access-1");
    EXPECT_EQ(asked(), 1U);
    // Durable in one place or the other by now; the next process has it.
    EXPECT_TRUE(loop.run_until(refresher().settle(10s)) || !list_aside(home).value().empty());
    forget_refresher();
    EXPECT_EQ(text(fresh().value().connection.refresh_token), "refresh-1");
    EXPECT_EQ(text(stored().refresh_token), "refresh-1");
    EXPECT_EQ(asked(), 1U);
}

TEST_F(RefreshTest, RF03_AFullDiskBeforeTheRequestSendsNothing) {
    connect_acme(define_acme());
    clock.advance(2h);
    refresher();
    {
        const FullDisk full;
        const auto got = fresh();
        ASSERT_FALSE(got);
        EXPECT_NE(got.error().message.find("cannot set room aside"), std::string::npos) << got.error().describe();
    }
    EXPECT_EQ(asked(), 0U);
    EXPECT_TRUE(fresh());
}

}  // namespace
}  // namespace claviger::connection::testing
