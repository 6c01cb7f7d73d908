// Logins that sign: client assertions (OA-14, OA-26), pushed requests (OA-24), DPoP (OA-22), ID tokens (OA-31).
#include <array>

#include "connection/client_of.hpp"
#include "connection/connect_code_test_support.hpp"
#include "crypto/digest.hpp"
#include "crypto/jwk.hpp"
#include "crypto/jws.hpp"
#include "oauth/dpop.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;
using crypto::Jwk;
using crypto::SignatureAlgorithm;

constexpr std::array kAll{SignatureAlgorithm::es256, SignatureAlgorithm::hs256};

class Proof : public Code {
protected:
    provider::ProviderDefinition by(const std::string& method, const std::string& more = "") {
        return plain(fmt::format(R"(,"token_auth_method":"{}"{})", method, more));
    }
    json::Object claims_of(const std::string& token, const Jwk& signer) {
        const auto jws = crypto::read_jws(token).value();
        EXPECT_TRUE(crypto::verify_jws(jws, signer, kAll));
        return json::parse(jws.payload).value().get_object();
    }
    // An OpenID server with one key, whose ID token a test can change.
    provider::ProviderDefinition openid() {
        server.on("/.well-known/openid-configuration", 200,
                  server.metadata(fmt::format(R"(,"jwks_uri":"{}/jwks")", server.origin())));
        auto members = key.public_members();
        members["kid"] = "k1";
        server.on("/jwks", 200, json::to_text(json::Value(json::Object{{"keys", json::Array{members}}})));
        server.on("/token", [this](const FakeServer::Seen&) {
            const auto query = read_form(net::Url::parse(dialog.links.back())->query().value());
            const auto now = clock.now().time_since_epoch().count() / 1000;
            json::Object claims{{"iss", server.origin()}, {"sub", "u-1"}, {"aud", "client-1"}, {"iat", now}, {"exp", now + 60}, {"email", "a@b.example"}};
            if (query.contains("nonce")) claims["nonce"] = nonce.empty() ? query.at("nonce") : nonce;
            const auto token = crypto::sign_jws(key, SignatureAlgorithm::es256, {{"kid", "k1"}}, json::to_text(json::Value(claims)));
            return FakeServer::json(200, fmt::format(R"({{"access_token":"at","token_type":"bearer","id_token":"{}"}})", token->reveal()));
        });
        return define(oauth(fmt::format(R"("issuer":"{}","scopes":["openid"])", server.origin())));
    }
    Jwk key = Jwk::generate_p256().value();
    std::string nonce;
};

TEST_F(Proof, OA26_private_key_jwt_asks_for_the_key_and_signs_with_it) {
    const std::string text(key.private_json()->reveal());
    dialog.queue = {{{"client_id", "client-1"}, {"private_key", "hunter2"}},
                    {{"client_id", "client-1"}, {"private_key", json::to_text(json::Value(key.public_members()))}},
                    {{"client_id", "client-1"}, {"private_key", " " + text + "\n"}, {"key_id", "k-7"}}};
    const auto outcome = login(by("private_key_jwt"));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    ASSERT_EQ(dialog.complaints.size(), 2U);
    EXPECT_NE(dialog.complaints[0].at("private_key").find("no private key"), std::string::npos);
    EXPECT_NE(dialog.complaints[1].at("private_key").find("no private part"), std::string::npos);
    const auto sent = server.requests("/token").at(0);
    EXPECT_EQ(sent.form.count("client_secret"), 0U);
    EXPECT_EQ(sent.authorization, "");
    const auto claims = claims_of(sent.form.at("client_assertion"), key);
    EXPECT_EQ(json::string_at(claims, "aud"), server.origin() + "/token");  // no issuer is known
    EXPECT_EQ(crypto::read_jws(sent.form.at("client_assertion"))->key_id, "k-7");
    // It is kept, and what refreshes later can sign with it.
    const auto stored = connections->client("acme", server.origin()).value().value();
    const auto client = client_of(stored, by("private_key_jwt"), outcome->connection).value();
    EXPECT_TRUE(client.private_key.equals(text));
    EXPECT_EQ(client.assertion.key_id, "k-7");
    EXPECT_EQ(client.authentication, oauth::ClientAuthentication::private_key_jwt);
}

TEST_F(Proof, OA26_texts_of_an_assertion_are_filled_in) {
    const std::string text(key.private_json()->reveal());
    dialog.queue = {{{"client_id", "client-1"}, {"private_key", text}}};
    const std::string rule = R"(,"token_auth_method":"private_key_jwt","client_assertion":{"key_id":"key-of-{{client_id}}","issuer":"{{tenant}}",
        "subject":"{{client_id}}@{{tenant}}","audience":"https://{tenant}.example/token","claims":{"team":"{{tenant}}-team"}})";
    const auto outcome = login(with_tenant(oauth(fmt::format(R"("authorization_url":"{0}/authorize","token_url":"{0}/token")", server.origin()) + rule), "t7"));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto assertion = server.requests("/token").at(0).form.at("client_assertion");
    EXPECT_EQ(crypto::read_jws(assertion)->key_id, "key-of-client-1");
    const auto claims = claims_of(assertion, key);
    for (const auto& [name, value] : Words{{"iss", "t7"}, {"sub", "client-1@t7"}, {"aud", "https://t7.example/token"}, {"team", "t7-team"}})
        EXPECT_EQ(json::string_at(claims, name), value) << name;
}

TEST_F(Proof, OA26_the_issuer_is_the_audience_where_it_is_known) {
    server.on("/.well-known/oauth-authorization-server", 200, server.metadata());
    give_client("client-1", "the shared secret of this client");
    const auto outcome = login(define(oauth(fmt::format(R"("issuer":"{}","token_auth_method":"client_secret_jwt")", server.origin()))));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto sent = server.requests("/token").at(0);
    EXPECT_EQ(sent.body.find("shared"), std::string::npos);
    const auto claims = claims_of(sent.form.at("client_assertion"), Jwk::shared_secret("the shared secret of this client").value());
    EXPECT_EQ(json::string_at(claims, "aud"), server.origin());
}

TEST_F(Proof, OA14_a_client_without_what_its_method_needs_is_told_before_anything_is_sent) {
    give_client();
    ASSERT_TRUE(login(plain()));
    ConnectRequest force;
    force.force = true;
    const auto refused = login(by("private_key_jwt"), force);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("no private key"), std::string::npos) << refused.error().message;
    EXPECT_NE(refused.error().hint.find("claviger login acme --new-client"), std::string::npos);
    EXPECT_EQ(server.requests("/token").size(), 1U);
}

TEST_F(Proof, OA16_a_server_that_wants_keys_gets_the_public_one_registered) {
    server.on("/.well-known/oauth-authorization-server", 200, server.metadata(R"(,"token_endpoint_auth_methods_supported":["private_key_jwt","tls_client_auth"])"));
    server.on("/register", 201, R"({"client_id":"registered","token_endpoint_auth_method":"private_key_jwt"})");
    const auto definition = define(oauth(fmt::format(R"("issuer":"{}")", server.origin()), "dcr_pkce"));
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto asked = json::parse(server.requests("/register").at(0).body).value().get_object();
    EXPECT_EQ(json::string_at(asked, "token_endpoint_auth_method"), "private_key_jwt");
    const auto& published = json::object_at(asked, "jwks")->at("keys").as_array().at(0).as_object();
    EXPECT_FALSE(published.contains("d"));
    const auto assertion = server.requests("/token").at(0).form.at("client_assertion");
    claims_of(assertion, Jwk::from_json(published).value());
    EXPECT_EQ(crypto::read_jws(assertion)->key_id, json::string_at(published, "kid"));
    ConnectRequest second;  // the key is the client's, and kept with it
    second.connection_name = "work";
    ASSERT_TRUE(login(definition, second));
    EXPECT_EQ(server.requests("/register").size(), 1U);
    claims_of(server.requests("/token").at(1).form.at("client_assertion"), Jwk::from_json(published).value());
}

TEST_F(Proof, OA31_the_grant_is_stored_before_the_keys_of_its_id_token_are_fetched) {
    const auto definition = openid();
    give_client();
    bool stored = false;
    server.on("/jwks", [&](const FakeServer::Seen&) {
        const auto there = connections->load("acme", "default");
        stored = there && there->access_token.equals("at");
        auto members = key.public_members();
        members["kid"] = "k1";
        return FakeServer::json(200, json::to_text(json::Value(json::Object{{"keys", json::Array{members}}})));
    });
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(stored) << "an interruption here would lose the grant";
    EXPECT_TRUE(outcome->id_claims);
}

TEST_F(Proof, OA24_the_browser_carries_a_reference_where_the_request_is_pushed) {
    int pushed = 0;
    server.on("/par", [&](const FakeServer::Seen&) {
        return FakeServer::json(201, fmt::format(R"({{"request_uri":"urn:x:{}","expires_in":60}})", ++pushed));
    });
    give_client();
    dialog.browser = [this](const Words&) -> base::Result<AuthorizationResponse> {
        const auto form = server.requests("/par").back().form;
        return AuthorizationResponse{{{"code", "c"}, {"state", form.at("state")}}};
    };
    auto definition = plain(R"(,"authorization_params":{"prompt":"consent"})");
    definition.oauth2->pushed_authorization_url = server.origin() + "/par";
    ASSERT_TRUE(login(definition));
    EXPECT_EQ(dialog.links.at(0), server.origin() + "/authorize?client_id=client-1&request_uri=urn%3Ax%3A1");
    const auto form = server.requests("/par").at(0).form;
    EXPECT_EQ(form.at("client_secret"), "secret-1");
    EXPECT_EQ(form.at("scope"), "read write");
    EXPECT_EQ(form.at("prompt"), "consent");
    EXPECT_EQ(form.at("code_challenge_method"), "S256");
    EXPECT_EQ(form.at("redirect_uri"), kRedirectUri);
    ConnectRequest force;
    force.force = true;
    ASSERT_TRUE(login(definition, force));
    EXPECT_TRUE(dialog.links.at(1).ends_with("request_uri=urn%3Ax%3A2"));  // single use
}

TEST_F(Proof, OA24_a_client_id_of_another_name_is_pushed_once) {
    server.on("/par", 201, R"({"request_uri":"urn:x:1","expires_in":60})");
    give_client();
    dialog.browser = [this](const Words&) -> base::Result<AuthorizationResponse> {
        return AuthorizationResponse{{{"code", "c"}, {"state", server.requests("/par").back().form.at("state")}}};
    };
    auto definition = plain(R"(,"rename":{"authorize":{"client_id":"app"}})");
    definition.oauth2->pushed_authorization_url = server.origin() + "/par";
    const auto done = login(definition);
    ASSERT_TRUE(done) << done.error().describe();
    EXPECT_EQ(dialog.links.at(0), server.origin() + "/authorize?app=client-1&request_uri=urn%3Ax%3A1");
    const auto pushed = server.requests("/par").at(0);
    EXPECT_EQ(pushed.form.at("app"), "client-1");
    EXPECT_FALSE(pushed.form.contains("client_id"));
    EXPECT_EQ(pushed.body.find("client-1"), pushed.body.rfind("client-1")) << pushed.body;
}

TEST_F(Proof, OA24_it_is_pushed_with_the_habits_of_the_token_endpoint) {
    server.on("/par", 201, R"({"request_uri":"urn:x:1","expires_in":60})");
    dialog.browser = [this](const Words&) -> base::Result<AuthorizationResponse> {
        return AuthorizationResponse{{{"code", "c"}, {"state", server.requests("/par").back().form.at("state")}}};
    };
    // The secret signs and is sent nowhere.
    auto definition = plain(R"(,"rename":{"token":{"client_secret":"","redirect_uri":"back","client_id":"not_here"}},
        "token_signature":{"key":"{{client_secret}}","message":"{{request.body}}","headers":{"X-Sender":"{{request.signature}}"}})");
    definition.oauth2->pushed_authorization_url = server.origin() + "/par";
    give_client();
    auto done = login(definition);
    ASSERT_TRUE(done) << done.error().describe();
    const auto signed_one = server.requests("/par").at(0);
    EXPECT_EQ(signed_one.body.find("secret-1"), std::string::npos) << signed_one.body;
    EXPECT_EQ(signed_one.sender, base::hex_encode(crypto::hmac_sha256("secret-1", signed_one.body)));
    EXPECT_EQ(signed_one.form.at("client_id"), "client-1") << "as the authorization request names it";
    EXPECT_EQ(signed_one.form.at("redirect_uri"), kRedirectUri);
    // Basic as the definition writes it, a header, and JSON only at the token endpoint.
    auto basic = plain(R"(,"token_auth_method":"client_secret_basic","basic":{"username":"{{client_secret}}"},"token_headers":{"X-Sender":"app {{client_id}}"},"token_content_type":"json")");
    basic.oauth2->pushed_authorization_url = server.origin() + "/par";
    give_client();
    ConnectRequest anew;
    anew.force = anew.new_client = true;
    done = login(basic, anew);
    ASSERT_TRUE(done) << done.error().describe();
    const auto pushed = server.requests("/par").at(1);
    EXPECT_EQ(pushed.authorization, "Basic " + base::base64_encode("secret-1:"));
    EXPECT_EQ(pushed.sender, "app client-1");
    EXPECT_EQ(pushed.form.at("client_id"), "client-1");
    EXPECT_EQ(pushed.body.find("secret-1"), std::string::npos) << pushed.body;
}

TEST_F(Proof, OA24_metadata_can_require_it_and_a_refusal_is_said) {
    server.on("/.well-known/oauth-authorization-server", 200,
              server.metadata(fmt::format(R"(,"require_pushed_authorization_requests":true,"pushed_authorization_request_endpoint":"{}/par")", server.origin())));
    const auto definition = define(oauth(fmt::format(R"("issuer":"{}")", server.origin())));
    struct Row { int status; const char *body, *says; ErrorCode code; };
    for (const auto& row : {Row{400, R"({"error":"invalid_request","error_description":"no scope"})", "invalid_request: no scope", ErrorCode::authorization_failed},
                            Row{503, "", "HTTP 503", ErrorCode::network}, Row{302, "", "redirect", ErrorCode::protocol},
                            Row{201, R"({"expires_in":60})", "without a usable request_uri", ErrorCode::protocol}, Row{201, "ok", "without a usable request_uri", ErrorCode::protocol}}) {
        server.on("/par", row.status, row.body);
        give_client();
        const auto refused = login(definition);
        ASSERT_FALSE(refused) << row.body;
        EXPECT_EQ(refused.error().code, row.code) << row.body;
        EXPECT_NE(refused.error().message.find(row.says), std::string::npos) << refused.error().message;
    }
    EXPECT_TRUE(dialog.links.empty());
    server.on("/.well-known/oauth-authorization-server", 200, server.metadata(R"(,"require_pushed_authorization_requests":true)"));
    EXPECT_NE(login(definition).error().message.find("pushed authorization"), std::string::npos);
}

TEST_F(Proof, OA27_a_place_that_metadata_alone_names_elsewhere_gets_no_client_secret) {
    other.on("/par", 201, R"({"request_uri":"urn:x:1","expires_in":60})");
    server.on("/.well-known/oauth-authorization-server", 200,
              server.metadata(fmt::format(R"(,"require_pushed_authorization_requests":true,"pushed_authorization_request_endpoint":"{}/par")", other.origin())));
    auto definition = define(oauth(fmt::format(R"("issuer":"{}")", server.origin())));
    give_client();
    const auto refused = login(definition);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::authorization_failed);
    EXPECT_NE(refused.error().hint.find("oauth.pushed_authorization_url"), std::string::npos) << refused.error().hint;
    EXPECT_TRUE(other.requests("/par").empty());
    EXPECT_TRUE(dialog.links.empty());
    // The definition's own word is enough.
    dialog.browser = [this](const Words&) -> base::Result<AuthorizationResponse> {
        return AuthorizationResponse{{{"code", "c"}, {"state", other.requests("/par").back().form.at("state")}, {"iss", server.origin()}}};
    };
    definition.oauth2->pushed_authorization_url = other.origin() + "/par";
    give_client();
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto pushed = other.requests("/par").at(0);
    EXPECT_TRUE(pushed.form.contains("client_secret") || !pushed.authorization.empty());
    const auto before = other.requests("/par").size();
    // Nor what a definition sends along, of a public client as of any other.
    for (const std::string more : {R"("token_headers":{"X-Key":"a-key"})", R"("token_signature":{"key":"{{client_id}}","message":"{{request.body}}","headers":{"X-Sender":"{{request.signature}}"}})"}) {
        const auto open = define(oauth(fmt::format(R"("issuer":"{}","token_auth_method":"none",{})", server.origin(), more)));
        dialog.queue.push_back({{"client_id", "client-1"}});
        ConnectRequest anew;
        anew.force = anew.new_client = true;
        const auto kept = login(open, anew);
        ASSERT_FALSE(kept) << more;
        EXPECT_EQ(kept.error().code, ErrorCode::authorization_failed) << kept.error().describe();
        EXPECT_EQ(other.requests("/par").size(), before) << more;
    }
}

TEST_F(Proof, OA22_tokens_are_bound_to_a_key_of_the_connection) {
    server.on("/token", 200, R"({"access_token":"at","token_type":"DPoP","refresh_token":"rt"})");
    auto definition = plain();
    definition.oauth2->dpop = true;
    give_client();
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto proof = crypto::read_jws(server.requests("/token").at(0).dpop).value();
    const auto used = Jwk::from_json(*json::object_at(proof.header, "jwk")).value();
    EXPECT_EQ(oauth::dpop_thumbprint(connections->load("acme", "default")->dpop_key).value(), used.thumbprint());
    EXPECT_NE(dialog.links[0].find("dpop_jkt=" + used.thumbprint()), std::string::npos);
    ConnectRequest second;
    second.connection_name = "work";
    ASSERT_TRUE(login(definition, second));
    EXPECT_FALSE(connections->load("acme", "work")->dpop_key.equals(connections->load("acme", "default")->dpop_key));
    server.on("/token", 200, kTokens);
    second.connection_name = "third";
    EXPECT_NE(login(definition, second).error().message.find("bearer token"), std::string::npos);
}

TEST_F(Proof, OA31_claims_of_a_right_id_token_are_handed_on) {
    const auto definition = openid();
    give_client();
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    ASSERT_TRUE(outcome->id_claims);
    EXPECT_EQ(outcome->id_claims->subject, "u-1");
    EXPECT_EQ(outcome->id_claims->email, "a@b.example");
    EXPECT_TRUE(outcome->warnings.empty());
    // Endpoints written out and no issuer: the metadata of the origin says who signs, if it is about the same endpoint.
    auto written = define(oauth(fmt::format(R"("authorization_url":"{0}/authorize","token_url":"{0}/token","scopes":["openid"])", server.origin())));
    ConnectRequest force;
    force.force = true;
    EXPECT_TRUE(login(written, force)->id_claims);
    server.on("/other", 200, "{}");
    server.on("/.well-known/openid-configuration", 200, fmt::format(R"({{"issuer":"{0}","token_endpoint":"{0}/other","jwks_uri":"{0}/jwks"}})", server.origin()));
    const auto unknown = login(written, force);
    ASSERT_TRUE(unknown);
    EXPECT_FALSE(unknown->id_claims);
    EXPECT_TRUE(unknown->warnings.empty());
}

TEST_F(Proof, OA31_a_wrong_id_token_is_ignored_with_a_warning) {
    const auto definition = openid();
    nonce = "of another login";
    give_client();
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_FALSE(outcome->id_claims);
    ASSERT_EQ(outcome->warnings.size(), 1U);
    EXPECT_NE(outcome->warnings[0].find("belongs to another login"), std::string::npos) << outcome->warnings[0];
    EXPECT_TRUE(connections->load("acme", "default")->access_token.equals("at"));
}

}  // namespace
}  // namespace claviger::connection::testing
