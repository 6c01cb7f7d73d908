// Service accounts: RFC 7523 section 2.1 and RFC 8693 (OA-26).
#include <array>

#include "connection/connect_code_test_support.hpp"
#include "connection/mint.hpp"
#include "crypto/jwk.hpp"
#include "crypto/jws.hpp"

namespace claviger::connection::testing {
namespace {

using crypto::Jwk;

class ServiceGrants : public Code {
protected:
    // A definition whose form is one of a service account; the grant's rules are a test's.
    provider::ProviderDefinition account(const std::string& type) {
        auto definition = define(fmt::format(
            R"({{"name":"acme","display_name":"Acme","auth_type":"oauth2","flow":"client_credentials","api_url":"api.acme.example",
                "oauth":{{"token_url":"{0}/token","scopes":["read","write"]}},
                "credentials":{{"schema":{{"type":"object","required":["email","private_key"],"properties":{{"email":{{"type":"string"}},
                "private_key":{{"type":"string","contentMediaType":"application/x-pem-file"}},"subject_token":{{"type":"string"}}}}}}}}}})", server.origin()));
        definition.oauth2->grant.type = type;
        return definition;
    }
    Jwk key = Jwk::generate_p256().value();
};

TEST_F(ServiceGrants, OA26_a_login_by_a_signed_assertion_needs_no_client) {
    auto definition = account("jwt_bearer");
    auto& rule = definition.oauth2->grant.assertion;
    rule.issuer = "{{email}}";
    rule.claims = {{"scope", "{{scope}}"}};
    rule.lifetime_seconds = 3600;
    dialog.queue = {{{"email", "robot@acme.example"}, {"private_key", std::string(key.private_json()->reveal())}}};
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto form = server.requests("/token").at(0).form;
    EXPECT_EQ(form.at("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    EXPECT_EQ(form.size(), 2U) << "no client, no scope beside the claim";
    const auto jws = crypto::read_jws(form.at("assertion")).value();
    EXPECT_TRUE(crypto::verify_jws(jws, key, std::array{crypto::SignatureAlgorithm::es256}));
    const auto claims = json::parse(jws.payload).value().get_object();
    EXPECT_EQ(json::string_at(claims, "iss"), "robot@acme.example");
    EXPECT_EQ(json::string_at(claims, "aud"), server.origin() + "/token");
    EXPECT_EQ(json::string_at(claims, "scope"), "read write");
    EXPECT_EQ(*json::int_at(claims, "exp") - *json::int_at(claims, "iat"), 300);
    // What is stored mints the next one.
    const auto stored = connections->load("acme", "default").value();
    EXPECT_TRUE(stored.access_token.equals("at-1"));
    ASSERT_TRUE(loop.run_until(mint_token({*http, clock, random}, definition, stored, {}, *net::Url::parse(stored.token_endpoint))));
    EXPECT_NE(server.requests("/token").at(1).form.at("assertion"), form.at("assertion"));
}

TEST_F(ServiceGrants, a_key_in_lines_is_taken_and_one_that_is_none_is_refused_before_anything_is_sent) {
    auto definition = account("jwt_bearer");
    definition.oauth2->grant.assertion.issuer = "{{email}}";
    dialog.queue = {{{"email", "robot\n@acme.example"}, {"private_key", "x"}}, {{"email", "robot@acme.example"}, {"private_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}}};
    const auto outcome = login(definition);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(dialog.complaints.size(), 1U);
    EXPECT_EQ(dialog.complaints.at(0).count("email"), 1U);
    EXPECT_NE(outcome.error().message.find("damaged"), std::string::npos) << outcome.error().message;
    EXPECT_TRUE(server.requests("/token").empty());
}

TEST_F(ServiceGrants, OA26_an_assertion_that_authorizes_the_request_stands_in_its_header_alone) {
    auto definition = account("jwt_header");
    definition.oauth2->scopes.clear();
    definition.oauth2->token_params = {{"permissions", "read"}};
    definition.oauth2->token_content_type = provider::BodyFormat::json;
    auto& rule = definition.oauth2->grant.assertion;
    rule.issuer = "{{email}}";
    rule.issued_ago_seconds = 60;
    dialog.queue = {{{"email", "12345"}, {"private_key", std::string(key.private_json()->reveal())}}};
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    const auto asked = server.requests("/token").at(0);
    EXPECT_EQ(asked.body, R"({"permissions":"read"})") << "no grant, no client";
    ASSERT_TRUE(asked.authorization.starts_with("Bearer ")) << asked.authorization;
    const auto jws = crypto::read_jws(asked.authorization.substr(7)).value();
    EXPECT_TRUE(crypto::verify_jws(jws, key, std::array{crypto::SignatureAlgorithm::es256}));
    const auto claims = json::parse(jws.payload).value().get_object();
    const auto now = clock.now().time_since_epoch().count() / 1000;
    EXPECT_EQ(json::string_at(claims, "iss"), "12345");
    EXPECT_EQ(json::int_at(claims, "iat"), now - 60);
    EXPECT_EQ(json::int_at(claims, "exp"), now + 240);
    EXPECT_FALSE(claims.contains("aud"));
}

TEST_F(ServiceGrants, a_jwt_of_its_own_making_is_the_token_and_nobody_is_asked) {
    auto definition = account("self_signed_jwt");
    auto& rule = definition.oauth2->grant.assertion;
    rule.issuer = "{{email}}.SHA256:{{public_key.sha256}}";
    rule.subject = "{{email}}";
    rule.lifetime_seconds = 120;
    rule.issued_ago_seconds = 20;
    dialog.queue = {{{"email", "ACCOUNT.USER"}, {"private_key", std::string(key.private_json()->reveal())}}};
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_TRUE(server.requests("/token").empty());
    const auto stored = connections->load("acme", "default").value();
    const auto jws = crypto::read_jws(stored.access_token.reveal()).value();
    EXPECT_TRUE(crypto::verify_jws(jws, key, std::array{crypto::SignatureAlgorithm::es256}));
    const auto claims = json::parse(jws.payload).value().get_object();
    EXPECT_EQ(json::string_at(claims, "iss"), "ACCOUNT.USER.SHA256:" + key.public_key_sha256());
    EXPECT_EQ(json::string_at(claims, "sub"), "ACCOUNT.USER");
    EXPECT_FALSE(claims.contains("aud"));
    EXPECT_EQ(*stored.expires_at, base::Instant(std::chrono::seconds(*json::int_at(claims, "exp"))));
    EXPECT_EQ(*json::int_at(claims, "exp"), clock.now().time_since_epoch().count() / 1000 + 100);
    // The next one is another.
    const auto next = loop.run_until(mint_token({*http, clock, random}, definition, stored, {}, *net::Url::parse(stored.token_endpoint)));
    ASSERT_TRUE(next) << next.error().shown.describe();
    EXPECT_FALSE(next->access_token.equals(stored.access_token.reveal()));
    EXPECT_TRUE(server.requests("/token").empty());
}

TEST_F(ServiceGrants, token_exchange_sends_the_token_of_another) {
    auto definition = account("token_exchange");
    definition.oauth2->grant.subject_token_type = "urn:ietf:params:oauth:token-type:jwt";
    definition.oauth2->grant.requested_token_type = "urn:ietf:params:oauth:token-type:access_token";
    definition.oauth2->audience = "urn:acme";
    dialog.queue = {{{"email", "robot@acme.example"}, {"private_key", "k"}, {"subject_token", "subject-1"}}};
    const auto outcome = login(definition);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_EQ(server.requests("/token").at(0).form,
              (Words{{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"}, {"subject_token", "subject-1"},
                     {"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"},
                     {"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"}, {"scope", "read write"}, {"audience", "urn:acme"}}));
}

}  // namespace
}  // namespace claviger::connection::testing
