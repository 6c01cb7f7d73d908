#include "connection/revoke.hpp"

#include "connection/connect_test_support.hpp"

namespace claviger::connection {
namespace {

using oauth::Revoked;
using testing::FakeServer;
using testing::Words;

TEST(Revocation, OA20_an_answer_says_what_became_of_the_token) {
    struct Row { int status; std::string body; Revoked result; };
    const Row rows[] = {
        {200, "", Revoked::revoked},
        {200, "OK", Revoked::revoked},
        {204, "", Revoked::revoked},
        {200, R"({"ok":true})", Revoked::revoked},
        {200, R"({"ok":false})", Revoked::refused},  // error_when
        {200, R"({"error":"nope"})", Revoked::refused},
        {202, R"({"error":""})", Revoked::revoked},
        {200, R"({"error":false})", Revoked::revoked},
        {200, R"({"error":true})", Revoked::refused},
        {200, R"({"error":true,"message":"no such token"})", Revoked::refused},
        {200, R"({"error":{"type":"nope","message":"no"}})", Revoked::refused},
        {200, "error=nope&error_description=no+such+token", Revoked::refused},
        {200, "error=&ok=1", Revoked::revoked},
        {200, "<html>fine</html>", Revoked::revoked},
        {200, "[1]", Revoked::revoked},
        {400, "error=unsupported_token_type", Revoked::unsupported},
        {400, R"({"error":{"type":"unsupported_token_type"}})", Revoked::unsupported},
        {400, R"({"fault":"unsupported_token_type"})", Revoked::unsupported},  // response.error
        {299, R"({"error":"unsupported_token_type"})", Revoked::unsupported},
        {302, R"({"fine":1})", Revoked::refused},
        {418, R"({"fine":1})", Revoked::revoked},  // response.ok_status
        {418, R"({"error":"nope"})", Revoked::refused},
        {409, "", Revoked::unreachable},  // retry.status
        {409, R"({"error":"invalid_client"})", Revoked::refused},
        {408, "", Revoked::unreachable},
        {200, R"({"code":17})", Revoked::refused},
        {400, R"({"error":"unsupported_token_type"})", Revoked::unsupported},
        {400, "error=unsupported_token_type", Revoked::unsupported},
        {401, R"({"error":"invalid_client"})", Revoked::refused},
        {404, "", Revoked::refused},
        {302, "", Revoked::refused},  // OA-08
        {429, "", Revoked::unreachable},
        {503, R"({"error":"server_error"})", Revoked::unreachable},  // RFC 7009 section 2.2.1
    };
    oauth::TokenRequestOptions options;
    options.error_when = {{"/ok", "false"}, {"/code", "17"}};
    options.error_pointers = {"/fault"};
    options.ok_status = {418};
    options.retry_status = {409};
    for (const auto* format : {"auto", "form", "json", "text"}) {  // how the token endpoint answers
        options.response_format = format;
        for (const auto& row : rows) {
            http::Response response;
            response.status = row.status;
            response.body = base::WipedString(row.body);
            const auto outcome = oauth::read_revocation(response, options);
            EXPECT_EQ(outcome.result, row.result) << row.status << " " << row.body;
            EXPECT_EQ(outcome.why.empty(), row.result == Revoked::revoked) << row.status << " " << row.body;
        }
    }
    http::Response response;
    response.status = 400;
    response.body = base::WipedString(R"({"error":"bad\u001b[31m","error_description":"token sk_live_0123456789abcdef0123456789 is wrong"})");
    const auto why = oauth::read_revocation(response, options).why;
    EXPECT_EQ(why.find("0123456789abcdef"), std::string::npos) << why;  // OA-32
    EXPECT_EQ(why.find('\x1b'), std::string::npos);
}

class Revoke : public testing::ConnectTest {
protected:
    void SetUp() override {
        ConnectTest::SetUp();
        server = std::make_unique<FakeServer>(loop);
        server->on("/revoke", 200, "{}");
        connection.provider = "acme";
        connection.auth_type = provider::AuthType::oauth2;
        connection.access_token = base::Secret("access");
        connection.refresh_token = base::Secret("refresh");
        connection.client_id = "the client";
        connection.token_endpoint = server->origin() + "/token";
        record.provider = "acme";
        record.client_id = "the client";
        record.client_secret = base::Secret("s3cr:t");
    }
    provider::ProviderDefinition define(const std::string& oauth, const std::string& more = "") {
        return testing::define(fmt::format(R"({{"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"pkce","api_url":"api.acme.example",
            {2}"oauth":{{"authorization_url":"{0}/a","token_url":"{0}/token",{1}}}}})", server->origin(), oauth, more));
    }
    std::vector<RevokedToken> revoke(const provider::ProviderDefinition& definition) {
        const RevokeParts parts{*http, clock, random};
        return loop.run_until(revoke_at_provider(parts, definition, connection, &record));
    }
    std::string at(const std::string& path) { return fmt::format(R"("revocation_url":"{}{}")", server->origin(), path); }

    std::unique_ptr<FakeServer> server;
    Connection connection;
    ClientRecord record;
};

TEST_F(Revoke, OA14_OA20_refresh_token_first_with_client_authentication_and_a_hint) {
    const auto results = revoke(define(at("/revoke") + R"(,"token_auth_method":"client_secret_basic")"));
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[0].token, "refresh_token");
    EXPECT_EQ(results[0].outcome.result, Revoked::revoked);
    EXPECT_EQ(results[1].outcome.result, Revoked::revoked);
    const auto seen = server->requests("/revoke");
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].form, (Words{{"token", "refresh"}, {"token_type_hint", "refresh_token"}}));
    EXPECT_EQ(seen[1].form, (Words{{"token", "access"}, {"token_type_hint", "access_token"}}));
    EXPECT_EQ(seen[0].authorization, "Basic " + base::base64_encode("the+client:s3cr%3At"));
}

TEST_F(Revoke, parameters_can_have_other_names_and_a_json_body) {
    const auto results = revoke(define(at("/revoke") + R"(,"token_auth_method":"client_secret_post","token_content_type":"json",
        "rename":{"revoke":{"token":"credential","token_type_hint":""}},"token_params":{"only":"there"})"));
    ASSERT_EQ(results.size(), 2U);
    const auto body = json::parse(server->requests("/revoke").at(0).body).value();
    EXPECT_EQ(json::to_canonical_text(body), R"({"client_id":"the client","client_secret":"s3cr:t","credential":"refresh"})");
}

TEST_F(Revoke, one_token_that_fails_does_not_spare_the_other) {
    server->on("/revoke", [](const FakeServer::Seen& seen) { return FakeServer::json(seen.form.at("token") == "refresh" ? 503 : 200, "{}"); });
    const auto results = revoke(define(at("/revoke")));
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[0].outcome.result, Revoked::unreachable);
    EXPECT_EQ(results[1].outcome.result, Revoked::revoked);
}

TEST_F(Revoke, the_endpoint_of_the_logins_metadata_serves_where_the_definition_has_none) {
    EXPECT_EQ(revoke(define(R"("scopes":["a"])")).at(0).outcome.result, Revoked::unsupported);
    connection.revocation_endpoint = server->origin() + "/revoke";
    EXPECT_EQ(revoke(define(R"("scopes":["a"])")).at(0).outcome.result, Revoked::revoked);
}

TEST_F(Revoke, OA27_metadata_alone_sends_no_client_secret_to_another_origin) {
    FakeServer other(loop);
    other.on("/revoke", 200, "{}");
    connection.revocation_endpoint = other.origin() + "/revoke";
    const auto refused = revoke(define(R"("scopes":["a"])"));
    ASSERT_EQ(refused.size(), 2U);
    EXPECT_EQ(refused[0].outcome.result, Revoked::unsupported);
    EXPECT_NE(refused[0].outcome.why.find("another origin"), std::string::npos) << refused[0].outcome.why;
    EXPECT_TRUE(other.requests("/revoke").empty());
    // The definition's own word is enough, and a public client has nothing to lose.
    EXPECT_EQ(revoke(define(fmt::format(R"("revocation_url":"{}/revoke")", other.origin()))).at(0).outcome.result, Revoked::revoked);
    record.client_secret = base::Secret();
    EXPECT_EQ(revoke(define(R"("scopes":["a"])")).at(0).outcome.result, Revoked::revoked);
    EXPECT_EQ(other.requests("/revoke").size(), 4U);
}

TEST_F(Revoke, what_is_dead_already_is_not_sent) {
    connection.expires_at = clock.now() - std::chrono::seconds(1);
    EXPECT_EQ(revoke(define(at("/revoke"))).size(), 1U);
    connection.refresh_token = base::Secret();
    EXPECT_TRUE(revoke(define(at("/revoke"))).empty());
    EXPECT_EQ(server->requests("/revoke").size(), 1U);
}

TEST_F(Revoke, OA27_a_captured_place_needs_a_rule_of_the_definition) {
    connection.captured["instance"] = server->origin();
    const auto url = R"("revocation_url":"{instance}/revoke")";
    const auto open = define(url, R"("vars":{"instance":{"title":"Instance"}},"capture":["instance"],)");
    EXPECT_EQ(revoke(open).at(0).outcome.result, Revoked::refused);
    EXPECT_TRUE(server->requests("/revoke").empty());
    const auto ruled = define(url, R"("vars":{"instance":{"title":"Instance","pattern":"http://127\\.0\\.0\\.1:[0-9]+"}},"capture":["instance"],)");
    EXPECT_EQ(revoke(ruled).at(0).outcome.result, Revoked::revoked);
}

TEST_F(Revoke, a_key_is_none_of_the_providers_tokens) {
    connection.fields.emplace("api_key", base::Secret("key"));
    connection.access_token = base::Secret();
    connection.refresh_token = base::Secret();
    const auto keyed = testing::define(R"({"name":"acme","display_name":"Acme","auth_type":"api_key","flow":"api_key","api_url":"api.acme.example",
        "api_key":{"header_name":"X-Key","header_prefix":""}})");
    const auto results = revoke(keyed);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome.result, Revoked::unsupported);
}

}  // namespace
}  // namespace claviger::connection
