#include <algorithm>

#include "connection/refresh_test_support.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;
using namespace std::chrono_literals;

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

TEST_F(RefreshTest, RF05_ARotatedTokenOfAUselessAnswerOutlivesAFullDisk) {
    connect_acme(define_acme());
    clock.advance(2h);
    std::optional<FullDisk> full;
    server.on("/token", [&](const FakeServer::Seen&) {
        full.emplace();
        return FakeServer::json(200, R"({"access_token":"a","refresh_token":"refresh-1","token_type":"mac"})");
    });
    loop.spawn("room again", [](net::Loop* on, std::optional<FullDisk>* disk) -> net::Task<void> {
        while (!*disk) co_await on->sleep(5ms);
        co_await on->sleep(1500ms);
        disk->reset();
    }(&loop, &full));
    const auto refused = fresh();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::protocol);
    EXPECT_NE(refused.error().describe().find("unknown type 'mac'"), std::string::npos) << refused.error().describe();
    // Durable in one place or the other by now; the next process has it.
    EXPECT_TRUE(loop.run_until(refresher().settle(10s)) || !list_aside(home).value().empty());
    forget_refresher();
    issued = 1;
    answer_with_tokens();
    EXPECT_FALSE(fresh());
    EXPECT_EQ(text(stored().refresh_token), "refresh-1");
    EXPECT_EQ(asked(), 1U) << "it waits as after any such failure";
    EXPECT_EQ(stored().refresh_failures, 1U);
    clock.advance(2h);
    const auto got = fresh();
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(text(stored().refresh_token), "refresh-2");
    EXPECT_EQ(asked(), 2U) << "the new token was sent, and the old one never again";
}

TEST_F(RefreshTest, AMintedTokenThatNoDiskTakesIsNotSaidToBeKept) {
    auto definition = define_acme(R"(,"refresh":{"mode":"remint"})");
    definition.flow = provider::Flow::client_credentials;
    auto connection = connect_acme(definition);
    connection.flow = provider::Flow::client_credentials;
    connection.definition_digest = provider::security_digest(registry->load("acme").value());
    ASSERT_TRUE(connections->save(connection, std::nullopt));
    clock.advance(2h);
    std::optional<FullDisk> full;
    server.on("/token", [&](const FakeServer::Seen&) {
        full.emplace();
        return FakeServer::json(200, R"({"access_token":"minted","token_type":"Bearer","expires_in":3600})");
    });
    const auto got = fresh();
    ASSERT_FALSE(got);
    EXPECT_NE(got.error().describe().find("cannot be stored; the next use gets another"), std::string::npos) << got.error().describe();
    EXPECT_EQ(got.error().describe().find("in memory"), std::string::npos);
    full.reset();
    answer(200, R"({"access_token":"minted again","token_type":"Bearer","expires_in":3600})");
    EXPECT_EQ(text(fresh().value().connection.access_token), "minted again");
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
