#include "connection/connect_test_support.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;

// The service's side of a login. What it accepts as signed is tested in oauth/ and, against real verifiers, end to end.
class OAuth1 : public ConnectTest {
protected:
    OAuth1() : server(loop), other(loop) {
        server.on("/request", 200, "oauth_token=tmp-1&oauth_token_secret=tmp-secret&oauth_callback_confirmed=true");
        server.on("/token", 200, "oauth_token=token-1&oauth_token_secret=token-secret&user_id=7&base_url=https%3A%2F%2Fevil.example");
        dialog.browser = [](const Words& query) {
            return AuthorizationResponse{{{"oauth_token", query.at("oauth_token")}, {"oauth_verifier", "v-1"}}};
        };
    }
    provider::ProviderDefinition photos(const std::string& more = "") {
        return define(fmt::format(R"({{"name":"photos","display_name":"Photos","auth_type":"oauth1","flow":"oauth1","api_url":"api.photos.example",
            "oauth1":{{"request_token_url":"{0}/request","authorization_url":"{0}/authorize","access_token_url":"{0}/token"{1}}}}})", server.origin(), more));
    }
    void give_consumer(const std::string& secret = "consumer-secret") { dialog.queue.push_back({{"consumer_key", "consumer-1"}, {"consumer_secret", secret}}); }
    FakeServer server, other;
};

TEST_F(OAuth1, OA25_the_whole_flow) {
    give_consumer();
    const auto outcome = login(photos(R"(,"realm":"Photos","authorization_params":{"scope":"read"})"));
    ASSERT_TRUE(outcome) << outcome.error().describe();
    ASSERT_EQ(dialog.forms.size(), 1U);
    EXPECT_EQ(dialog.forms[0].redirect_uri, kRedirectUri);
    EXPECT_TRUE(dialog.forms[0].fields.at(1).secret);
    EXPECT_EQ(dialog.links.at(0), server.origin() + "/authorize?oauth_token=tmp-1&scope=read");
    const auto first = server.requests("/request").at(0);
    EXPECT_EQ(first.method, "POST");
    EXPECT_TRUE(first.authorization.starts_with("OAuth realm=\"Photos\", oauth_consumer_key=\"consumer-1\", oauth_signature_method=\"HMAC-SHA1\"")) << first.authorization;
    EXPECT_NE(first.authorization.find("oauth_callback=\"" + base::percent_encode(kRedirectUri) + "\""), std::string::npos);
    const auto second = server.requests("/token").at(0);
    EXPECT_NE(second.authorization.find("oauth_token=\"tmp-1\""), std::string::npos);
    EXPECT_NE(second.authorization.find("oauth_verifier=\"v-1\""), std::string::npos);
    EXPECT_EQ(second.authorization.find("oauth_callback"), std::string::npos);

    const auto stored = connections->load("photos", "default").value();
    EXPECT_TRUE(stored.access_token.equals("token-1"));
    EXPECT_TRUE(stored.fields.at("access_token_secret").equals("token-secret"));
    EXPECT_EQ(stored.client_id, "consumer-1");
    EXPECT_EQ(stored.captured, (std::map<std::string, std::string>{{"user_id", "7"}}));
    EXPECT_EQ(stored.oauth_endpoints.size(), 3U);  // PX-30
    EXPECT_FALSE(stored.expires_at);
    const auto client = connections->client_of(stored).value();
    ASSERT_TRUE(client);
    EXPECT_TRUE(client->client_secret.equals("consumer-secret"));
    EXPECT_EQ(events(), (std::vector<std::string>{"client.created photos", "connection.created photos/default"}));
}

TEST_F(OAuth1, the_consumer_is_asked_once) {
    give_consumer();
    ASSERT_TRUE(login(photos()));
    ConnectRequest work;
    work.connection_name = "work";
    ASSERT_TRUE(login(photos(), work));
    EXPECT_EQ(dialog.forms.size(), 1U);
}

TEST_F(OAuth1, OA27_a_consumer_is_bound_to_its_origin) {
    give_consumer();
    ASSERT_TRUE(login(photos()));
    auto moved = photos();
    moved.oauth1->access_token_url = other.origin() + "/token";
    ConnectRequest again;
    again.force = true;
    EXPECT_EQ(login(moved, again).error().code, ErrorCode::cancelled);  // asks, and nobody answers
    EXPECT_EQ(dialog.forms.size(), 2U);
    EXPECT_TRUE(other.seen.empty());
}

TEST_F(OAuth1, OA27_a_replaced_consumer_stays_the_connections) {
    give_consumer();
    ASSERT_TRUE(login(photos()));
    const auto stored = connections->load("photos", "default").value();
    auto client = connections->client_of(stored).value().value();
    client.client_id = "consumer-2";
    ASSERT_TRUE(connections->save_client(client));
    EXPECT_EQ(connections->client("photos", client.origin).value()->client_id, "consumer-2");
    EXPECT_EQ(connections->client_of(stored).value()->client_id, stored.client_id);
}

TEST_F(OAuth1, OA25_nothing_is_stored_unless_all_is_right) {
    struct Row { std::string request, token; AuthorizationResponse callback; ErrorCode code; std::string_view said; };
    const std::string good = "oauth_token=tmp-1&oauth_token_secret=s&oauth_callback_confirmed=true", token = "oauth_token=a&oauth_token_secret=b";
    const AuthorizationResponse agreed{{{"oauth_token", "tmp-1"}, {"oauth_verifier", "v"}}};
    const std::vector<Row> rows{
        {"oauth_token=tmp-1&oauth_token_secret=s", token, agreed, ErrorCode::protocol, "confirm"},
        {"oauth_token=tmp-1&oauth_token_secret=s&oauth_callback_confirmed=false", token, agreed, ErrorCode::protocol, "confirm"},
        {good, token, {{{"oauth_token", "tmp-2"}, {"oauth_verifier", "v"}}}, ErrorCode::authorization_failed, "another login"},
        {good, token, {{{"denied", "tmp-1"}}}, ErrorCode::authorization_failed, "said no"},
        {good, token, {{{"oauth_token", "tmp-1"}}}, ErrorCode::authorization_failed, "oauth_verifier"},
        {good, "oauth_token=a", agreed, ErrorCode::protocol, "oauth_token_secret"},
        {good, "<html>", agreed, ErrorCode::protocol, "token credentials"}};
    for (const auto& row : rows) {
        server.on("/request", 200, row.request);
        server.on("/token", 200, row.token);
        dialog.browser = [&row](const Words&) { return row.callback; };
        give_consumer();
        const auto outcome = login(photos());
        ASSERT_FALSE(outcome) << row.said;
        EXPECT_EQ(outcome.error().code, row.code) << outcome.error().describe();
        EXPECT_NE(outcome.error().message.find(row.said), std::string::npos) << outcome.error().message;
        EXPECT_FALSE(connections->find("photos", "default").value());
        EXPECT_FALSE(connections->client("photos", server.origin()).value()) << "a consumer that did not work is not kept";
    }
}

TEST_F(OAuth1, a_redirect_is_never_followed) {  // OA-08, OA-25
    server.on("/request", [this](const FakeServer::Seen&) {
        auto response = FakeServer::json(307, "");
        response.fields.set("Location", other.origin() + "/request");
        return response;
    });
    give_consumer();
    EXPECT_EQ(login(photos()).error().code, ErrorCode::protocol);
    EXPECT_TRUE(other.seen.empty());
}

TEST_F(OAuth1, plaintext_never_without_tls) {
    auto definition = photos();
    definition.oauth1->signature_method = "PLAINTEXT";
    give_consumer();
    EXPECT_EQ(login(definition).error().code, ErrorCode::denied);
    EXPECT_TRUE(server.seen.empty());
}

TEST_F(OAuth1, a_bad_private_key_is_told_in_the_form) {
    dialog.queue.push_back({{"consumer_key", "consumer-1"}, {"private_key", "not a key"}});
    EXPECT_FALSE(login(photos(R"(,"signature_method":"RSA-SHA1")")));
    ASSERT_EQ(dialog.complaints.size(), 1U);
    EXPECT_NE(dialog.complaints[0].at("private_key").find("private RSA key"), std::string::npos);
}

}  // namespace
}  // namespace claviger::connection::testing
