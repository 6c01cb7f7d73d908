// Renewals as a program, for tests that kill, race and starve them from outside. Never installed.
//   refresh_tool <home> connect <token URL> <refresh token> [rotation [grace]] | expire | fresh [n threads] | show
// `connect`: a connection acme/default whose access token has expired. `expire`: the same of the one that is there.
// `fresh`: one call, or one in each of n threads, each with a vault and a loop of its own; a line each: how and token, or
// the error. `show`: what lies in the vault. Exit code: 0, or 10 + the number of the (last) error's code.
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "connection/refresh.hpp"
#include "provider/read.hpp"

namespace {

using namespace claviger;
using base::Result;
using connection::Fresh;

const char* how(connection::Refreshed refreshed) {
    switch (refreshed) {
        case connection::Refreshed::not_due: return "not_due";
        case connection::Refreshed::renewed: return "renewed";
        case connection::Refreshed::by_another: return "by_another";
        case connection::Refreshed::failed: return "failed";
    }
    return "?";
}

Result<vault::Vault> open_vault(const std::filesystem::path& home, const base::Clock& clock, base::Random& random) {
    vault::Vault::Options options;
    options.home = home;
    options.key_source.kind = vault::KeySourceKind::file;
    return vault::Vault::open(options, clock, random);
}

// Everything that one thread has of its own.
struct Broker {
    Broker(std::filesystem::path where, vault::Vault opened)
        : home(std::move(where)), vault(std::move(opened)), registry(home / "providers"), connections(vault, std::string(vault::kLocalTenant), clock) {}
    static Result<std::unique_ptr<Broker>> open(const std::filesystem::path& home) {
        base::SystemClock clock;
        base::SystemRandom random;
        TRY(checked, open_vault(home, clock, random));
        // The vault keeps references to clock and randomness: they live here.
        auto broker = std::make_unique<Broker>(home, std::move(checked));
        TRY(own, open_vault(home, broker->clock, broker->random));
        broker->vault = std::move(own);
        return broker;
    }
    std::filesystem::path home;
    base::SystemClock clock{};
    base::SystemRandom random{};
    base::Log log{std::getenv("CLAVIGER_TEST_LOG") != nullptr ? 2 : -1, base::LogLevel::debug};
    vault::Vault vault;
    provider::Registry registry;
    connection::Connections connections;
    net::Loop loop{};
};

Result<void> connect(Broker& broker, const std::string& url, const std::string& refresh_token, const std::string& rotation,
                     const std::string& grace) {
    auto read = provider::read_definition(fmt::format(
        R"({{"schema_version":1,"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce","api_url":"api.acme.example",
            "oauth":{{"authorization_url":"{0}","token_url":"{0}","refresh":{{"rotation":"{1}"{2}}}}}}})", url, rotation,
        grace.empty() ? "" : fmt::format(R"(,"grace_seconds":{})", grace)));
    if (!read.ok()) return base::fail(base::ErrorCode::invalid_input, provider::format_findings(read.findings, "acme"));
    const auto& definition = read.definitions.front();
    TRY_VOID(broker.registry.store(definition, true));
    connection::Connection made;
    made.provider = "acme";
    made.auth_type = definition.auth_type;
    made.flow = definition.flow;
    made.access_token = base::Secret("access-of-" + refresh_token);
    made.refresh_token = base::Secret(refresh_token);
    made.obtained_at = broker.clock.now() - std::chrono::hours(2);
    made.expires_at = broker.clock.now() - std::chrono::hours(1);
    made.client_id = "client-1";
    made.token_endpoint = url;
    made.definition_digest = provider::security_digest(definition);
    made.definition_fields = provider::security_fields(definition);
    TRY(endpoint, net::Url::parse(url));
    connection::ClientRecord client;
    client.provider = "acme";
    client.origin = endpoint.origin();
    client.client_id = "client-1";
    return broker.connections.save(made, std::nullopt, {&client, 1});
}

Result<void> expire(Broker& broker) {
    TRY(now, broker.connections.load("acme", "default"));
    now.obtained_at = broker.clock.now() - std::chrono::hours(2);
    now.expires_at = broker.clock.now() - std::chrono::hours(1);
    return broker.connections.save(now, now.version);
}

Result<void> show(Broker& broker) {
    TRY(now, broker.connections.load("acme", "default"));
    TRY(status, broker.vault.status(true));
    fmt::print("{} {} {} {}\n", now.access_token.reveal(), now.refresh_token.reveal(), now.login_needed ? now.login_reason : "usable",
               status.integrity_ok && status.seals_ok && status.faults.empty() ? "whole" : "damaged");
    return {};
}

Result<Fresh> fresh(const std::filesystem::path& home) {
    TRY(broker, Broker::open(home));
    connection::Refresher::Surroundings with{broker->loop, broker->vault, broker->connections, broker->registry, broker->clock, broker->random,
                                             broker->log, "", false, home};
    TRY(refresher, connection::Refresher::make(std::move(with)));
    auto result = broker->loop.run_until(refresher->fresh("acme", "default", connection::Need::usable, base::Secret()));
    broker->loop.run_until(refresher->settle(std::chrono::seconds(10)));
    return result;
}

Result<void> fresh_in(const std::filesystem::path& home, int threads) {
    std::mutex mutex;
    Result<void> last;
    const auto one = [&] {
        auto got = fresh(home);
        const std::lock_guard lock(mutex);
        if (!got) {
            fmt::print("{} {}\n", base::to_string(got.error().code), got.error().describe());
            last = base::fail(got.error());
        } else {
            fmt::print("{} {}\n", how(got->how), got->connection.access_token.reveal());
        }
    };
    if (threads == 1) {
        one();
        return last;
    }
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) all.emplace_back(one);
    for (auto& thread : all) thread.join();
    return last;
}

Result<void> run(const std::vector<std::string>& words) {
    const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
    const std::filesystem::path home = word(0);
    if (word(1) == "fresh") return fresh_in(home, word(2).empty() ? 1 : std::stoi(word(2)));
    TRY(broker, Broker::open(home));
    if (word(1) == "connect") return connect(*broker, word(2), word(3), word(4).empty() ? "auto" : word(4), word(5));
    if (word(1) == "expire") return expire(*broker);
    if (word(1) == "show") return show(*broker);
    return base::fail(base::ErrorCode::usage, "unknown command");
}

}  // namespace

int main(int argc, char** argv) {
    const auto done = run(std::vector<std::string>(argv + 1, argv + argc));
    std::fflush(stdout);
    if (done) return 0;
    fmt::print(stderr, "{}: {} ({})\n", base::to_string(done.error().code), done.error().describe(), done.error().hint);
    return 10 + static_cast<int>(done.error().code);
}
