#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "inject/injection.hpp"
#include "inject/placeholder.hpp"
#include "inject/test_connection.hpp"
#include "json/parse.hpp"

namespace claviger::inject {
namespace {

using namespace testing;
using provider::AuthType;
using Lines = std::vector<std::string>;

Lines exported(const provider::ProviderDefinition& definition, const connection::Connection& connection) {
    const auto values = export_values(definition, connection, kNow);
    if (!values) return {"error: " + values.error().message};
    Lines lines;
    for (const auto& value : *values) lines.push_back(value.name + "=" + std::string(value.value.reveal()));
    return lines;
}

using Names = std::set<std::string>;

Names names_under_run(const provider::ProviderDefinition& definition, const connection::Connection& connection) {
    Names names;
    for (const auto& [name, value] : placeholders(definition, connection)) names.insert(name);
    return names;
}

TEST(Export, CL04_what_the_definition_calls_no_secret_is_none_of_its_variables) {
    auto definition = definition_of(AuthType::custom);
    definition.name = "aws";
    definition.credentials.schema = json::parse(R"({"type":"object","properties":{"region":{"type":"string"},"access_key_id":{"type":"string","writeOnly":true},
                                                    "secret_access_key":{"type":"string","writeOnly":true}}})").value();
    auto names = credential_variables(definition);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (Lines{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}));
}

TEST(Export, default_names) {
    auto definition = definition_of(AuthType::oauth2);
    definition.name = "acme-crm.eu";
    auto token = connection_to(definition, {});
    token.access_token = base::Secret("T");
    token.refresh_token = base::Secret("R");
    EXPECT_EQ(exported(definition, token), Lines{"ACME_CRM_EU_ACCESS_TOKEN=T"});
    EXPECT_EQ(names_under_run(definition, token), Names{"ACME_CRM_EU_ACCESS_TOKEN"});

    auto key = definition_of(AuthType::api_key);
    EXPECT_EQ(exported(key, connection_to(key, {{"api_key", "K"}})), Lines{"ACME_API_KEY=K"});
    key.api_key.emplace().env_var = "ACME_KEY";
    EXPECT_EQ(exported(key, connection_to(key, {{"api_key", "K"}})), Lines{"ACME_KEY=K"});
    key.credentials.field_name = "bot_token";
    EXPECT_EQ(exported(key, connection_to(key, {{"bot_token", "B"}})), Lines{"ACME_KEY=B"});

    const auto basic = definition_of(AuthType::basic);
    EXPECT_EQ(exported(basic, connection_to(basic, {{"username", "u"}, {"password", "p"}})), (Lines{"ACME_USERNAME=u", "ACME_PASSWORD=p"}));

    auto custom = definition_of(AuthType::custom);
    EXPECT_EQ(names_under_run(custom, connection_to(custom, {})), Names{});
    custom.credentials.schema = json::Object{{"properties", json::Object{{"site-url", 1}, {"key", 1}, {"optional", 1}}}};
    EXPECT_EQ(names_under_run(custom, connection_to(custom, {})), (Names{"ACME_SITE_URL", "ACME_KEY", "ACME_OPTIONAL"}));
    EXPECT_EQ(exported(custom, connection_to(custom, {{"site-url", "s"}, {"key", "K"}})), (Lines{"ACME_SITE_URL=s", "ACME_KEY=K"}));

    auto digits = definition_of(AuthType::api_key);
    digits.name = "2acme";
    EXPECT_EQ(names_under_run(digits, connection_to(digits, {})), Names{"_2ACME_API_KEY"});
}

TEST(Export, names_of_the_definition) {
    auto definition = definition_of(AuthType::oauth2);
    definition.api_urls = {"*.acme.com", "api.acme.com/v1"};
    definition.exports = {{"ACME_TOKEN", "ACCESS_TOKEN"}, {"ACME_PAT", "api_token"}, {"ACME_REFRESH", "refresh_token"},
                          {"ACME_REFRESH2", "REFRESH_TOKEN"}, {"ACME_SECRET", "client_secret"}, {"ACME_URL", "BASE_URL"},
                          {"ACME_API", "api_url"}, {"ACME_TOKEN", "base_url"}, {"ACME_REGION", "region"}, {"ACME_NONE", "none"}};
    auto connection = connection_to(definition, {});
    connection.access_token = base::Secret("T");
    connection.refresh_token = base::Secret("canary");
    connection.variables = {{"base_url", "https://git.acme.com"}, {"region", "eu"}};
    EXPECT_EQ(exported(definition, connection),
              (Lines{"ACME_TOKEN=T", "ACME_PAT=T", "ACME_URL=https://git.acme.com", "ACME_API=https://api.acme.com/v1", "ACME_REGION=eu"}));
    EXPECT_EQ(names_under_run(definition, connection), (Names{"ACME_TOKEN", "ACME_PAT", "ACME_URL", "ACME_API", "ACME_REGION", "ACME_NONE"}));
}

TEST(Export, CL04_placeholders_look_like_keys_and_are_none) {
    using Values = std::map<std::string, std::string>;
    auto definition = definition_of(AuthType::api_key);
    definition.api_urls = {"api.acme.com/v1"};
    definition.exports = {{"ACME_KEY", "api_key"}, {"ACME_URL", "api_url"}, {"ACME_BASE", "base_url"}, {"9BAD", "api_key"}};
    definition.api_key.emplace().key_pattern = "^sk-[a-z]{8}$";
    EXPECT_EQ(placeholders(definition, connection_to(definition, {{"api_key", "sk-abcdefgh"}})),
              (Values{{"ACME_KEY", "sk-claviger"}, {"ACME_URL", "https://api.acme.com/v1"}}))
        << "an unknown base_url is left out";
    EXPECT_EQ(placeholders(definition, connection_to(definition, {{"api_key", "sk-claviger"}})).at("ACME_KEY"), "claviger-managed-") << "never the secret";
    definition.api_key->key_pattern = "\\pL{300}";
    EXPECT_EQ(placeholders(definition, connection_to(definition, {{"api_key", "K"}})).at("ACME_KEY"), "claviger-managed");
}

TEST(Export, the_raw_key_and_not_its_transform) {
    auto definition = definition_of(AuthType::api_key);
    definition.credentials.transform = provider::Transform{"{{api_key}}:X", "base64"};
    EXPECT_EQ(exported(definition, connection_to(definition, {{"api_key", "K"}})), Lines{"ACME_API_KEY=K"});
}

TEST(Export, names_are_environment_names) {
    for (const std::string name : {"A B", "A=B", "1A", "", "A;rm", "A\nB", "$(x)", "\xc3\x89"}) {
        auto definition = definition_of(AuthType::api_key);
        definition.exports = {{name, "api_key"}};
        EXPECT_FALSE(export_values(definition, connection_to(definition, {{"api_key", "K"}}), kNow)) << name;
    }
}

}  // namespace
}  // namespace claviger::inject
