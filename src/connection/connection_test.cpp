#include "connection/connection.hpp"

#include <fstream>
#include <functional>

#include "connection/connect_test_support.hpp"
#include "connection/record.hpp"
#include "connection/expiry.hpp"
#include "store/database.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;
using base::Instant;
using base::Secret;
using namespace std::chrono_literals;

Connection full() {
    Connection c;
    c.provider = "acme";
    c.name = "work";
    c.auth_type = provider::AuthType::oauth2;
    c.flow = provider::Flow::dcr_pkce;
    c.variables = {{"base_url", "https://acme.example"}};
    c.requested_scopes = {"read", "write"};
    c.granted_scopes = std::vector<std::string>{"read"};
    c.access_token = Secret("access-1");
    c.refresh_token = Secret("refresh-1");
    c.token_type = "Bearer";
    c.expires_at = Instant(1'800'000'003'600s);
    c.refresh_expires_at = Instant(1'900'000'000'000ms);
    c.refresh_end_fixed = true;
    c.obtained_at = Instant(1'800'000'000'000ms);
    c.fields.emplace("api_key", Secret("k\"\\\n\x01"));
    c.captured = {{"instance_url", "https://x.example"}};
    c.account = {"42", "Alice"};
    c.client_id = "client-1";
    c.issuer = "https://as.example";
    c.token_endpoint = "https://as.example/token";
    c.definition_digest = "d1";
    c.definition_fields = {{"/oauth/token_url", "https://as.example/token"}};
    c.login_needed = true;
    return c;
}

vault::Record record_of(const Connection& c, std::string id) {
    return {{"local", std::string(kConnectionKind), std::move(id)}, 7, Instant(1ms), Instant(2ms), serialize(c)};
}

TEST(Connection, every_member_survives_sealing) {
    const auto c = full();
    const auto read = deserialize(record_of(c, "acme/work"));
    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_TRUE(serialize(*read).equals(serialize(c)));
    EXPECT_EQ(read->version, 7U);
    EXPECT_EQ(read->created_at, Instant(1ms));
    EXPECT_TRUE(read->fields.at("api_key").equals("k\"\\\n\x01"));
    EXPECT_EQ(read->granted_scopes, c.granted_scopes);
    EXPECT_TRUE(read->login_needed);
    // "The server did not say" and "the server granted nothing" are different answers.
    auto silent = full();
    silent.granted_scopes.reset();
    EXPECT_EQ(deserialize(record_of(silent, "acme/work"))->scopes(), silent.requested_scopes);
    silent.granted_scopes.emplace();
    EXPECT_TRUE(deserialize(record_of(silent, "acme/work"))->scopes().empty());
}

TEST(Connection, the_documented_vector_is_what_is_written) {
    Connection c;
    c.provider = "acme";
    c.obtained_at = Instant(1'800'000'000'000ms);
    c.fields.emplace("api_key", Secret("sk_1234"));
    c.definition_digest = "d";
    std::ifstream in(std::string(CLAVIGER_SOURCE_DIR) + "/docs/formats/connection.md");
    const std::string page((std::istreambuf_iterator<char>(in)), {});
    EXPECT_NE(page.find("\n    " + std::string(serialize(c).reveal()) + "\n"), std::string::npos) << serialize(c).reveal();
}

TEST(Connection, damaged_newer_and_misplaced_records_are_told_apart) {
    const auto read = [](std::string_view text) {
        return deserialize({{"local", "connection", "acme/work"}, 1, {}, {}, Secret(text)}).error();
    };
    EXPECT_EQ(read("{").code, ErrorCode::corrupt);
    EXPECT_EQ(read("[]").code, ErrorCode::corrupt);
    EXPECT_EQ(read("{}").code, ErrorCode::corrupt);
    EXPECT_EQ(read(R"({"format":2})").code, ErrorCode::unsupported);
    EXPECT_EQ(read(R"({"format":1,"provider":"acme","name":"work","auth_type":"oauth9","flow":"pkce"})").code, ErrorCode::unsupported);
    EXPECT_EQ(read(R"({"format":1,"provider":7})").code, ErrorCode::corrupt);
    EXPECT_EQ(read(R"({"format":1,"provider":"acme","name":"work","auth_type":"oauth2","flow":"pkce","fields":{"a":1}})").code, ErrorCode::corrupt);
    EXPECT_EQ(read(R"({"format":1,"access_token":"canary-token")").describe().find("canary"), std::string::npos);
    EXPECT_EQ(deserialize(record_of(full(), "acme/other")).error().code, ErrorCode::corrupt);
}

TEST(Connection, status_is_derived) {
    const Instant now(1'800'000'000'000ms);
    struct Row { const char* digest; bool login_needed; std::optional<base::Duration> expires_in; Status status; };
    const Row rows[] = {
        {"d1", false, {}, Status::connected},     {"d1", false, 1ms, Status::connected}, {"d1", false, 0ms, Status::expired},
        {"d1", false, -1h, Status::expired},      {"d1", true, 1h, Status::needs_login}, {"d1", true, -1h, Status::needs_login},
        {"d2", true, -1h, Status::suspended},     {"d2", false, 1h, Status::suspended},
    };
    for (const auto& row : rows) {
        auto c = full();
        c.login_needed = row.login_needed;
        c.expires_at.reset();
        if (row.expires_in) c.expires_at = now + *row.expires_in;
        EXPECT_EQ(c.status(now, row.digest), row.status);
    }
}

TEST(Expiry, units_dates_defaults_and_absurd_numbers) {
    const Instant now(1'800'000'000'000ms);
    struct Row { std::optional<std::int64_t> in; const char *unit, *kind; std::optional<std::int64_t> fallback; std::optional<Instant> end; };
    const Row rows[] = {
        {3600, "seconds", "relative", {}, now + 1h},
        {3600, "milliseconds", "relative", {}, now + 3600ms},
        {60, "minutes", "relative", {}, now + 1h},
        {1'900'000'000, "seconds", "absolute", {}, Instant(1'900'000'000s)},
        {1'900'000'000'000, "milliseconds", "absolute", {}, Instant(1'900'000'000s)},
        {{}, "seconds", "relative", 600, now + 10min},
        {{}, "seconds", "relative", {}, {}},
        {{}, "seconds", "relative", 0, {}},
        {9'007'199'254'740'992, "seconds", "relative", {}, {}},
        {9'007'199'254'740'992, "days", "absolute", {}, {}},
    };
    for (const auto& row : rows) {
        oauth::TokenResponse token;
        token.expires_in = row.in;
        EXPECT_EQ(expiry_of(token, {row.unit, row.kind, row.fallback, {}}, now), row.end) << row.in.value_or(-1) << row.unit << row.kind;
    }
}

class ConnectionsTest : public ConnectTest {
protected:
    void save(const std::string& name) {
        auto c = full();
        c.name = name;
        ASSERT_TRUE(connections->save(c, 0));
    }
    void save_again(const std::string& name) {
        auto c = full();
        c.name = name;
        const auto saved = connections->save(c, std::nullopt);
        ASSERT_TRUE(saved) << saved.error().describe();
    }
    void damage(const char* sql) {
        auto database = store::Database::open(home / "vault.db", {});
        ASSERT_TRUE(database) << database.error().describe();
        ASSERT_TRUE(database->execute(sql));
    }
};

TEST_F(ConnectionsTest, the_first_becomes_the_default_and_a_new_default_is_chosen) {
    EXPECT_EQ(connections->default_name("acme").value(), "default");
    save("work");
    save("home");
    EXPECT_EQ(connections->default_name("acme").value(), "work");
    EXPECT_EQ(connections->load_default("acme")->name, "work");
    EXPECT_TRUE(connections->set_default("acme", "home"));
    EXPECT_EQ(connections->load_default("acme")->name, "home");
    EXPECT_EQ(connections->set_default("acme", "none").error().code, ErrorCode::not_connected);
    EXPECT_EQ(connections->names("acme").value(), (std::vector<std::string>{"home", "work"}));
    EXPECT_TRUE(connections->names("acm")->empty());
    EXPECT_EQ(connections->list()->size(), 2U);
    EXPECT_TRUE(connections->erase("acme", "home").value());
    EXPECT_EQ(connections->default_name("acme").value(), "work");
    EXPECT_FALSE(connections->erase("acme", "home").value());
    EXPECT_TRUE(connections->erase("acme", "work").value());
    EXPECT_EQ(connections->default_name("acme").value(), "default");
    const auto gone = connections->load("acme", "work");
    EXPECT_EQ(gone.error().code, ErrorCode::not_connected);
    EXPECT_EQ(gone.error().hint, "run: claviger login acme --connection work");
    save("home");  // also after an erasure it is created, not updated
    const auto all = events();
    EXPECT_EQ(all, (std::vector<std::string>{"connection.created acme/work", "connection.created acme/home", "default.set acme/home",
                                             "connection.erased acme/home", "default.set acme/work", "connection.erased acme/work",
                                             "connection.created acme/home"}));
}

TEST_F(ConnectionsTest, a_slow_writer_cannot_overwrite_a_newer_login) {
    save("work");
    auto slow = connections->load("acme", "work").value();
    auto login = connections->load("acme", "work").value();
    EXPECT_TRUE(connections->save(login, std::nullopt));
    EXPECT_EQ(connections->save(slow, slow.version).error().code, ErrorCode::changed);
    EXPECT_TRUE(connections->save(login, login.version));
}

TEST_F(ConnectionsTest, OA27_clients_belong_to_one_origin) {
    ClientRecord client;
    client.provider = "acme";
    client.origin = "https://a.example";
    client.client_id = "id-a";
    client.client_secret = Secret("secret-a");
    ASSERT_TRUE(connections->save_client(client));
    EXPECT_TRUE(connections->client("acme", "https://a.example")->has_value());
    EXPECT_FALSE(connections->client("acme", "https://b.example")->has_value());
    EXPECT_FALSE(connections->client("acme", "https://a.example:444")->has_value());
    EXPECT_FALSE(connections->client("acm", "https://a.example")->has_value());
    EXPECT_TRUE(connections->erase_client(client).value());
    EXPECT_FALSE(connections->client("acme", "https://a.example")->has_value());
}

TEST_F(ConnectionsTest, OA27_a_connection_keeps_the_client_that_it_was_made_with) {
    const auto client = [](const std::string& id, const std::string& secret = "s") {
        ClientRecord made;
        made.provider = "acme";
        made.origin = "https://as.example";
        made.client_id = id;
        made.client_secret = Secret(secret);
        return made;
    };
    const auto connect = [&](const std::string& name, const std::string& id, ClientUse use) {
        auto c = full();
        c.name = name;
        c.client_id = id;
        const auto record = client(id);
        const auto saved = connections->save(c, std::nullopt, {&record, 1}, use);
        ASSERT_TRUE(saved) << saved.error().describe();
    };
    const auto of = [&](const std::string& name) {
        const auto found = connections->client_of(connections->load("acme", name).value()).value();
        return found ? found->client_id + " " + std::string(found->client_secret.reveal()) : "-";
    };
    const auto chosen = [&] { return connections->client("acme", "https://as.example").value()->client_id; };
    connect("a", "one", ClientUse::new_logins);
    connect("b", "two", ClientUse::new_logins);
    EXPECT_EQ(chosen(), "two");
    EXPECT_EQ(of("a"), "one s");
    EXPECT_EQ(of("b"), "two s");
    connect("c", "three", ClientUse::this_connection);
    EXPECT_EQ(chosen(), "two") << "what is imported beside changes no login";
    EXPECT_EQ(of("c"), "three s");
    EXPECT_EQ(connections->count_clients("acme").value(), 3U);
    // A new secret is everybody's, wherever the client was kept.
    ASSERT_TRUE(connections->save_client(client("one", "new")));
    EXPECT_EQ(of("a"), "one new");
    EXPECT_EQ(of("b"), "two s");
    EXPECT_EQ(connections->count_clients("acme").value(), 3U);
    // What nobody uses goes: "four" was never used, "two" goes with its connection, "one" when its connection changes.
    ASSERT_TRUE(connections->save_client(client("four")));
    ASSERT_TRUE(connections->save_client(client("five")));
    EXPECT_EQ(connections->count_clients("acme").value(), 4U);
    ASSERT_TRUE(connections->erase("acme", "b").value());
    EXPECT_FALSE(connections->client("acme", "https://as.example", "two").value());
    connect("a", "three", ClientUse::this_connection);
    ASSERT_TRUE(connections->erase("acme", "c").value());
    EXPECT_EQ(of("a"), "three s") << "another one uses it";
    EXPECT_FALSE(connections->client("acme", "https://as.example", "one").value());
    EXPECT_TRUE(connections->erase_client(client("three")).value());
    EXPECT_EQ(of("a"), "-");
}

TEST_F(ConnectionsTest, CL08_names_are_checked) {
    for (const auto* name : {"", "..", "a/b", "A", "a b", "../x", "-x"}) {
        EXPECT_EQ(connections->find("acme", name).error().code, ErrorCode::usage) << name;
        EXPECT_FALSE(connections->erase("acme", name)) << name;
    }
}

TEST_F(ConnectionsTest, confirming_a_definition_pins_the_new_one) {
    save("work");
    auto c = connections->load("acme", "work").value();
    const auto definition = define(R"({"name":"acme","display_name":"Acme","auth_type":"api_key","flow":"api_key","api_url":"api.acme.example","api_key":{}})");
    EXPECT_EQ(c.status(clock.now(), provider::security_digest(definition)), Status::suspended);
    ASSERT_TRUE(connections->confirm_definition(c, definition));
    const auto again = connections->load("acme", "work").value();
    EXPECT_NE(again.status(clock.now(), provider::security_digest(definition)), Status::suspended);
    EXPECT_EQ(events().back(), "definition.confirmed acme/work");
}

TEST_F(ConnectionsTest, VA12_a_damaged_record_hides_no_other_and_a_login_mends_it) {
    for (const char* name : {"home", "play", "work"}) save(name);
    damage("UPDATE records SET sealed = zeroblob(length(sealed)) WHERE id = 'acme/play'");
    const auto listed = connections->list();
    ASSERT_TRUE(listed) << listed.error().describe();
    ASSERT_EQ(listed->size(), 3U);
    for (const auto& summary : *listed) {
        EXPECT_EQ(summary.provider, "acme");
        EXPECT_EQ(summary.problem.has_value(), summary.name == "play") << summary.name;
    }
    EXPECT_EQ(connections->load("acme", "work")->name, "work");
    EXPECT_EQ(connections->load("acme", "play").error().code, ErrorCode::corrupt);
    save_again("play");
    EXPECT_TRUE(connections->load("acme", "play"));
    // The record of the default too.
    damage("UPDATE records SET sealed = zeroblob(length(sealed)) WHERE kind = 'default'");
    EXPECT_EQ(connections->list()->size(), 3U);
    save_again("work");
    EXPECT_EQ(connections->default_name("acme").value(), "work");
    damage("UPDATE records SET sealed = zeroblob(length(sealed)) WHERE kind = 'default' OR id = 'acme/home'");
    EXPECT_TRUE(connections->erase("acme", "home").value()) << "a damaged one can be erased";
    EXPECT_EQ(connections->default_name("acme").value(), "play");
    EXPECT_EQ(connections->missing_records().value(), 0U);
    damage("DELETE FROM records WHERE id = 'acme/work'");
    EXPECT_EQ(connections->missing_records().value(), 1U);
}

TEST_F(ConnectionsTest, a_provider_goes_whole_with_its_journal_line_in_one_transaction) {
    save("work");
    save("home");
    ClientRecord client;
    client.provider = "acme";
    client.origin = "https://a.example";
    client.client_id = "id-a";
    ASSERT_TRUE(connections->save_client(client));
    const auto before = vault->status(false)->generation;
    EXPECT_EQ(connections->erase_provider("acme", vault::AuditEntry{"definition.removed", "acme"}).value(), 2U);
    EXPECT_EQ(vault->status(false)->generation, before + 1) << "one commit";
    EXPECT_TRUE(connections->list()->empty());
    EXPECT_EQ(connections->default_name("acme").value(), "default");
    EXPECT_FALSE(connections->client("acme", "https://a.example")->has_value());
    EXPECT_EQ(events().back(), "definition.removed acme");
    EXPECT_EQ(connections->erase_provider("acme", std::nullopt).value(), 0U);
}

TEST(PlainHttp, OA09_every_place_of_a_connection_counts) {
    EXPECT_FALSE(speaks_plain_http(Connection()));
    const std::string plain = "http://127.0.0.1:9/x";
    const std::function<void(Connection&)> places[] = {
        [&](Connection& c) { c.token_endpoint = plain; },
        [&](Connection& c) { c.revocation_endpoint = plain; },
        [&](Connection& c) { c.userinfo_endpoint = plain; },
        [&](Connection& c) { c.oauth_endpoints = {"https://acme.example/a", plain}; },
        [&](Connection& c) { c.variables["base_url"] = plain; },
    };
    for (const auto& put : places) {
        Connection connection;
        connection.token_endpoint = "https://acme.example/t";
        connection.variables["tenant"] = "http";
        EXPECT_FALSE(speaks_plain_http(connection));
        put(connection);
        EXPECT_TRUE(speaks_plain_http(connection)) << &put - places;
    }
    provider::ProviderDefinition definition;
    definition.docs_url = plain;  // no credential goes there
    EXPECT_FALSE(speaks_plain_http(definition));
    definition.api_urls = {"https://api.acme.example/", plain};
    EXPECT_TRUE(speaks_plain_http(definition));
    definition.api_urls.clear();
    definition.oauth2.emplace().token_url = plain;
    EXPECT_TRUE(speaks_plain_http(definition));
}

}  // namespace
}  // namespace claviger::connection::testing
