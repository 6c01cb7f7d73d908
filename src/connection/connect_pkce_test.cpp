#include "connection/connect_code_test_support.hpp"
#include "crypto/digest.hpp"
#include "store/database.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;

TEST_F(Code, OA01_OA15_the_whole_flow) {
    give_client(" client-1 ", "secret-1\n");
    bool stored_when_told = false;
    dialog.on_finished = [&] { stored_when_told = connections->find("acme", "default")->has_value(); };
    const auto outcome = login(plain());
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(stored_when_told);  // LB-14
    ASSERT_EQ(dialog.forms.size(), 1U);
    EXPECT_EQ(dialog.forms[0].redirect_uri, "http://127.0.0.1:7998/auth/callback/oauth");
    const auto query = read_form(net::Url::parse(dialog.links.at(0))->query().value());
    EXPECT_EQ(query.at("redirect_uri"), kRedirectUri);
    EXPECT_EQ(query.at("scope"), "read write");
    EXPECT_EQ(query.at("code_challenge_method"), "S256");
    EXPECT_EQ(query.at("state").size(), 43U);
    ASSERT_EQ(server.requests("/token").size(), 1U);
    const auto sent = server.requests("/token")[0].form;
    EXPECT_EQ(sent.at("grant_type"), "authorization_code");
    EXPECT_EQ(sent.at("code"), "code-for-client-1");
    EXPECT_EQ(sent.at("redirect_uri"), kRedirectUri);
    EXPECT_EQ(sent.at("client_secret"), "secret-1");
    EXPECT_EQ(sent.at("code_verifier").size(), 43U);
    EXPECT_EQ(crypto::s256_challenge(sent.at("code_verifier")), query.at("code_challenge"));
    const auto stored = connections->load("acme", "default").value();
    EXPECT_TRUE(stored.access_token.equals("at-1"));
    EXPECT_TRUE(stored.refresh_token.equals("rt-1"));
    EXPECT_EQ(stored.expires_at, clock.now() + std::chrono::hours(1));
    EXPECT_EQ(stored.client_id, "client-1");
    EXPECT_EQ(stored.token_endpoint, server.origin() + "/token");
    EXPECT_EQ(stored.scopes(), (std::vector<std::string>{"read", "write"}));
    EXPECT_TRUE(outcome->warnings.empty());
    EXPECT_EQ(events(), (std::vector<std::string>{"client.created acme", "connection.created acme/default"}));
}

TEST_F(Code, RF05_tokens_that_a_full_disk_cannot_take_are_kept_until_there_is_room) {
    give_client();
    std::optional<FullDisk> full;
    server.on("/token", [&](const FakeServer::Seen&) {
        full.emplace();
        return FakeServer::json(200, R"({"access_token":"at-1","refresh_token":"rt-1","expires_in":3600})");
    });
    dialog.on_say = [&] { full.reset(); };  // the human reads it and makes room
    const auto outcome = login(plain());
    ASSERT_TRUE(outcome) << outcome.error().describe();
    ASSERT_EQ(dialog.said.size(), 1U);
    EXPECT_NE(dialog.said[0].find("cannot be stored"), std::string::npos) << dialog.said[0];
    EXPECT_TRUE(connections->load("acme", "default").value().refresh_token.equals("rt-1"));
}

// Its tokens lie in the vault before the steps are asked, so whoever uses the connection may ask them at the same time.
TEST_F(Code, steps_that_a_program_asked_meanwhile_are_as_good_as_the_logins_own) {
    give_client();
    server.on("/step", [&](const FakeServer::Seen&) {
        auto used = connections->load("acme", "default").value();
        used.fields.insert_or_assign("session", base::Secret("of-the-program"));
        used.steps_at = clock.now();
        EXPECT_TRUE(connections->save(used, used.version));
        return FakeServer::json(200, R"({"access_token":"of-the-login"})");
    });
    const auto outcome = login(define(oauth(fmt::format(R"("authorization_url":"{0}/authorize","token_url":"{0}/token",
                                                           "steps":[{{"name":"session","url":"{0}/step"}}])", server.origin()))));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(outcome->warnings.empty()) << outcome->warnings[0];
    EXPECT_TRUE(outcome->connection.fields.at("session").equals("of-the-program"));
}

TEST_F(Code, client_credentials_are_asked_once_and_then_reused) {
    give_client();
    ASSERT_TRUE(login(plain()));
    ConnectRequest second;
    second.connection_name = "work";
    const auto outcome = login(plain(), second);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_EQ(dialog.forms.size(), 1U);
    EXPECT_EQ(server.requests("/token")[1].form.at("client_secret"), "secret-1");
    EXPECT_NE(server.requests("/token")[0].form.at("code_verifier"), server.requests("/token")[1].form.at("code_verifier"));
}

TEST_F(Code, OA27_another_base_url_needs_its_own_client_and_gets_no_foreign_secret) {
    const auto definition = multi_tenant();
    give_client("id-a", "secret-of-a");
    ASSERT_TRUE(login(definition));
    ConnectRequest request;
    request.connection_name = "b";
    request.base_url = other.origin() + "/";
    give_client("id-b", "secret-of-b");
    const auto outcome = login(definition, request);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_EQ(dialog.forms.size(), 2U);
    EXPECT_NE(dialog.forms[1].intro.find(other.origin()), std::string::npos);
    for (const auto& seen : other.seen) EXPECT_EQ((seen.body + seen.target + seen.authorization).find("secret-of-a"), std::string::npos);
    EXPECT_EQ(other.requests("/token").at(0).form.at("client_secret"), "secret-of-b");
    EXPECT_TRUE(dialog.links[1].starts_with(other.origin() + "/authorize"));
    EXPECT_EQ(connections->load("acme", "b")->variables.at("base_url"), other.origin());
    EXPECT_EQ(connections->load("acme", "b")->token_endpoint, other.origin() + "/token");
    // Later logins of that connection go there without being told again.
    ConnectRequest again;
    again.connection_name = "b";
    again.force = true;
    ASSERT_TRUE(login(definition, again));
    EXPECT_EQ(other.requests("/token").size(), 2U);
    for (const auto* bad : {"http://evil.example", "https://u:p@evil.example", "https://evil.example?x", "https://evil.example#x", "javascript:x"}) {
        ConnectRequest wrong;
        wrong.connection_name = "c";
        wrong.base_url = bad;
        EXPECT_FALSE(login(definition, wrong)) << bad;
    }
}

TEST_F(Code, OA02_pkce_is_off_only_where_the_definition_says_so_and_that_is_shown) {
    give_client();
    ASSERT_TRUE(login(plain(R"(,"pkce":false)")));
    EXPECT_EQ(dialog.links[0].find("code_challenge"), std::string::npos);
    EXPECT_EQ(server.requests("/token")[0].form.count("code_verifier"), 0U);
    ASSERT_FALSE(dialog.said.empty());
    EXPECT_NE(dialog.said[0].find("PKCE"), std::string::npos);
}

TEST_F(Code, OA02_metadata_without_S256_still_sends_it) {
    for (const auto* methods : {"", R"(,"code_challenge_methods_supported":[])", R"(,"code_challenge_methods_supported":["plain"])"}) {
        server.on("/.well-known/oauth-authorization-server", 200,
                  fmt::format(R"({{"issuer":"{0}","authorization_endpoint":"{0}/authorize","token_endpoint":"{0}/token"{1}}})", server.origin(), methods));
        if (dialog.forms.empty()) give_client();
        ConnectRequest force;
        force.force = true;
        const auto outcome = login(define(oauth(fmt::format(R"("issuer":"{}")", server.origin()))), force);
        ASSERT_TRUE(outcome) << outcome.error().describe();
        EXPECT_NE(dialog.links.back().find("code_challenge_method=S256"), std::string::npos);
    }
}

// A host that only the callback told: its client is a copy of the first one's.
TEST_F(Code, OA27_a_connection_is_never_stored_without_the_client_of_its_host) {
    const auto definition = define(fmt::format(R"({{"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce","api_url":"api.acme.example",
        "vars":{{"accounts_server":{{"default":"{0}","pattern":"http://127\\.0\\.0\\.1:[0-9]+"}}}},
        "oauth":{{"authorization_url":"{0}/authorize","token_url":"{{accounts_server}}/token","callback":{{"capture":["accounts-server"]}}}}}})", server.origin()));
    dialog.browser = [this](const Words& query) -> base::Result<AuthorizationResponse> {
        return AuthorizationResponse{{{"code", "c"}, {"state", query.at("state")}, {"accounts-server", other.origin()}}};
    };
    give_client();
    auto database = store::Database::open(home / "vault.db", {});
    ASSERT_TRUE(database) << database.error().describe();
    // The second client of one login cannot be written.
    ASSERT_TRUE(database->execute("CREATE UNIQUE INDEX fault ON records(kind) WHERE kind = 'client'"));
    EXPECT_FALSE(login(definition));
    EXPECT_EQ(server.requests("/token").size() + other.requests("/token").size(), 1U);
    EXPECT_FALSE(connections->find("acme", "default").value());
    EXPECT_FALSE(connections->client("acme", server.origin()).value());
    ASSERT_TRUE(database->execute("DROP INDEX fault"));
    give_client();
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto stored = connections->load("acme", "default").value();
    EXPECT_EQ(stored.token_endpoint, other.origin() + "/token");
    EXPECT_TRUE(connections->client_of(stored).value()->client_secret.equals("secret-1"));
    EXPECT_TRUE(connections->client("acme", server.origin()).value());
    ConnectRequest second;  // of a client that is stored already
    second.connection_name = "work";
    ASSERT_TRUE(connections->erase_client(*connections->client("acme", other.origin()).value()).value());
    ASSERT_TRUE(login(definition, second));
    EXPECT_TRUE(connections->client_of(connections->load("acme", "work").value()).value());
}

TEST_F(Code, scopes_from_the_request_win_and_fewer_granted_is_a_warning) {
    give_client();
    ConnectRequest request;
    request.scopes = std::vector<std::string>{"read", "admin:all", "offline_access"};
    server.on("/token", 200, R"({"access_token":"t","refresh_token":"r","scope":"read"})");
    const auto outcome = login(plain(), request);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->warnings, (std::vector<std::string>{"granted fewer scopes than requested: missing admin:all"}));
    const auto stored = connections->load("acme", "default").value();
    EXPECT_EQ(stored.scopes(), (std::vector<std::string>{"read"}));
    EXPECT_EQ(stored.requested_scopes, *request.scopes);
    // if-needed: what is granted satisfies, what is not needs a login.
    ConnectRequest same;
    same.if_needed = true;
    same.scopes = std::vector<std::string>{"read"};
    EXPECT_TRUE(login(plain(), same)->already_connected);
    same.scopes = std::vector<std::string>{"read", "write"};
    EXPECT_FALSE(login(plain(), same)->already_connected);
    for (const auto* bad : {"", "a b", "a\"b", "caf\xc3\xa9"}) {
        ConnectRequest wrong;
        wrong.connection_name = "other";
        wrong.scopes = std::vector<std::string>{bad};
        EXPECT_EQ(login(plain(), wrong).error().code, ErrorCode::usage) << bad;
    }
}

TEST_F(Code, OA12_LB14_a_refused_code_stores_nothing_and_is_told) {
    struct Row { int status; const char* body; ErrorCode code; };
    const Row rows[] = {
        {400, R"({"error":"invalid_grant"})", ErrorCode::authorization_failed}, {401, R"({"error":"invalid_client"})", ErrorCode::authorization_failed},
        {200, R"({"error":"x"})", ErrorCode::authorization_failed},              {200, "{}", ErrorCode::protocol},
        {200, "<html>", ErrorCode::protocol},                                     {500, "", ErrorCode::network},
    };
    for (const auto& row : rows) {
        give_client();
        server.on("/token", row.status, row.body);
        const auto outcome = login(plain());
        ASSERT_FALSE(outcome) << row.body;
        EXPECT_EQ(outcome.error().code, row.code) << row.body;
        ASSERT_FALSE(dialog.outcomes.empty());
        EXPECT_FALSE(dialog.outcomes.back());
        EXPECT_FALSE(connections->find("acme", "default")->has_value());
        EXPECT_FALSE(connections->client("acme", server.origin())->has_value());  // a wrong secret is not remembered
    }
    EXPECT_TRUE(events().empty());
}

TEST_F(Code, a_failed_forced_login_leaves_the_old_connection_alone) {
    give_client();
    ASSERT_TRUE(login(plain()));
    server.on("/token", 401, R"({"error":"invalid_client"})");
    ConnectRequest force;
    force.force = true;
    const auto outcome = login(plain(), force);
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().hint.find("claviger login acme --new-client"), std::string::npos);
    EXPECT_TRUE(connections->load("acme", "default")->access_token.equals("at-1"));
    // As the hint says: another client is asked for, and nothing else is lost.
    server.on("/token", 200, R"({"access_token":"at-2","token_type":"Bearer"})");
    force.new_client = true;
    dialog.queue = {{{"client_id", "client-2"}, {"client_secret", "secret-2"}}};
    const auto again = login(plain(), force);
    ASSERT_TRUE(again) << again.error().describe();
    const auto stored = connections->load("acme", "default").value();
    EXPECT_EQ(stored.client_id, "client-2");
    EXPECT_TRUE(connections->client_of(stored).value()->client_secret.equals("secret-2"));
}

TEST_F(Code, OA08_the_token_request_follows_no_redirect) {
    for (const int status : {301, 302, 303, 307, 308}) {
        give_client();
        server.on("/token", [&, status](const FakeServer::Seen&) {
            auto response = FakeServer::json(status, "{}");
            response.fields.set("Location", other.origin() + "/catch");
            return response;
        });
        EXPECT_EQ(login(plain()).error().code, ErrorCode::protocol) << status;
    }
    EXPECT_TRUE(other.seen.empty());
}

TEST_F(Code, OA10_an_endless_answer_is_cut_off) {
    give_client();
    server.on("/token", [](const FakeServer::Seen&) { return FakeServer::json(200, std::string(2 << 20, ' ') + kTokens); });
    EXPECT_FALSE(login(plain()));
}

TEST_F(Code, OA03_OA04_what_comes_back_is_checked) {
    server.on("/.well-known/oauth-authorization-server", 200,
              server.metadata(R"(,"authorization_response_iss_parameter_supported":true)"));
    // By what the metadata announces, or by what the definition remembers of it: that one asks for none.
    const auto discovering = define(oauth(fmt::format(R"("issuer":"{}")", server.origin())));
    const auto remembering = define(oauth(fmt::format(R"("issuer":"{0}","authorization_url":"{0}/authorize","token_url":"{0}/token","callback":{{"iss_required":true}})", server.origin())));
    struct Row { std::vector<std::pair<std::string, std::string>> parameters; bool good; };
    const Row rows[] = {
        {{{"code", "c"}}, false},
        {{{"code", "c"}, {"iss", "https://evil.example"}}, false},
        {{{"code", "c"}, {"code", "d"}, {"iss", server.origin()}}, false},
        {{{"error", "access_denied"}, {"iss", server.origin()}}, false},
        {{{"iss", server.origin()}}, false},
        {{{"code", "c"}, {"iss", server.origin()}}, true},
    };
    const auto metadata_requests = [&] { return server.requests("/.well-known/oauth-authorization-server").size(); };
    for (const auto* definition : {&discovering, &remembering}) {
        const auto asked = metadata_requests();
        for (const auto& row : rows) {
            give_client();
            dialog.browser = [&](const Words&) { return AuthorizationResponse{row.parameters}; };
            const auto before = server.requests("/token").size();
            ConnectRequest request;
            request.force = true;
            EXPECT_EQ(login(*definition, request).has_value(), row.good);
            EXPECT_EQ(server.requests("/token").size(), before + (row.good ? 1U : 0U));
        }
        EXPECT_EQ(connections->load("acme", "default")->issuer, server.origin());
        EXPECT_EQ(metadata_requests() > asked, definition == &discovering);
    }
}

TEST_F(Code, OA21_a_token_for_another_audience_is_flagged) {
    const auto warnings = [&](const std::string& asked, const std::string& claims) {
        give_client();
        server.on("/token", 200, fmt::format(R"({{"access_token":"e30.{}.c2ln","token_type":"bearer"}})", base::base64url_encode(claims)));
        ConnectRequest request;
        request.force = true;
        const auto outcome = login(plain(asked), request);
        EXPECT_TRUE(outcome) << outcome.error().describe();
        return outcome ? outcome->warnings : std::vector<std::string>();
    };
    constexpr const char* kResource = R"(,"resource":"https://api.acme.example/mcp")";
    constexpr const char* kBoth = R"(,"resource":"https://api.acme.example/mcp","audience":"urn:acme")";
    EXPECT_TRUE(warnings(kResource, R"({"aud":"https://api.acme.example/mcp"})").empty());
    EXPECT_TRUE(warnings(kBoth, R"({"aud":["urn:acme"]})").empty());
    EXPECT_TRUE(warnings("", R"({"aud":"https://other.example"})").empty());
    for (const auto* asked : {kResource, kBoth, R"(,"audience":"https://api.acme.example/mcp")"}) {
        const auto told = warnings(asked, R"({"aud":"https://other.example"})");
        ASSERT_EQ(told.size(), 1U) << asked;
        EXPECT_NE(told[0].find("'https://other.example', not for https://api.acme.example/mcp"), std::string::npos) << told[0];
    }
}

TEST_F(Code, OA05_two_flows_at_two_servers_are_not_crossed) {
    // Both run at once; each browser answers only after both have left for their servers.
    const auto one = plain();
    const auto two = [&] {
        auto definition = define(oauth(fmt::format(R"("authorization_url":"{0}/authorize","token_url":"{0}/token")", other.origin())));
        definition.name = "bravo";
        return definition;
    }();
    FakeDialog first, second;
    first.queue = {{{"client_id", "id-1"}, {"client_secret", "secret-1"}}};
    second.queue = {{{"client_id", "id-2"}, {"client_secret", "secret-2"}}};
    std::optional<base::Result<ConnectOutcome>> a, b;
    const auto run = [](Surroundings with, provider::ProviderDefinition definition,
                        std::optional<base::Result<ConnectOutcome>>& into) -> net::Task<void> {
        auto outcome = co_await connect(with, std::move(definition), {});
        into.emplace(std::move(outcome));
    };
    loop.spawn("a", run({loop, *http, *connections, first, random, log}, one, a));
    loop.spawn("b", run({loop, *http, *connections, second, random, log}, two, b));
    while (!a || !b) loop.run_until(loop.sleep(std::chrono::milliseconds(1)));
    ASSERT_TRUE(*a && *b);
    const auto text_of = [](const FakeServer& at) {
        std::string text;
        for (const auto& seen : at.seen) text += seen.target + seen.body + seen.authorization;
        return text;
    };
    EXPECT_EQ(text_of(server).find("secret-2"), std::string::npos);
    EXPECT_EQ(text_of(server).find("code-for-id-2"), std::string::npos);
    EXPECT_EQ(text_of(other).find("secret-1"), std::string::npos);
    EXPECT_EQ(text_of(other).find("code-for-id-1"), std::string::npos);
    EXPECT_TRUE(connections->load("bravo", "default")->access_token.equals("at-other"));
}

TEST_F(Code, quirks_are_data) {
    give_client();
    server.on("/token", 200, R"({"ok":true,"data":{"token":"t-quirk","ttl":60000},"instance_url":"https://x.example"})");
    dialog.browser = [](const Words& query) {
        return AuthorizationResponse{{{"auth_code", "c"}, {"state", query.at("state")}, {"realmId", "42"}}};
    };
    const auto outcome = login(plain(R"(,"token_auth_method":"client_secret_basic","token_content_type":"json",
        "token_params":{"extra":"1"},"token_headers":{"X-Version":"2"},"authorization_params":{"prompt":"consent"},"audience":"https://api.acme.example",
        "callback":{"code_param":"auth_code","capture":["realmId"]},"expires":{"unit":"milliseconds"},
        "response":{"access_token":["/data/token"],"expires":["/data/ttl"],"capture":["instance_url"]})"));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto seen = server.requests("/token").at(0);
    EXPECT_EQ(seen.type, "application/json");
    EXPECT_EQ(seen.authorization, "Basic " + base::base64_encode("client-1:secret-1"));
    EXPECT_EQ(seen.body.find("secret-1"), std::string::npos);
    EXPECT_NE(dialog.links[0].find("&prompt=consent&audience=https%3A%2F%2Fapi.acme.example"), std::string::npos);
    const auto stored = connections->load("acme", "default").value();
    EXPECT_TRUE(stored.access_token.equals("t-quirk"));
    EXPECT_EQ(stored.expires_at, clock.now() + std::chrono::minutes(1));
    EXPECT_EQ(stored.captured.at("realmId"), "42");
    EXPECT_EQ(stored.captured.at("instance_url"), "https://x.example");
}

// OA-02: PKCE stays as the definition has it. Nothing comes back, so the browser is not waited for.
TEST_F(Code, a_code_that_does_not_come_back_is_asked_for) {
    give_client();
    for (const auto* typed : {"", "  ", " code-of-the-webhook\n"}) dialog.queue.push_back({{"code", typed}});
    const auto outcome = login(plain(R"(,"callback":{"code_entry":true})"));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(dialog.links.empty());
    EXPECT_EQ(dialog.complaints.size(), 2U);  // empty is none
    ASSERT_EQ(dialog.forms.size(), 2U);
    const auto& form = dialog.forms[1];
    ASSERT_EQ(form.fields.size(), 1U);
    EXPECT_TRUE(form.fields[0].secret);
    ASSERT_EQ(form.guide.steps.size(), 1U);
    const auto link = net::Url::parse(form.guide.steps[0].url);
    ASSERT_TRUE(link);
    EXPECT_TRUE(link->text().starts_with(server.origin() + "/authorize?"));
    const auto query = read_form(link->query().value());
    ASSERT_EQ(server.requests("/token").size(), 1U);
    const auto sent = server.requests("/token")[0].form;
    EXPECT_EQ(sent.at("code"), "code-of-the-webhook");
    EXPECT_EQ(sent.at("redirect_uri"), kRedirectUri);
    EXPECT_EQ(crypto::s256_challenge(sent.at("code_verifier")), query.at("code_challenge"));
    EXPECT_TRUE(connections->load("acme", "default")->access_token.equals("at-1"));
}

TEST_F(Code, client_fields_are_those_that_the_definition_needs) {
    dialog.queue = {{{"client_id", "id"}}};
    ASSERT_TRUE(login(plain(R"(,"token_auth_method":"none")")));
    EXPECT_EQ(dialog.forms[0].fields.size(), 1U);
    EXPECT_EQ(server.requests("/token")[0].form.count("client_secret"), 0U);
    ASSERT_TRUE(connections->erase("acme", "default"));
    ASSERT_TRUE(connections->erase_client(*connections->client("acme", server.origin()).value()));
    dialog.queue = {{{"client_id", "id"}, {"client_secret", ""}}, {{"client_id", "caf\xc3\xa9"}, {"client_secret", "s"}},
                    {{"client_id", "id"}, {"client_secret", "s"}}};
    ASSERT_TRUE(login(plain(R"(,"client_secret_required":true)")));
    EXPECT_EQ(dialog.complaints.size(), 2U);
}

}  // namespace
}  // namespace claviger::connection::testing
