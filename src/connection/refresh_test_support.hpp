// What the tests of renewals share: a connection that was logged in at a scripted authorization server, and a Refresher.
#pragma once

#include "connection/connect_test_support.hpp"
#include "connection/record.hpp"
#include "connection/refresh.hpp"
#include "connection/refresh_aside.hpp"
#include "connection/refresh_state.hpp"
#include "provider/registry.hpp"

namespace claviger::connection::testing {

// A vault of its own on a loop of its own: what another thread or process would have.
struct Broker {
    Broker(const std::filesystem::path& home, const base::Clock& clock, base::Random& random)
        : registry(home / "providers") {
        vault::Vault::Options options;
        options.home = home;
        options.key_source.kind = vault::KeySourceKind::file;
        auto opened = vault::Vault::open(options, clock, random);
        if (!opened) throw std::runtime_error(opened.error().describe());
        vault.emplace(std::move(*opened));
        connections.emplace(*vault, std::string(vault::kLocalTenant), clock);
    }
    provider::Registry registry;
    std::optional<vault::Vault> vault;
    std::optional<Connections> connections;
};

class RefreshTest : public ConnectTest {
public:
    void stop_loop() { loop.stop(); }

protected:
    void SetUp() override {
        ConnectTest::SetUp();
        registry.emplace(home / "providers");
        answer_with_tokens();
    }

    // `oauth`: more members of the oauth block, with a comma before; `more`: of the definition, with a comma behind.
    provider::ProviderDefinition define_acme(const std::string& oauth = "", const std::string& more = "") {
        auto definition = define(fmt::format(R"({{"schema_version":1,"name":"acme","display_name":"Acme","auth_type":"oauth2",
            "flow":"pkce","api_url":"api.acme.example",{2}"oauth":{{"authorization_url":"{0}/authorize","token_url":"{0}/token",
            "scopes":["read"]{1}}}}})", server.origin(), oauth, more));
        EXPECT_TRUE(registry->store(definition, true));
        return definition;
    }
    // Logged in now; the access token lives for `life`.
    Connection connect_acme(const provider::ProviderDefinition& definition, std::chrono::seconds life = std::chrono::hours(1),
                            const std::string& name = "default") {
        Connection connection;
        connection.provider = "acme";
        connection.name = name;
        connection.auth_type = provider::AuthType::oauth2;
        connection.flow = definition.flow;
        connection.requested_scopes = {"read"};
        connection.access_token = base::Secret("access-0");
        connection.refresh_token = base::Secret("refresh-0");
        connection.obtained_at = clock.now();
        connection.expires_at = clock.now() + life;
        connection.client_id = "client-1";
        connection.token_endpoint = server.origin() + "/token";
        connection.definition_digest = provider::security_digest(definition);
        connection.definition_fields = provider::security_fields(definition);
        ClientRecord client;
        client.provider = "acme";
        client.origin = server.origin();
        client.client_id = "client-1";
        EXPECT_TRUE(connections->save(connection, std::nullopt, {&client, 1}));
        return connection;
    }
    // Each request gets the next pair of tokens; a refresh token is good once.
    void answer_with_tokens(int expires_in = 3600) {
        server.on("/token", [this, expires_in](const FakeServer::Seen& seen) {
            if (seen.form.at("refresh_token") != fmt::format("refresh-{}", issued))
                return FakeServer::json(400, R"({"error":"invalid_grant"})");
            return token_answer(expires_in);
        });
    }
    http::ServerResponse token_answer(int expires_in = 3600) {
        ++issued;
        return FakeServer::json(200, fmt::format(R"({{"access_token":"access-{0}","refresh_token":"refresh-{0}","token_type":"Bearer",
                                                   "expires_in":{1}}})", issued, expires_in));
    }
    void answer(int status, const std::string& body) { server.on("/token", status, body); }

    Refresher::Surroundings around(Broker* broker = nullptr) {
        return {loop,  broker != nullptr ? *broker->vault : *vault, broker != nullptr ? *broker->connections : *connections, *registry,
                clock, random, log, "", false, home, false, least_pause};
    }
    Refresher& refresher() {
        if (!refresher_) {
            auto made = Refresher::make(around());
            if (!made) throw std::runtime_error(made.error().describe());
            refresher_ = std::move(*made);
        }
        return *refresher_;
    }
    void forget_refresher() { refresher_.reset(); }
    base::Result<Fresh> fresh(Need need = Need::usable, std::string_view refused = "", const std::string& name = "default") {
        return loop.run_until(refresher().fresh("acme", name, need, base::Secret(refused)));
    }
    [[nodiscard]] std::size_t asked() const { return server.requests("/token").size(); }
    Connection stored(const std::string& name = "default") { return connections->load("acme", name).value(); }
    RefreshState state(const std::string& name = "default") {
        const auto record = vault->get({std::string(vault::kLocalTenant), std::string(kRefreshKind), "acme/" + name}).value();
        return record ? deserialize_refresh(*record).value() : RefreshState();
    }
    static std::string text(const base::Secret& secret) { return std::string(secret.reveal()); }

    FakeServer server{loop};
    std::optional<provider::Registry> registry;
    int issued = 0;
    std::chrono::milliseconds least_pause{10'000};

private:
    std::unique_ptr<Refresher> refresher_;
};

}  // namespace claviger::connection::testing
