// Which values of a connection are looked for in answers (PX-20).
#include "inject/reflection.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "inject/test_connection.hpp"
#include "json/parse.hpp"

namespace claviger::inject {
namespace {

using namespace testing;
using provider::AuthType;

std::string masked(const scrub::NeedlesPtr& needles, std::string text) {
    if (needles) needles->mask(text);
    return text;
}

std::string stars(std::string_view text) { return std::string(text.size(), '*'); }

struct ReflectionTest : ::testing::Test {
    base::FakeRandom random;
    scrub::NeedlesPtr of(const provider::ProviderDefinition& definition, const connection::Connection& connection,
                         const connection::ClientRecord* client = nullptr) {
        return reflections_of(definition, connection, client, random);
    }
};

TEST_F(ReflectionTest, tokens) {
    const auto definition = definition_of(AuthType::oauth2);
    auto connection = connection_to(definition, {});
    connection.access_token = base::Secret("the-access-token-1");
    connection.refresh_token = base::Secret("the-refresh-token-1");
    connection.client_id = "client-id-of-ours";
    connection.captured = {{"instance_url", "https://eu1.acme.example"}};
    const auto needles = of(definition, connection);
    EXPECT_EQ(masked(needles, "Bearer the-access-token-1"), "Bearer " + stars("the-access-token-1"));
    EXPECT_EQ(masked(needles, R"({"refresh_token":"the-refresh-token-1"})"), R"({"refresh_token":")" + stars("the-refresh-token-1") + R"("})");
    EXPECT_EQ(masked(needles, "client-id-of-ours https://eu1.acme.example"), "client-id-of-ours https://eu1.acme.example");
}

TEST_F(ReflectionTest, basic_decoded_and_encoded) {
    const auto definition = definition_of(AuthType::basic);
    const auto needles = of(definition, connection_to(definition, {{"username", "someone@acme.example"}, {"password", "p4ss-w0rd!"}}));
    const std::string pair = "someone@acme.example:p4ss-w0rd!";
    EXPECT_EQ(masked(needles, "Basic " + base::base64_encode(pair)).find(base::base64_encode("p4ss").substr(0, 5)), std::string::npos);
    EXPECT_EQ(masked(needles, base::base64_encode(pair)).find_first_not_of("*="), std::string::npos);
    EXPECT_EQ(masked(needles, "<" + pair + ">"), "<" + stars(pair) + ">");
    EXPECT_EQ(masked(needles, R"({"user":"someone@acme.example","password":"p4ss-w0rd!"})"), R"({"user":"someone@acme.example","password":"**********"})")
        << "a user name is no secret";
}

TEST_F(ReflectionTest, a_key_as_user_name_of_basic) {
    const auto definition = definition_of(AuthType::basic);
    const auto needles = of(definition, connection_to(definition, {{"username", "sk_live_1234567890"}, {"password", ""}}));
    EXPECT_EQ(masked(needles, "sk_live_1234567890"), stars("sk_live_1234567890"));
}

TEST_F(ReflectionTest, templates_and_transforms) {
    auto definition = definition_of(AuthType::custom);
    definition.credentials.schema = *json::parse(R"({"type":"object","properties":{"account_id":{"type":"string"},"auth_token":{"type":"string","secret":true}}})");
    definition.inject.present = true;
    definition.inject.headers = {{"X-Version", "2024-10-01-long"}, {"X-Account", "{{account_id}}"}, {"Authorization", "Token token={{auth_token}}, v=1"}};
    definition.inject.query = {{"key", "{{account_id}}.{{auth_token}}"}};
    const auto connection = connection_to(definition, {{"account_id", "AC0123456789abcdef"}, {"auth_token", "fedcba9876543210"}});
    const auto needles = of(definition, connection);
    EXPECT_EQ(masked(needles, "2024-10-01-long AC0123456789abcdef fedcba9876543210"), "2024-10-01-long AC0123456789abcdef ****************");

    definition.credentials.field_name = "auth_token";
    definition.credentials.transform = provider::Transform{"{{account_id}}:{{auth_token}}", "base64"};
    definition.inject = {};
    const auto transformed = of(definition, connection);
    const auto sent = base::base64_encode("AC0123456789abcdef:fedcba9876543210");
    EXPECT_EQ(masked(transformed, "Basic " + sent), "Basic " + stars(sent));
    EXPECT_EQ(masked(transformed, "AC0123456789abcdef"), "AC0123456789abcdef");
}

TEST_F(ReflectionTest, secrets_that_sign) {
    auto definition = definition_of(AuthType::oauth1);
    auto connection = connection_to(definition, {{"access_token_secret", "token-secret-123"}});
    connection.access_token = base::Secret("token-of-oauth1");
    connection::ClientRecord client;
    client.client_secret = base::Secret("consumer-secret-123");
    const auto needles = of(definition, connection, &client);
    EXPECT_EQ(masked(needles, "token-of-oauth1 token-secret-123 consumer-secret-123"), "*************** **************** *******************");
}

TEST_F(ReflectionTest, secret_variables) {
    auto definition = definition_of(AuthType::api_key);
    provider::Variable open, hidden;
    open.name = "region";
    hidden.name = "hook";
    hidden.secret = true;
    definition.vars = {open, hidden};
    auto connection = connection_to(definition, {{"api_key", "key-1234567890"}});
    connection.variables = {{"region", "eu-west-1-long"}, {"hook", "hook-secret-1"}};
    EXPECT_EQ(masked(of(definition, connection), "eu-west-1-long hook-secret-1 key-1234567890"), "eu-west-1-long ************* **************");
}

TEST_F(ReflectionTest, nothing_long_enough) {
    const auto definition = definition_of(AuthType::api_key);
    EXPECT_EQ(of(definition, connection_to(definition, {{"api_key", "short"}})), nullptr);
}

}  // namespace
}  // namespace claviger::inject
