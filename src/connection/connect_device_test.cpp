#include "connection/connect_code_test_support.hpp"
#include "crypto/digest.hpp"
#include "crypto/jwk.hpp"
#include "crypto/jws.hpp"
#include "oauth/device.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;
using namespace std::chrono_literals;

constexpr const char* kPending = R"({"error":"authorization_pending"})";

class Device : public Code {
protected:
    Device() { give_code(); }
    void give_code(const std::string& more = R"(,"interval":1)") {
        server.on("/device", 200,
                  R"({"device_code":"secret-device-code","user_code":"WDJB-MJHT","verification_uri":"https://acme.example/device",
                      "verification_uri_complete":"https://acme.example/device?c=WDJB-MJHT","expires_in":900)" + more + "}");
    }
    provider::ProviderDefinition device(const std::string& more = "") {
        return define(oauth(fmt::format(R"("device_authorization_url":"{0}/device","token_url":"{0}/token","scopes":["read","write"]{1})",
                                        server.origin(), more), "device_code"));
    }
    // The answers of the token endpoint, one after another; the last one stays.
    void answers(std::vector<std::pair<int, std::string>> list) {
        auto at = std::make_shared<std::size_t>(0);
        server.on("/token", [list = std::move(list), at](const FakeServer::Seen&) {
            const auto& [status, body] = list[std::min((*at)++, list.size() - 1)];
            return FakeServer::json(status, body);
        });
    }
    // The wait alone, on a time of its own: `waits` holds how long each one was.
    base::Result<oauth::TokenResponse> wait(std::chrono::seconds lifetime = 900s) {
        waits.clear();
        now = net::Deadline() + 1000h;
        oauth::Waiting waiting;
        waiting.now = [this] { return now; };
        waiting.until = [this](net::Deadline until) { return pass(this, until); };
        std::function<base::Result<oauth::TokenRequest>()> request = [this]() -> base::Result<oauth::TokenRequest> {
            oauth::TokenRequest made;
            made.endpoint = net::Url::parse(server.origin() + "/token").value();
            made.client.client_id = "client-1";
            made.grant_type = "urn:ietf:params:oauth:grant-type:device_code";
            made.grant.emplace_back("device_code", base::Secret("dc"));
            return made;
        };
        const oauth::PollSchedule schedule(5s, lifetime, now);
        return loop.run_until(oauth::await_device_token(*http, waiting, schedule, request));
    }
    static net::Task<void> pass(Device* self, net::Deadline until) {
        self->waits.push_back(std::chrono::duration_cast<std::chrono::seconds>(until - self->now));
        self->now = until;
        co_return;
    }
    net::Deadline now;
    std::vector<std::chrono::seconds> waits;
};

TEST_F(Device, RFC8628_the_whole_flow) {
    answers({{400, kPending}, {200, kTokens}});
    dialog.queue.push_back({{"client_id", "client-1"}});
    const auto outcome = login(device(R"(,"audience":"urn:acme","rename":{"device":{"client_id":"app"}})"));
    ASSERT_TRUE(outcome) << outcome.error().describe();

    ASSERT_EQ(dialog.forms.size(), 1U);
    ASSERT_EQ(dialog.forms[0].fields.size(), 1U);  // no secret is asked for
    EXPECT_TRUE(dialog.forms[0].redirect_uri.empty());
    EXPECT_TRUE(dialog.links.empty());
    ASSERT_EQ(dialog.codes.size(), 1U);
    EXPECT_EQ(dialog.codes[0].user_code, "WDJB-MJHT");
    EXPECT_EQ(dialog.codes[0].url.text(), "https://acme.example/device");
    EXPECT_EQ(dialog.codes[0].complete_url->text(), "https://acme.example/device?c=WDJB-MJHT");

    ASSERT_EQ(server.requests("/device").size(), 1U);
    EXPECT_EQ(server.requests("/device")[0].form, (Words{{"app", "client-1"}, {"scope", "read write"}, {"audience", "urn:acme"}}));
    ASSERT_EQ(server.requests("/token").size(), 2U);
    EXPECT_EQ(server.requests("/token")[1].form,
              (Words{{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"}, {"device_code", "secret-device-code"}, {"client_id", "client-1"}}));
    const auto stored = connections->load("acme", "default").value();
    EXPECT_EQ(stored.flow, provider::Flow::device_code);
    EXPECT_TRUE(stored.access_token.equals("at-1"));
    EXPECT_TRUE(stored.refresh_token.equals("rt-1"));
    EXPECT_EQ(stored.client_id, "client-1");
    EXPECT_EQ(stored.oauth_endpoints, (std::vector<std::string>{server.origin() + "/token", server.origin() + "/device"}));
}

TEST_F(Device, a_json_dialect_sends_the_bare_code_and_asks_for_no_client) {
    answers({{200, kTokens}});
    const auto outcome = login(device(R"(,"device_token_request":"json")"));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(dialog.forms.empty());
    EXPECT_EQ(server.requests("/device").at(0).form, (Words{{"scope", "read write"}}));
    EXPECT_EQ(server.requests("/token").at(0).body, R"({"device_code":"secret-device-code"})");
    EXPECT_EQ(server.requests("/token").at(0).type, "application/json");
}

TEST_F(Device, a_secret_is_asked_for_where_the_definition_names_how_it_is_sent) {
    answers({{200, kTokens}});
    give_client();
    ASSERT_TRUE(login(device(R"(,"token_auth_method":"client_secret_basic")")));
    EXPECT_EQ(dialog.forms[0].fields.size(), 2U);
    const auto basic = "Basic " + base::base64_encode("client-1:secret-1");
    EXPECT_EQ(server.requests("/device").at(0).authorization, basic);
    EXPECT_EQ(server.requests("/token").at(0).authorization, basic);
}

TEST_F(Device, the_code_is_asked_for_with_the_habits_of_the_token_endpoint) {
    answers({{200, kTokens}});
    give_client();
    const auto outcome = login(device(R"(,"token_auth_method":"client_secret_basic","basic":{"username":"{{client_secret}}","form_encoded":false},
        "token_signature":{"key":"{{client_secret}}","message":"{{request.body}}","headers":{"X-Sender":"{{request.signature}}"}})"));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    for (const auto* path : {"/device", "/token"}) {
        const auto request = server.requests(path).at(0);
        EXPECT_EQ(request.authorization, "Basic " + base::base64_encode("secret-1:")) << path;
        EXPECT_EQ(request.sender, base::hex_encode(crypto::hmac_sha256("secret-1", request.body))) << path;
    }
}

TEST_F(Device, a_later_login_in_the_browser_asks_for_the_secret_that_the_device_did_not_need) {
    answers({{200, kTokens}});
    const auto both = plain(fmt::format(R"(,"device_authorization_url":"{}/device","client_secret_required":true)", server.origin()));
    ConnectRequest by_device;
    by_device.flow = provider::Flow::device_code;
    dialog.queue.push_back({{"client_id", "client-1"}});
    ASSERT_TRUE(login(both, by_device));
    give_client();
    ConnectRequest work;
    work.connection_name = "work";
    ASSERT_TRUE(login(both, work));
    ASSERT_EQ(dialog.forms.size(), 2U);
    EXPECT_EQ(dialog.forms[1].fields[0].default_value, "client-1");
    EXPECT_TRUE(connections->client("acme", server.origin()).value()->client_secret.equals("secret-1"));
}

TEST_F(Device, endpoints_come_from_the_issuer) {
    server.on("/.well-known/oauth-authorization-server", 200,
              fmt::format(R"({{"issuer":"{0}","token_endpoint":"{0}/token","device_authorization_endpoint":"{0}/device"}})", server.origin()));
    answers({{200, kTokens}});
    dialog.queue.push_back({{"client_id", "client-1"}});
    const auto outcome = login(define(oauth(fmt::format(R"("issuer":"{}","scopes":["read"])", server.origin()), "device_code")));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_EQ(outcome->connection.issuer, server.origin());
    // RFC 8414 metadata without a device endpoint.
    server.on("/.well-known/oauth-authorization-server", 200, fmt::format(R"({{"issuer":"{0}","token_endpoint":"{0}/token"}})", server.origin()));
    ConnectRequest other;
    other.connection_name = "other";
    const auto none = login(define(oauth(fmt::format(R"("issuer":"{}")", server.origin()), "device_code")), other);
    EXPECT_EQ(none.error().message, "acme publishes no device authorization endpoint");
}

TEST_F(Device, OA31_the_grant_is_stored_before_the_keys_of_its_id_token_are_fetched) {
    const auto now = clock.now().time_since_epoch().count() / 1000;
    const auto key = crypto::Jwk::generate_p256().value();
    const json::Object claims{{"iss", server.origin()}, {"sub", "u-1"}, {"aud", "client-1"}, {"iat", now}, {"exp", now + 60}};
    const auto token = crypto::sign_jws(key, crypto::SignatureAlgorithm::es256, {{"kid", "k1"}}, json::to_text(json::Value(claims)));
    answers({{200, fmt::format(R"({{"access_token":"at","token_type":"bearer","id_token":"{}"}})", token->reveal())}});
    server.on("/.well-known/openid-configuration", 200,
              server.metadata(fmt::format(R"(,"device_authorization_endpoint":"{0}/device","jwks_uri":"{0}/jwks")", server.origin())));
    bool stored = false;
    server.on("/jwks", [&](const FakeServer::Seen&) {
        const auto there = connections->load("acme", "default");
        stored = there && there->access_token.equals("at");
        auto members = key.public_members();
        members["kid"] = "k1";
        return FakeServer::json(200, json::to_text(json::Value(json::Object{{"keys", json::Array{members}}})));
    });
    dialog.queue.push_back({{"client_id", "client-1"}});
    const auto outcome = login(define(oauth(fmt::format(R"("issuer":"{}","scopes":["openid"])", server.origin()), "device_code")));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(stored) << "an interruption here would lose the grant";
    ASSERT_TRUE(outcome->id_claims);
}

TEST_F(Device, texts_of_the_definition_are_filled_in_for_the_code_as_for_the_token) {
    answers({{200, kTokens}});
    dialog.queue.push_back({{"client_id", "client-1"}});
    const auto outcome = login(with_tenant(oauth(fmt::format(R"("device_authorization_url":"{0}/device","token_url":"{0}/token",
        "token_headers":{{"X-Sender":"app {{{{client_id}}}} of {{{{tenant}}}}"}})", server.origin()), "device_code"), "t7"));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    for (const auto* path : {"/device", "/token"}) EXPECT_EQ(server.requests(path).at(0).sender, "app client-1 of t7") << path;
}

TEST_F(Device, RFC7591_it_registers_itself_where_the_definition_says_so) {
    answers({{200, kTokens}});
    server.on("/register", 201, R"({"client_id":"dyn-1","token_endpoint_auth_method":"none"})");
    const auto registering = [&](const std::string& more) {
        return device(R"(,"supports_dcr":true,"registration_endpoint":")" + server.origin() + "/register\"" + more);
    };
    const auto outcome = login(registering(""));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(dialog.forms.empty());
    EXPECT_EQ(server.requests("/device").at(0).form.at("client_id"), "dyn-1");
    EXPECT_EQ(server.requests("/token").at(0).form.at("client_id"), "dyn-1");
    const auto registration = [&](std::size_t n) { return json::parse(server.requests("/register").at(n).body).value().get_object(); };
    EXPECT_EQ(json::to_text(*json::find(registration(0), "grant_types")), R"(["authorization_code","urn:ietf:params:oauth:grant-type:device_code","refresh_token"])");
    EXPECT_EQ(json::to_text(*json::find(registration(0), "redirect_uris")), fmt::format("[\"{}\"]", kRedirectUri));
    // The second account uses it too, and so does a browser once its page is known.
    ConnectRequest second;
    second.connection_name = "work";
    ASSERT_TRUE(login(registering(""), second));
    ConnectRequest browser;
    browser.connection_name = "browser";
    browser.flow = provider::Flow::dcr_pkce;
    ASSERT_TRUE(login(registering(R"(,"authorization_url":")" + server.origin() + "/authorize\""), browser));
    EXPECT_EQ(server.requests("/register").size(), 1U);
    for (const auto* name : {"default", "work", "browser"}) EXPECT_TRUE(connections->client_of(connections->load("acme", name).value()).value()) << name;
}

TEST_F(Device, RFC7591_a_server_for_devices_alone_registers_it_without_a_redirect_uri) {
    answers({{200, kTokens}});
    const auto definition = device(R"(,"supports_dcr":true,"registration_endpoint":")" + server.origin() + "/register\"");
    server.on("/register", [](const FakeServer::Seen& seen) {
        if (seen.body.find(kRedirectUri) != std::string::npos) return FakeServer::json(400, R"({"error":"invalid_redirect_uri"})");
        return FakeServer::json(201, R"({"client_id":"dyn-1"})");
    });
    ASSERT_TRUE(login(definition));
    EXPECT_EQ(connections->client("acme", server.origin()).value()->redirect_uri, "");
    ASSERT_TRUE(connections->erase_provider("acme", std::nullopt));
    server.on("/register", 201, R"({"client_id":"dyn-2","redirect_uris":[]})");  // or it leaves it out by itself
    ASSERT_TRUE(login(definition));
    EXPECT_EQ(connections->client("acme", server.origin()).value()->redirect_uri, "");
    server.on("/register", 400, R"({"error":"invalid_client_metadata"})");
    ASSERT_TRUE(connections->erase_provider("acme", std::nullopt));
    EXPECT_EQ(login(definition).error().code, ErrorCode::authorization_failed);
}

TEST_F(Device, RFC7592_a_client_of_a_code_that_nobody_approved_is_deleted) {
    answers({{400, R"({"error":"access_denied"})"}});
    server.on("/register", 201, fmt::format(R"({{"client_id":"dyn-1","registration_access_token":"rat","registration_client_uri":"{}/register/1"}})", server.origin()));
    server.on("/register/1", 204, "");
    EXPECT_FALSE(login(device(R"(,"supports_dcr":true,"registration_endpoint":")" + server.origin() + "/register\"")));
    EXPECT_EQ(server.requests("/register/1").size(), 1U);
    EXPECT_FALSE(connections->client("acme", server.origin()).value());
}

TEST_F(Device, OA27_the_secret_goes_to_the_token_endpoints_origin_alone) {
    answers({{200, kTokens}});
    other.on("/device", 200, R"({"device_code":"d","user_code":"A","verification_uri":"https://acme.example/","expires_in":900,"interval":1})");
    give_client();
    const auto definition = define(oauth(fmt::format(R"("device_authorization_url":"{}/device","token_url":"{}/token","token_auth_method":"client_secret_post")",
                                                     other.origin(), server.origin()), "device_code"));
    ASSERT_TRUE(login(definition));
    EXPECT_EQ(other.requests("/device").at(0).form, (Words{{"client_id", "client-1"}}));
    EXPECT_EQ(server.requests("/token").at(0).form.at("client_secret"), "secret-1");
    // Neither does what it signs or stands for.
    give_client();
    auto basic = definition;
    basic.oauth2->token_auth_method = provider::TokenAuthMethod::client_secret_basic;
    basic.oauth2->basic = {"{{client_secret}}", "", true, true};
    basic.oauth2->token_signature = provider::HmacSignature{};
    basic.oauth2->token_signature->key = "{{client_secret}}";
    basic.oauth2->token_signature->message = "m";
    basic.oauth2->token_signature->headers = {{"X-Sender", "{{request.signature}}"}};
    ConnectRequest anew;
    anew.force = anew.new_client = true;
    const auto outcome = login(basic, anew);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto asked = other.requests("/device").at(1);
    EXPECT_EQ(asked.form, (Words{{"client_id", "client-1"}}));
    EXPECT_EQ(asked.authorization + asked.sender, "");
}

TEST_F(Device, a_service_that_wants_a_secret_after_all_is_told_from_a_wrong_client) {
    answers({{400, R"({"error":"invalid_request","error_description":"client_secret is missing"})"}});
    dialog.queue.push_back({{"client_id", "client-1"}});
    const auto outcome = login(device());
    EXPECT_NE(outcome.error().hint.find("\"token_auth_method\": \"client_secret_post\""), std::string::npos) << outcome.error().hint;
}

TEST_F(Device, a_refused_code_ends_the_login_before_anything_is_shown) {
    server.on("/device", 400, R"({"error":"unauthorized_client"})");
    dialog.queue.push_back({{"client_id", "client-1"}});
    const auto outcome = login(device());
    EXPECT_EQ(outcome.error().code, ErrorCode::authorization_failed);
    EXPECT_TRUE(dialog.codes.empty());
    EXPECT_FALSE(connections->client("acme", server.origin()).value());
}

TEST_F(Device, OA17_the_wait_follows_each_answer) {
    answers({{400, kPending}, {400, R"({"error":"slow_down"})"}, {400, kPending}, {503, "{}"}, {502, "<html>"}, {428, kPending}, {200, R"({"error":"authorization_pending"})"}, {200, kTokens}});
    const auto token = wait();
    ASSERT_TRUE(token) << token.error().describe();
    EXPECT_EQ(waits, (std::vector<std::chrono::seconds>{5s, 5s, 10s, 10s, 20s, 40s, 10s, 10s}));
}

TEST_F(Device, RFC8628_section_3_5_every_other_answer_ends_it) {
    struct Row { int status; const char* body; ErrorCode code; const char* part; };
    const Row rows[] = {
        {400, R"({"error":"access_denied"})", ErrorCode::authorization_failed, "the login was denied on the provider's page"},
        {400, R"({"error":"expired_token"})", ErrorCode::cancelled, "nobody approved"},
        {400, R"({"error":"invalid_grant"})", ErrorCode::authorization_failed, "invalid_grant"},
        {401, R"({"error":"invalid_client"})", ErrorCode::authorization_failed, "invalid_client"},
        {400, R"({"error":"something_new","error_description":"odd"})", ErrorCode::authorization_failed, "something_new: odd"},
        {404, "<html>", ErrorCode::authorization_failed, "HTTP 404"},
        {200, "<html>", ErrorCode::protocol, "without a JSON object"},
        {302, "", ErrorCode::protocol, "redirect"},
    };
    for (const auto& row : rows) {
        answers({{400, kPending}, {row.status, row.body}});
        const auto token = wait();
        ASSERT_FALSE(token) << row.body;
        EXPECT_EQ(token.error().code, row.code) << row.body;
        EXPECT_NE(token.error().message.find(row.part), std::string::npos) << token.error().message;
        EXPECT_EQ(waits.size(), 2U) << row.body;
    }
}

TEST_F(Device, OA17_it_stops_when_the_code_runs_out_and_says_whose_doing_it_was) {
    using Waits = std::vector<std::chrono::seconds>;
    answers({{400, kPending}});
    auto token = wait(23s);
    EXPECT_EQ(token.error().code, ErrorCode::cancelled);
    EXPECT_EQ(waits, (Waits{5s, 5s, 5s, 7s, 1s}));  // the last one until the code has run out
    answers({{503, ""}});
    token = wait(60s);
    EXPECT_EQ(token.error().code, ErrorCode::network);
    EXPECT_EQ(waits, (Waits{5s, 10s, 20s, 24s}));
}

TEST_F(Device, RFC8628_an_approval_in_the_last_interval_counts) {
    server.on("/token", [this](const FakeServer::Seen&) {
        const bool approved = now >= net::Deadline() + 1000h + 11s;
        return FakeServer::json(approved ? 200 : 400, approved ? kTokens : kPending);
    });
    const auto token = wait(14s);
    ASSERT_TRUE(token) << token.error().describe();
    EXPECT_LT(now, net::Deadline() + 1000h + 14s);
}

}  // namespace
}  // namespace claviger::connection::testing
