#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "connection/refresh_test_support.hpp"
#include "crypto/jwk.hpp"
#include "crypto/jws.hpp"

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

TEST_F(RefreshTest, OA21_ARenewedTokenForAnotherAudienceIsLogged) {
    const auto lines = [&](const std::string& audience) {
        const auto place = home / "log";
        const int fd = ::open(place.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
        log = base::Log(fd, base::LogLevel::warn);
        answer(200, fmt::format(R"({{"access_token":"e30.{}.c2ln","token_type":"Bearer","expires_in":3600}})", base::base64url_encode(R"({"aud":")" + audience + "\"}")));
        clock.advance(59min);
        EXPECT_EQ(fresh().value().how, Refreshed::renewed);
        log = base::Log();
        ::close(fd);
        std::ifstream file(place);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    connect_acme(define_acme(R"(,"resource":"https://api.acme.example/mcp")"));
    EXPECT_EQ(lines("https://api.acme.example/mcp"), "");
    EXPECT_EQ(server.requests("/token").at(0).form.at("resource"), "https://api.acme.example/mcp");
    const auto told = lines("https://other.example");
    EXPECT_NE(told.find("refresh.other_audience"), std::string::npos) << told;
    EXPECT_NE(told.find("https://other.example"), std::string::npos) << told;
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

TEST_F(RefreshTest, WhatARenewalTellsOfTheAccountsHostIsStored) {
    auto definition = define(fmt::format(R"({{"schema_version":1,"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce",
        "api_url":"https://{{shard}}.acme.example","vars":{{"shard":{{"title":"Shard","pattern":"s[0-9]+"}}}},
        "oauth":{{"authorization_url":"{0}/authorize","token_url":"{0}/token","scopes":["read"],"response":{{"capture":[{{"name":"shard","pointer":"/shard"}}]}}}}}})", server.origin()));
    ASSERT_TRUE(registry->store(definition, true));
    auto connection = connect_acme(definition);
    connection.variables["shard"] = "s1";
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    for (const auto* shard : {"s2", "s3"}) {
        clock.advance(2h);
        answer(200, fmt::format(R"({{"access_token":"a","refresh_token":"r","expires_in":3600,"shard":"{}"}})", shard));
        const auto got = fresh();
        ASSERT_TRUE(got) << got.error().describe();
        EXPECT_EQ(got->connection.variables.at("shard"), shard);
        EXPECT_EQ(stored().variables.at("shard"), shard);
        EXPECT_EQ(stored().captured.at("shard"), shard);
    }
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

// What a service does that has one token a user, which using it at a place of its own keeps alive.
TEST_F(RefreshTest, AnExtendedTokenStaysTheSameWithALaterEnd) {
    const auto definition = define_acme(R"(,"refresh":{"mode":"extend","token":"access_token","min_interval_seconds":60},"expires":{"default_seconds":86400})");
    auto connection = connect_acme(definition, 24h);
    connection.refresh_token = base::Secret();
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    answer(200, R"({"ok":true})");
    for (std::size_t day = 1; day <= 3; ++day) {
        clock.advance(23h + 59min);
        const auto got = fresh();
        ASSERT_TRUE(got) << got.error().describe();
        EXPECT_EQ(got->how, Refreshed::renewed);
        EXPECT_EQ(text(got->connection.access_token), "access-0");
        EXPECT_EQ(stored().expires_at, clock.now() + 24h);
        EXPECT_EQ(asked(), day);
        EXPECT_EQ(fresh()->how, Refreshed::not_due) << "its end is far away now";
    }
    EXPECT_EQ(server.requests("/token").at(0).form.at("refresh_token"), "access-0");
    EXPECT_TRUE(list_aside(home).value().empty()) << "nothing is spent, so nothing needs room";
    // One that the API refuses cannot be had anew in this way: tried once, then said.
    clock.advance(2min);
    EXPECT_TRUE(fresh(Need::replaced, "access-0"));
    clock.advance(2min);
    const auto refused = fresh(Need::replaced, "access-0");
    ASSERT_TRUE(refused) << "it is valid as far as its server says";
    EXPECT_EQ(refused->how, Refreshed::failed);
    EXPECT_EQ(asked(), 4U);
}

TEST_F(RefreshTest, OA22_ABoundConnectionProvesItsKeyInEveryRenewal) {
    const auto definition = define_acme(R"(,"dpop":true)");
    auto connection = connect_acme(definition);
    const auto key = crypto::Jwk::generate_p256().value();
    connection.dpop_key = key.private_json().value();
    connection.token_type = "DPoP";
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    // The server wants its nonce (RFC 9449 section 8): that is no failure and no second renewal.
    server.on("/token", [&](const FakeServer::Seen& seen) {
        const auto proof = crypto::read_jws(seen.dpop).value();
        EXPECT_TRUE(crypto::verify_jws(proof, key, std::array{crypto::SignatureAlgorithm::es256}));
        const auto claims = json::parse(proof.payload).value().get_object();
        EXPECT_EQ(json::string_at(claims, "htu"), server.origin() + "/token");
        if (json::string_at(claims, "nonce") == "n-1") return token_answer();
        auto refusal = FakeServer::json(400, R"({"error":"use_dpop_nonce"})");
        refusal.fields.set("DPoP-Nonce", "n-1");
        return refusal;
    });
    clock.advance(2h);
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(got->how, Refreshed::renewed);
    EXPECT_EQ(asked(), 2U);
    EXPECT_EQ(state().fence, 1U);
    EXPECT_EQ(state().token.failures, 0U);
    EXPECT_TRUE(stored().dpop_key.equals(connection.dpop_key.reveal()));
    EXPECT_EQ(stored().token_type, "DPoP") << "bound for good, although the answer says Bearer";
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
        ASSERT_TRUE(connections->save(connection, std::nullopt, {&client, 1}));
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

}  // namespace
}  // namespace claviger::connection::testing
