#include "connection/mint.hpp"

#include "connection/connect_code_test_support.hpp"
#include "crypto/digest.hpp"

namespace claviger::connection::testing {
namespace {

using base::ErrorCode;
using oauth::ClientAuthentication;
using oauth::TokenFailure;

class Mint : public Code {
protected:
    oauth::TokenOutcome mint(const provider::ProviderDefinition& definition,
                             ClientAuthentication method = ClientAuthentication::client_secret_basic) {
        Connection connection;
        connection.requested_scopes = definition.oauth2->scopes;
        connection.variables = {{"tenant", "blue"}};
        oauth::Client client{"service", base::Secret("s3cret"), method};
        return loop.run_until(mint_token({*http, clock, random}, definition, connection, std::move(client),
                                         *net::Url::parse(server.origin() + "/token")));
    }
    provider::ProviderDefinition service(const std::string& more = "") {
        return define(oauth(fmt::format(R"("token_url":"{0}/token","scopes":["read","write"]{1})", server.origin(), more),
                            "client_credentials"));
    }
};

TEST_F(Mint, asks_with_the_clients_own_authentication_and_nothing_of_a_human) {
    const auto outcome = mint(service());
    ASSERT_TRUE(outcome) << outcome.error().shown.describe();
    EXPECT_TRUE(outcome->access_token.equals("at-1"));
    EXPECT_TRUE(outcome->refresh_token.empty());  // RFC 6749 section 4.4.3, although the server gave one
    ASSERT_EQ(server.requests("/token").size(), 1U);
    const auto seen = server.requests("/token")[0];
    EXPECT_EQ(seen.form, (Words{{"grant_type", "client_credentials"}, {"scope", "read write"}}));
    EXPECT_EQ(seen.authorization, "Basic " + base::base64_encode("service:s3cret"));
}

TEST_F(Mint, OA21_sends_resource_audience_and_the_definitions_own_parameters) {
    const auto definition = define(fmt::format(
        R"({{"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"client_credentials","api_url":"api.acme.example",
            "vars":{{"tenant":{{}}}},"oauth":{{"token_url":"{0}/token","scopes":["a","b"],"scope_separator":",","scope_param":"scopes",
            "resource":"https://api.acme.example/{{tenant}}","audience":"urn:acme","token_params":{{"mode":"m2m"}},
            "token_headers":{{"X-Tenant":"1"}},"token_content_type":"json","rename":{{"token":{{"client_id":"key"}}}}}}}})", server.origin()));
    ASSERT_TRUE(mint(definition, ClientAuthentication::client_secret_post));
    const auto seen = server.requests("/token").at(0);
    const auto body = json::parse(seen.body).value();
    EXPECT_EQ(json::to_canonical_text(body),
              R"({"audience":"urn:acme","client_secret":"s3cret","grant_type":"client_credentials","key":"service","mode":"m2m","resource":"https://api.acme.example/blue","scopes":"a,b"})");
}

TEST_F(Mint, the_body_is_signed_exactly_as_it_goes_out) {
    const auto definition = service(R"(,"token_signature":{"key":"{{client_secret}}","message":"{{client_id}} {{request.method}} {{request.path}} {{request.body}}","encoding":"base64","headers":{"X-Sender":"v1={{request.signature}}"}})");
    ASSERT_TRUE(mint(definition, ClientAuthentication::client_secret_post));
    const auto seen = server.requests("/token").at(0);
    EXPECT_EQ(seen.sender, "v1=" + base::base64_encode(crypto::hmac_sha256("s3cret", "service POST /token " + seen.body)));
}

TEST_F(Mint, failures_are_told_apart_for_whoever_must_decide) {
    server.on("/token", 401, R"({"error":"invalid_client"})");
    const auto refused = mint(service());
    EXPECT_EQ(refused.error().kind, TokenFailure::Kind::refused);
    EXPECT_EQ(refused.error().error, "invalid_client");
    server.on("/token", 503, "{}");
    EXPECT_EQ(mint(service()).error().kind, TokenFailure::Kind::unavailable);
    auto definition = service();
    definition.oauth2->grant.type = "unheard_of";
    const auto unknown = mint(definition);
    EXPECT_EQ(unknown.error().kind, TokenFailure::Kind::not_sent);
    EXPECT_EQ(unknown.error().shown.code, ErrorCode::unsupported);
    EXPECT_EQ(server.requests("/token").size(), 2U);
}

}  // namespace
}  // namespace claviger::connection::testing
