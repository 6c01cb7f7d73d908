#include "provider/dialects/flat.hpp"

#include <gtest/gtest.h>

#include "provider/dialects/afps_v1.hpp"
#include "provider/read.hpp"

namespace claviger::provider {
namespace {

ProviderDefinition read_one(const std::string& text) {
    const ReadResult result = read_definition(text);
    EXPECT_TRUE(result.ok()) << format_findings(result.findings, "");
    EXPECT_EQ(result.dialect, "flat");
    return result.definitions.empty() ? ProviderDefinition{} : result.definitions.front();
}

std::string native(const ProviderDefinition& definition) { return json::to_text(to_native_json(definition)); }

const std::string kFull = R"({"id":"@acme/my-api","displayName":"Acme","authMode":"oauth2","version":"2.0.1","description":"d","author":"A",
    "iconUrl":"https://acme.com/i.png","docsUrl":"https://acme.com/docs","categories":["crm"],"authorizedUris":["https://api.acme.com/*"],
    "allowAllUris":false,"credentialHeaderName":"Authorization","credentialHeaderPrefix":"Acme","authorizationUrl":"https://acme.com/a",
    "tokenUrl":"https://acme.com/t","refreshUrl":"https://acme.com/r","defaultScopes":["a"],"scopeSeparator":",","pkceEnabled":false,
    "tokenAuthMethod":"client_secret_basic","tokenContentType":"application/json","authorizationParams":{"p":"1"},"tokenParams":{"q":"2"},
    "availableScopes":[{"value":"a","label":"A"}],"connectionMode":"user")";

TEST(Flat, the_full_payload_is_read_and_written) {
    const ReadResult result = read_definition(kFull + "}");
    ASSERT_TRUE(result.ok()) << format_findings(result.findings, "");
    EXPECT_TRUE(result.findings.empty()) << format_findings(result.findings, "");
    const auto& definition = result.definitions.at(0);
    EXPECT_EQ(definition.name, "my-api");
    EXPECT_EQ(definition.categories, (std::vector<std::string>{"crm"}));
    EXPECT_EQ(definition.oauth2->refresh_url, "https://acme.com/r");
    EXPECT_EQ(definition.oauth2->token_content_type, BodyFormat::json);
    EXPECT_EQ(definition.oauth2->token_params, (StringMap{{"q", "2"}}));
    EXPECT_EQ(definition.oauth2->available_scopes.at(0).value, "a");
    EXPECT_EQ(definition.inject.headers, (StringMap{{"Authorization", "Acme {{access_token}}"}}));
    EXPECT_TRUE(write_flat(definition).value().lost.empty());

    const auto again = json::parse(to_flat_payload(definition));
    EXPECT_EQ(json::at_pointer(*again, "/id")->get_string(), "@acme/my-api");
    EXPECT_EQ(json::at_pointer(*again, "/version")->get_string(), "2.0.1");
    EXPECT_EQ(json::at_pointer(*again, "/author")->get_string(), "A");
    EXPECT_EQ(security_digest(read_one(to_flat_payload(definition))), security_digest(definition));

    const auto packaged = read_definition(to_afps_v1_manifest(definition));
    ASSERT_TRUE(packaged.ok()) << format_findings(packaged.findings, "");
    EXPECT_EQ(security_digest(packaged.definitions.at(0)), security_digest(definition));
}

TEST(Flat, client_credentials_never_enter_a_definition) {
    const ReadResult result = read_definition(kFull + R"(,"clientId":"id-7f3a","clientSecret":"canary-91c4"})");
    ASSERT_TRUE(result.ok());
    ASSERT_EQ(result.findings.size(), 2u);
    for (const Finding& finding : result.findings) {
        EXPECT_EQ(finding.severity, Severity::warning);
        EXPECT_EQ(finding.code, "client_credentials");
        EXPECT_NE(finding.message.find("client credentials belong to login"), std::string::npos);
    }
    const std::string everything = native(result.definitions.at(0)) + to_flat_payload(result.definitions[0]) +
                                   to_afps_v1_manifest(result.definitions[0]) + format_findings(result.findings, "f");
    EXPECT_EQ(everything.find("canary-91c4"), std::string::npos);
    EXPECT_EQ(everything.find("id-7f3a"), std::string::npos);
}

TEST(Flat, nor_from_a_manifest_wherever_they_stand) {
    for (const char* text : {
             R"({"name":"@acme/a","version":"1.0.0","type":"provider","clientSecret":"canary-91c4","definition":{"authMode":"oauth2","client_id":"canary-91c4",
                "oauth2":{"authorizationUrl":"https://acme.com/a","tokenUrl":"https://acme.com/t","clientSecret":"canary-91c4"},
                "credentialHeaderName":"Authorization","credentialHeaderPrefix":"Bearer","authorizedUris":["https://api.acme.com/*"]}})",
             R"({"name":"@acme/a","version":"1.0.0","type":"integration","client_secret":"canary-91c4","source":{"kind":"none"},"auths":{"p":{"type":"oauth2",
                "authorization_endpoint":"https://acme.com/a","token_endpoint":"https://acme.com/t","client_secret":"canary-91c4","authorized_uris":["https://api.acme.com/*"],
                "delivery":{"http":{"in":"header","name":"Authorization","prefix":"Bearer ","value":"{$credential.access_token}"}}}}})"}) {
        const ReadResult result = read_definition(text);
        ASSERT_TRUE(result.ok()) << format_findings(result.findings, "");
        EXPECT_GE(result.findings.size(), 2u);
        EXPECT_EQ((native(result.definitions.at(0)) + format_findings(result.findings, "")).find("canary-91c4"), std::string::npos);
    }
}

TEST(Flat, the_shortest_payload_has_a_form_of_one_key) {
    const auto definition = read_one(R"({"id":"@acme/my-api","displayName":"Acme Internal API","authMode":"api_key",
        "credentialHeaderName":"Authorization","credentialHeaderPrefix":"Bearer","authorizedUris":["https://api.acme.com/*"]})");
    EXPECT_EQ(definition.credentials.field_name, "api_key");
    EXPECT_EQ(definition.api_key->header_prefix, "Bearer");
    EXPECT_EQ(native(read_one(to_flat_payload(definition))), native(definition));
}

TEST(Flat, other_modes_round_trip) {
    for (const char* text : {
             R"({"id":"@acme/a","displayName":"A","authMode":"oauth1","requestTokenUrl":"https://acme.com/r","accessTokenUrl":"https://acme.com/t",
                "authorizationUrl":"https://acme.com/a","authorizationParams":{"x":"y"},"authorizedUris":["https://api.acme.com/*"]})",
             R"({"id":"@acme/a","displayName":"A","authMode":"basic","authorizedUris":["https://api.acme.com/*"]})",
             R"({"id":"@acme/a","displayName":"A","authMode":"custom","credentialSchema":{"type":"object","properties":{"url":{},"key":{}}},
                "credentialFieldName":"key","credentialHeaderName":"X-Key","allowAllUris":true})",
             R"({"id":"@acme/a","displayName":"A","authMode":"api_key","credentialSchema":{"type":"object","properties":{"user":{},"key":{}}},
                "credentialFieldName":"key","credentialTransform":{"template":"{{user}}:{{key}}","encoding":"base64"},
                "credentialHeaderName":"Authorization","credentialHeaderPrefix":"Basic","authorizedUris":["https://api.acme.com/*"]})"}) {
        const auto definition = read_one(text);
        EXPECT_EQ(native(read_one(to_flat_payload(definition))), native(definition)) << text;
        EXPECT_TRUE(write_flat(definition).value().lost.empty()) << text;
    }
}

TEST(Flat, PK07_what_the_original_accepts_silently_is_an_error_here) {
    const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
        {R"({"id":"@acme/a","displayName":"A","authMode":"oauth2"})", "/authorizationUrl", "required"},
        {R"({"id":"@acme/a","displayName":"A","authMode":"oauth2"})", "/tokenUrl", "required"},
        {R"({"id":"@acme/a","displayName":"A","authMode":"oauth2","authorizationUrl":"http://acme.com/a","tokenUrl":"https://acme.com/t"})", "/authorizationUrl", "not_https"},
        {R"({"id":"foo","displayName":"A","authMode":"basic"})", "/id", "bad_name"},
        {R"({"displayName":"A","authMode":"basic"})", "/id", "required"},
        {R"({"id":"@acme/a","authMode":"basic"})", "/displayName", "required"},
        {R"({"id":"@acme/a","displayName":"A","authMode":"magic"})", "/authMode", "not_allowed"},
        {R"({"id":"@acme/a","displayName":"A","authMode":"custom"})", "/credentialSchema", "required"},
        {R"({"id":"@acme/a","displayName":"A","authMode":"basic","version":"one"})", "/version", "bad_version"},
    };
    for (const auto& [text, pointer, code] : cases) {
        const ReadResult result = read_definition(text);
        bool found = false;
        for (const Finding& finding : result.findings)
            found = found || (finding.pointer == pointer && finding.code == code && finding.severity == Severity::error);
        EXPECT_TRUE(found) << text << "\nexpected " << pointer << " " << code << ", got\n" << format_findings(result.findings, "");
    }
    const ReadResult typo = read_definition(R"({"id":"@acme/a","displayName":"A","authMode":"basic","authorizedUri":["https://api.acme.com/*"]})");
    bool hinted = false;
    for (const Finding& finding : typo.findings)
        hinted = hinted || (finding.code == "unknown_key" && finding.message.find("authorizedUris") != std::string::npos);
    EXPECT_TRUE(hinted) << format_findings(typo.findings, "");
}

}  // namespace
}  // namespace claviger::provider
