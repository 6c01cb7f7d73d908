// Test only: stored connections of a made-up provider, a clock that the test moves, and a Refresher that counts what it is
// asked and does what the test says. Thread rule: on the Loop's thread.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "connection/refresh.hpp"
#include "connection/refresh_schedule.hpp"
#include "sys/scratch_directory.hpp"

namespace claviger::connection::testing {

class CountingRefresher final : public Refresher {
public:
    struct Asked { std::string name; Need need; std::string refused; };

    CountingRefresher(net::Loop& loop, Connections& connections, const base::Clock& clock) : loop_(loop), connections_(connections), clock_(clock) {}

    net::Task<base::Result<Fresh>> fresh(std::string provider, std::string name, Need need, base::Secret refused) override {
        asked.push_back({name, need, std::string(refused.reveal())});
        most_at_once = std::max(most_at_once, ++at_once);
        while (hold) co_await loop_.sleep(std::chrono::milliseconds(1));
        co_await loop_.sleep(std::chrono::milliseconds(1));
        --at_once;
        if (error) co_return base::fail(*error);
        auto connection = connections_.load(provider, name);
        if (!connection) co_return base::fail(connection.error());
        if (failing) co_return Fresh{std::move(*connection), Refreshed::failed, failing};
        connection->obtained_at = clock_.now();
        connection->expires_at = clock_.now() + life;
        connection->steps_at = clock_.now();
        connection->steps_end.reset();
        for (const auto& step : brings) connection->fields.insert_or_assign(step, base::Secret(step + " " + std::to_string(asked.size())));
        if (brings.empty() || need == Need::kept) connection->access_token = base::Secret("token " + std::to_string(++issued));
        if (disk_full) co_return Fresh{std::move(*connection), Refreshed::renewed, std::nullopt};
        auto saved = connections_.save(*connection, connection->version);
        if (!saved) co_return base::fail(saved.error());
        co_return Fresh{std::move(*connection), Refreshed::renewed, std::nullopt};
    }
    net::Task<bool> settle(std::chrono::milliseconds) override { co_return at_once == 0; }
    [[nodiscard]] std::optional<base::Instant> due(const Connection& connection, const provider::ProviderDefinition& definition) const override {
        return leave_alone ? std::nullopt : due_at(connection, definition);
    }

    std::vector<Asked> asked;
    int at_once = 0, most_at_once = 0, issued = 0;
    bool leave_alone = false, hold = false;
    bool disk_full = false;              // what is renewed is returned, but the vault keeps the old one
    base::Duration life = std::chrono::hours(1);
    std::vector<std::string> brings;     // steps, made anew without a new access token
    std::optional<base::Error> error;    // what every call ends with
    std::optional<base::Error> failing;  // the stored token is still valid: Refreshed::failed

private:
    net::Loop& loop_;
    Connections& connections_;
    const base::Clock& clock_;
};

struct StoredConnections : ::testing::Test {
    sys::ScratchDirectory scratch = sys::ScratchDirectory::in_memory();
    base::FakeClock clock;
    base::SystemRandom random;
    base::Log log;
    net::Loop loop;
    std::optional<vault::Vault> vault;
    std::optional<Connections> connections;
    std::optional<provider::Registry> registry;
    std::optional<CountingRefresher> refresher;

    void SetUp() override {
        vault::Vault::Options options;
        options.home = scratch / "home";
        options.key_source.kind = vault::KeySourceKind::file;
        auto opened = vault::Vault::open(options, clock, random);
        ASSERT_TRUE(opened) << opened.error().describe();
        vault.emplace(std::move(*opened));
        connections.emplace(*vault, std::string(vault::kLocalTenant), clock);
        registry.emplace(options.home / "providers");
        std::filesystem::create_directories(options.home / "providers");
        define();
        refresher.emplace(loop, *connections, clock);
    }
    void define(const std::string& more_of_oauth2 = "") const {
        std::ofstream(scratch / "home/providers/acme.json")
            << R"({"schema_version": 1, "name": "acme", "display_name": "Acme", "auth_type": "oauth2", "flow": "pkce", "api_url": "https://api.acme.com",
                   "oauth": {"authorization_url": "https://auth.acme.com/authorize", "token_url": "https://auth.acme.com/token")"
            << more_of_oauth2 << "}}";
    }
    [[nodiscard]] provider::ProviderDefinition definition() const { return registry->load("acme").value(); }

    Connection store(const std::string& name, std::optional<base::Duration> life) {
        Connection connection;
        connection.provider = "acme";
        connection.name = name;
        connection.auth_type = provider::AuthType::oauth2;
        connection.flow = provider::Flow::pkce;
        connection.access_token = base::Secret("token 0");
        connection.refresh_token = base::Secret("refresh 0");
        connection.token_endpoint = "https://auth.acme.com/token";
        connection.obtained_at = clock.now();
        if (life) connection.expires_at = clock.now() + *life;
        connection.definition_digest = provider::security_digest(definition());
        auto saved = connections->save(connection, 0);
        EXPECT_TRUE(saved) << saved.error().describe();
        return connection;
    }
    // Lets the loop go on until the condition holds; false when that takes too long.
    template <class Condition>
    bool eventually(Condition holds) {
        const auto end = net::in(std::chrono::seconds(60));
        while (!holds()) {
            if (std::chrono::steady_clock::now() > end) return false;
            loop.run_until(loop.sleep(std::chrono::milliseconds(1)));
        }
        return true;
    }
};

}  // namespace claviger::connection::testing
