#include "connection/connect_code_test_support.hpp"
#include "connection/service_discovery.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;

class Registered : public Code {
protected:
    Registered() {
        server.on("/.well-known/oauth-authorization-server", 200, server.metadata());
        server.on("/register", [this](const FakeServer::Seen&) {
            return FakeServer::json(201, fmt::format(R"({{"client_id":"dyn-{}","client_secret":"dyn-secret",
                "token_endpoint_auth_method":"client_secret_basic","registration_access_token":"rat",
                "registration_client_uri":"{}/register/1"}})", ++registered, server.origin()));
        });
    }
    provider::ProviderDefinition dynamic(const std::string& members = "") {
        return define(oauth(members.empty() ? fmt::format(R"("issuer":"{}","supports_dcr":true,"scopes":["read"])", server.origin()) : members, "dcr_pkce"));
    }
    void deny() {
        dialog.browser = [this](const Words& query) -> base::Result<AuthorizationResponse> {
            const auto client = connections->client("acme", server.origin()).value();
            known_meanwhile = client ? client->client_id : std::string();
            return AuthorizationResponse{{{"error", "access_denied"}, {"state", query.at("state")}}};
        };
    }
    std::string stored_client() {
        const auto client = connections->client("acme", server.origin()).value();
        return client ? client->client_id : std::string();
    }
    int registered = 0;
    std::string known_meanwhile;  // which client was stored while the human was away
};

TEST_F(Registered, RFC7592_a_client_of_a_denied_login_is_deleted) {
    server.on("/register/1", [](const FakeServer::Seen& seen) {
        EXPECT_EQ(seen.method, "DELETE");
        EXPECT_EQ(seen.authorization, "Bearer rat");
        return FakeServer::json(204, "");
    });
    deny();
    EXPECT_EQ(login(dynamic()).error().code, ErrorCode::authorization_failed);
    EXPECT_EQ(known_meanwhile, "dyn-1") << "a login that is killed here would leave a client that nobody knows";
    EXPECT_EQ(server.requests("/register/1").size(), 1U);
    EXPECT_EQ(stored_client(), "");
    EXPECT_EQ(events(), (std::vector<std::string>{"client.created acme", "client.erased acme"}));
}

TEST_F(Registered, OA16_a_client_that_cannot_be_deleted_is_used_by_the_next_login) {
    for (const int status : {405, 500}) {
        server.on("/register/1", status, "{}");
        deny();
        EXPECT_FALSE(login(dynamic()));
        EXPECT_EQ(stored_client(), "dyn-1") << status;
    }
    dialog.browser = {};
    ASSERT_TRUE(login(dynamic()));
    EXPECT_EQ(registered, 1);
    EXPECT_EQ(connections->load("acme", "default")->client_id, "dyn-1");
    EXPECT_EQ(server.requests("/register/1").size(), 1U);  // the second login registered nothing that it could take back
}

TEST_F(Registered, OA16_a_denied_login_takes_no_client_from_a_connection) {
    server.on("/register/1", 204, "");
    ASSERT_TRUE(login(dynamic()));
    deny();
    ConnectRequest force;
    force.force = true;
    EXPECT_FALSE(login(dynamic(), force));
    EXPECT_EQ(registered, 2);
    EXPECT_EQ(known_meanwhile, "dyn-1");
    EXPECT_EQ(stored_client(), "dyn-1");
    EXPECT_EQ(server.requests("/register/1").size(), 1U);
    dialog.browser = {};
    ASSERT_TRUE(login(dynamic(), force));
    EXPECT_EQ(stored_client(), "dyn-3");
    EXPECT_EQ(connections->load("acme", "default")->client_id, "dyn-3");
    EXPECT_EQ(server.requests("/register/1").size(), 2U) << "the client that nobody uses any more is deleted too";
}

TEST_F(Registered, RFC7592_a_displaced_client_of_another_connection_is_not_deleted) {
    server.on("/register/1", 204, "");
    ConnectRequest request;
    ASSERT_TRUE(login(dynamic(), request));
    request.connection_name = "work";
    request.new_client = true;
    ASSERT_TRUE(login(dynamic(), request));
    EXPECT_EQ(connections->load("acme", "work")->client_id, "dyn-2");
    EXPECT_TRUE(server.requests("/register/1").empty());
    request.connection_name = "default";
    request.force = true;
    ASSERT_TRUE(login(dynamic(), request));
    EXPECT_EQ(server.requests("/register/1").size(), 1U) << "the first one, once its last connection has another";
}

TEST_F(Registered, OA16_registers_by_discovery_and_uses_what_was_registered) {
    const auto outcome = login(dynamic());
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(dialog.forms.empty());
    const auto body = json::parse(server.requests("/register").at(0).body).value();
    EXPECT_EQ(json::to_text(*json::find(body.get_object(), "redirect_uris")), fmt::format("[\"{}\"]", kRedirectUri));
    EXPECT_EQ(server.requests("/token").at(0).authorization, "Basic " + base::base64_encode("dyn-1:dyn-secret"));
    const auto client = connections->client("acme", server.origin()).value();
    ASSERT_TRUE(client);
    EXPECT_TRUE(client->dynamically_registered);
    EXPECT_EQ(client->authentication, "client_secret_basic");
    EXPECT_TRUE(client->registration_access_token.equals("rat"));
    EXPECT_EQ(client->redirect_uri, kRedirectUri);
    // A second account uses the same client; a forced login of a shared one too.
    ConnectRequest second;
    second.connection_name = "work";
    ASSERT_TRUE(login(dynamic(), second));
    second.force = true;
    ASSERT_TRUE(login(dynamic(), second));
    EXPECT_EQ(registered, 1);
    ASSERT_TRUE(connections->erase("acme", "default"));
    ASSERT_TRUE(login(dynamic(), second));
    EXPECT_EQ(registered, 2);  // alone and forced: a fresh one, in case the server forgot the old
}

TEST_F(Registered, OA16_an_expired_client_secret_is_replaced) {
    server.on("/register", [this](const FakeServer::Seen&) {
        const auto end = std::chrono::duration_cast<std::chrono::seconds>(clock.now().time_since_epoch()).count() + 60;
        return FakeServer::json(201, fmt::format(R"({{"client_id":"dyn-{}","client_secret":"s","client_secret_expires_at":{}}})", ++registered, end));
    });
    ConnectRequest force;
    force.force = true;
    ConnectRequest second;
    second.connection_name = "work";
    ASSERT_TRUE(login(dynamic(), force));
    ASSERT_TRUE(login(dynamic(), second));
    EXPECT_EQ(registered, 1);
    clock.advance(std::chrono::minutes(2));
    second.connection_name = "late";
    ASSERT_TRUE(login(dynamic(), second));
    EXPECT_EQ(registered, 2);
}

TEST_F(Registered, OA08_OA16_a_redirecting_or_refusing_endpoint_ends_the_login) {
    server.on("/register", [this](const FakeServer::Seen&) {
        auto response = FakeServer::json(307, "");
        response.fields.set("Location", other.origin() + "/catch");
        return response;
    });
    EXPECT_FALSE(login(dynamic()));
    EXPECT_TRUE(other.seen.empty());
    server.on("/register", 400, R"({"error":"invalid_redirect_uri"})");
    const auto refused = login(dynamic());
    EXPECT_NE(refused.error().message.find("invalid_redirect_uri"), std::string::npos);
    EXPECT_TRUE(dialog.links.empty());
    EXPECT_TRUE(events().empty());
}

TEST_F(Registered, OA06_discovery_by_origin_by_path_and_its_refusals) {
    // Endpoints without an issuer: the origin of the authorization URL is asked for the registration endpoint.
    ASSERT_TRUE(login(dynamic(fmt::format(R"("authorization_url":"{0}/authorize","token_url":"{0}/token","supports_dcr":true)", server.origin()))));
    // An issuer with a path: inserted first, appended last.
    const auto issuer = server.origin() + "/tenant/a";
    server.on("/tenant/a/.well-known/openid-configuration", 200,
              fmt::format(R"({{"issuer":"{1}","authorization_endpoint":"{0}/authorize","token_endpoint":"{0}/token","registration_endpoint":"{0}/register"}})",
                          server.origin(), issuer));
    ConnectRequest request;
    request.force = true;
    const auto by_path = login(dynamic(fmt::format(R"("issuer":"{}")", issuer)), request);
    ASSERT_TRUE(by_path) << by_path.error().describe();
    EXPECT_EQ(connections->load("acme", "default")->issuer, issuer);
    // Another issuer in the document, another origin in a redirect.
    server.on("/.well-known/oauth-authorization-server", 200, R"({"issuer":"https://evil.example"})");
    EXPECT_EQ(login(dynamic(), request).error().code, ErrorCode::protocol);
    server.on("/.well-known/oauth-authorization-server", [this](const FakeServer::Seen&) {
        auto response = FakeServer::json(302, "");
        response.fields.set("Location", other.origin() + "/metadata");
        return response;
    });
    EXPECT_EQ(login(dynamic(), request).error().code, ErrorCode::protocol);
    EXPECT_TRUE(other.seen.empty());
}

TEST_F(Registered, OA07_OA21_a_protected_resource_names_its_server) {
    other.on("/.well-known/oauth-protected-resource/mcp", 200,
             fmt::format(R"({{"resource":"{}/mcp","authorization_servers":["{}"]}})", other.origin(), server.origin()));
    auto definition = dynamic(fmt::format(R"("issuer":"{0}","resource":"{0}/mcp","supports_dcr":true)", other.origin()));
    definition.oauth2->issuer.clear();  // the resource alone is known
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto resource = other.origin() + "/mcp";
    EXPECT_EQ(read_form(net::Url::parse(dialog.links.at(0))->query().value()).at("resource"), resource);
    EXPECT_EQ(server.requests("/token").at(0).form.at("resource"), resource);
    ConnectRequest force;
    force.force = true;
    other.on("/.well-known/oauth-protected-resource/mcp", 200,
             fmt::format(R"({{"resource":"https://evil.example/mcp","authorization_servers":["{}"]}})", server.origin()));
    EXPECT_EQ(login(definition, force).error().code, ErrorCode::protocol);
}

TEST_F(Registered, OA16_a_client_that_the_server_forgot_is_registered_anew_once) {
    ASSERT_TRUE(login(dynamic()));
    bool forgets_all = false;
    server.on("/token", [&](const FakeServer::Seen& seen) {
        const bool forgotten = forgets_all || seen.authorization == "Basic " + base::base64_encode("dyn-1:dyn-secret");
        return forgotten ? FakeServer::json(401, R"({"error":"invalid_client"})") : FakeServer::json(200, kTokens);
    });
    ConnectRequest work;
    work.connection_name = "work";
    const auto outcome = login(dynamic(), work);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_EQ(registered, 2);
    ASSERT_EQ(dialog.said.size(), 1U);
    EXPECT_NE(dialog.said[0].find("no longer knows the client"), std::string::npos) << dialog.said[0];
    ASSERT_EQ(dialog.links.size(), 3U);
    const auto second = read_form(net::Url::parse(dialog.links[1])->query().value()), third = read_form(net::Url::parse(dialog.links[2])->query().value());
    EXPECT_NE(second.at("state"), third.at("state"));
    EXPECT_NE(second.at("code_challenge"), third.at("code_challenge"));
    EXPECT_EQ(connections->load("acme", "work")->client_id, "dyn-2");
    EXPECT_EQ(connections->load("acme", "default")->client_id, "dyn-1");
    // A server that takes none is asked for one more, not for ever; what it registered is not kept.
    forgets_all = true;
    work.connection_name = "more";
    const auto refused = login(dynamic(), work);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::authorization_failed);
    EXPECT_EQ(registered, 3);
    EXPECT_EQ(dialog.links.size(), 5U);
    EXPECT_FALSE(connections->find("acme", "more")->has_value());
    // What else goes wrong registers nothing.
    server.on("/token", 400, R"({"error":"invalid_grant"})");
    EXPECT_FALSE(login(dynamic(), work));
    EXPECT_EQ(registered, 3);
}

TEST_F(Registered, OA16_a_client_that_is_refused_when_it_pushes_is_registered_anew) {
    server.on("/.well-known/oauth-authorization-server", 200,
              server.metadata(fmt::format(R"(,"require_pushed_authorization_requests":true,"pushed_authorization_request_endpoint":"{}/par")", server.origin())));
    std::string known = "dyn-1";
    server.on("/par", [&](const FakeServer::Seen& seen) {
        const bool good = seen.authorization == "Basic " + base::base64_encode(known + ":dyn-secret");
        return good ? FakeServer::json(201, R"({"request_uri":"urn:x","expires_in":60})") : FakeServer::json(401, R"({"error":"invalid_client"})");
    });
    dialog.browser = [&](const Words&) { return AuthorizationResponse{{{"code", "c"}}}; };
    ASSERT_TRUE(login(dynamic()));
    known = "dyn-2";
    ConnectRequest work;
    work.connection_name = "work";
    const auto outcome = login(dynamic(), work);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_EQ(connections->load("acme", "work")->client_id, "dyn-2");
    EXPECT_EQ(dialog.links.size(), 2U) << "nobody was sent away with the first client";
}

TEST_F(Registered, OA02_the_server_of_a_protected_resource_must_announce_S256) {
    other.on("/.well-known/oauth-protected-resource/mcp", 200,
             fmt::format(R"({{"resource":"{}/mcp","authorization_servers":["{}"]}})", other.origin(), server.origin()));
    auto definition = dynamic(fmt::format(R"("issuer":"{0}","resource":"{0}/mcp","supports_dcr":true)", other.origin()));
    definition.oauth2->issuer.clear();  // the resource alone is known
    const auto api = net::Url::parse(other.origin() + "/mcp").value();
    const auto discover = [&] { return loop.run_until(discover_service(*http, api, [](std::string_view) {})); };
    const auto announce = [&](const std::string& methods) {
        server.on("/.well-known/oauth-authorization-server", 200,
                  fmt::format(R"({{"issuer":"{0}","authorization_endpoint":"{0}/authorize","token_endpoint":"{0}/token","registration_endpoint":"{0}/register"{1}}})",
                              server.origin(), methods));
    };
    for (const auto* methods : {"", R"(,"code_challenge_methods_supported":[])", R"(,"code_challenge_methods_supported":["plain"])",
                                R"(,"code_challenge_methods_supported":"S256")", R"(,"code_challenge_methods_supported":["s256"])"}) {
        announce(methods);
        const auto by_login = login(definition);
        ASSERT_FALSE(by_login) << methods;
        EXPECT_EQ(by_login.error().code, ErrorCode::authorization_failed) << methods;
        const auto by_discovery = discover();
        ASSERT_FALSE(by_discovery) << methods;
        EXPECT_EQ(by_discovery.error().code, ErrorCode::authorization_failed) << methods;
        EXPECT_NE(by_discovery.error().message.find("S256"), std::string::npos) << by_discovery.error().message;
    }
    EXPECT_TRUE(dialog.links.empty());
    EXPECT_TRUE(server.requests("/register").empty());
    announce(R"(,"code_challenge_methods_supported":["plain","S256"])");
    EXPECT_TRUE(discover());
    EXPECT_TRUE(login(definition));
}

}  // namespace
}  // namespace claviger::connection::testing
