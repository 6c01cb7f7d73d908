#include "provider/dialects/afps_v1.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "provider/dialects/package.hpp"
#include "provider/read.hpp"

namespace claviger::provider {
namespace {

// A manifest around a `definition` block; `more` is put before it.
std::string manifest(const std::string& block, const std::string& more = "") {
    return R"({"name":"@acme/my-api","version":"1.2.3","type":"provider","displayName":"Acme",)" + more +
           R"("definition":)" + block + "}";
}

std::string api_key_block(const std::string& more) {
    return R"({"authMode":"api_key","credentials":{"schema":{"type":"object","properties":{"api_key":{"type":"string"},)"
           R"("site":{"type":"string"}}}},"authorizedUris":["https://api.acme.com/*"])" + more + "}";
}

ProviderDefinition read_one(const std::string& text) {
    const ReadResult result = read_definition(text);
    EXPECT_TRUE(result.ok()) << format_findings(result.findings, "");
    EXPECT_EQ(result.dialect, "afps-v1");
    return result.definitions.empty() ? ProviderDefinition{} : result.definitions.front();
}

std::string native(const ProviderDefinition& definition) { return json::to_text(to_native_json(definition)); }

const std::string kOAuth2 =
    R"({"authMode":"oauth2","oauth2":{"authorizationUrl":"https://acme.com/authorize","tokenUrl":"https://acme.com/token"},)"
    R"("credentialHeaderName":"Authorization","credentialHeaderPrefix":"Bearer","authorizedUris":["https://api.acme.com/*"]})";

TEST(AfpsV1, oauth2_defaults_are_those_of_the_format) {
    const auto definition = read_one(manifest(kOAuth2));
    EXPECT_EQ(definition.name, "my-api");
    EXPECT_EQ(definition.display_name, "Acme");
    EXPECT_EQ(definition.auth_type, AuthType::oauth2);
    EXPECT_EQ(definition.flow, Flow::pkce);
    ASSERT_TRUE(definition.oauth2);
    EXPECT_TRUE(definition.oauth2->pkce);
    EXPECT_EQ(definition.oauth2->scope_separator, " ");
    EXPECT_EQ(definition.oauth2->token_auth_method, TokenAuthMethod::client_secret_post);
    EXPECT_EQ(definition.oauth2->token_content_type, BodyFormat::form);
    EXPECT_TRUE(definition.oauth2->client_secret_required);
    EXPECT_FALSE(definition.inject.present) << "Authorization: Bearer is the default already";
    EXPECT_EQ(definition.uri_pattern_dialect, "");
}

TEST(AfpsV1, every_oauth2_member_has_its_place) {
    const auto definition = read_one(manifest(R"({"authMode":"oauth2","oauth2":{
        "authorizationUrl":"https://acme.com/authorize?x=1","tokenUrl":"https://acme.com/token","refreshUrl":"https://acme.com/refresh",
        "defaultScopes":["a","b"],"scopeSeparator":",","pkceEnabled":false,"tokenAuthMethod":"client_secret_basic",
        "tokenContentType":"application/json","authorizationParams":{"prompt":"consent"},"tokenParams":{"t":"1"}},
        "credentialHeaderName":"X-Auth","credentialHeaderPrefix":" Acme ","authorizedUris":["https://api.acme.com/**"],
        "availableScopes":[{"value":"a","label":"All"}],"uploadProtocols":["tus"],"x-note":7})"));
    const OAuth2& oauth = *definition.oauth2;
    EXPECT_EQ(oauth.refresh_url, "https://acme.com/refresh");
    EXPECT_EQ(oauth.scopes, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(oauth.scope_separator, ",");
    EXPECT_FALSE(oauth.pkce);
    EXPECT_EQ(oauth.token_auth_method, TokenAuthMethod::client_secret_basic);
    EXPECT_EQ(oauth.token_content_type, BodyFormat::json);
    EXPECT_EQ(oauth.authorization_params, (StringMap{{"prompt", "consent"}}));
    EXPECT_EQ(oauth.token_params, (StringMap{{"t", "1"}}));
    EXPECT_EQ(oauth.available_scopes.at(0).label, "All");
    EXPECT_EQ(definition.inject.headers, (StringMap{{"X-Auth", "Acme {{access_token}}"}}));
}

struct HeaderCase { std::string more, header, prefix; StringMap inject; bool present; };

TEST(AfpsV1, the_key_goes_where_the_header_says) {
    const std::vector<HeaderCase> cases = {
        {R"(,"credentialHeaderName":"X-Key")", "X-Key", "", {}, false},
        {R"(,"credentialHeaderName":"Authorization","credentialHeaderPrefix":"Bearer ")", "Authorization", "Bearer", {}, false},
        {R"(,"credentialHeaderName":"Authorization","credentialHeaderPrefix":"Token token=")", "Authorization", "Token token=",
         {{"Authorization", "Token token={{api_key}}"}}, true},
        {R"(,"credentialHeaderName":"Authorization","credentialHeaderPrefix":"Basic","credentialTransform":{"template":"{{api_key}}:X","encoding":"base64"})",
         "Authorization", "Basic", {}, false},
    };
    for (const auto& expected : cases) {
        SCOPED_TRACE(expected.more);
        const auto definition = read_one(manifest(api_key_block(expected.more)));
        ASSERT_TRUE(definition.api_key);
        EXPECT_EQ(definition.api_key->header_name, expected.header);
        EXPECT_EQ(definition.api_key->header_prefix, expected.prefix);
        EXPECT_EQ(definition.inject.headers, expected.inject);
        EXPECT_EQ(definition.inject.present, expected.present);
        EXPECT_EQ(definition.credentials.field_name, "api_key");
        EXPECT_EQ(native(read_one(to_afps_v1_manifest(definition))), native(definition));
    }
}

TEST(AfpsV1, without_a_header_nothing_is_injected_and_a_warning_says_so) {
    const ReadResult result = read_definition(manifest(api_key_block("")));
    ASSERT_TRUE(result.ok());
    ASSERT_EQ(result.findings.size(), 1u);
    EXPECT_EQ(result.findings[0].code, "no_injection");
    EXPECT_FALSE(result.definitions[0].api_key);
    EXPECT_TRUE(result.definitions[0].inject.present);
    EXPECT_TRUE(result.definitions[0].inject.headers.empty());
}

std::string basic_block(const std::string& fields, const std::string& more = "") {
    return R"({"authMode":"basic","credentials":{"schema":{"type":"object","properties":{)" + fields +
           R"(}}},"authorizedUris":["https://api.acme.com/*"])" + more + "}";
}

TEST(AfpsV1, basic_is_encoded_whatever_its_fields_are_called) {
    const auto usual = read_one(manifest(basic_block(R"("username":{},"password":{})",
        R"(,"credentialHeaderName":"Authorization","credentialHeaderPrefix":"Basic")")));
    EXPECT_FALSE(usual.inject.present);
    EXPECT_FALSE(usual.credentials.transform);

    const auto other = read_one(manifest(basic_block(R"("email":{},"token":{})")));
    ASSERT_TRUE(other.credentials.transform);
    EXPECT_EQ(other.credentials.transform->template_text, "{{email}}:{{token}}");
    EXPECT_EQ(other.credentials.transform->encoding, "base64");
    EXPECT_EQ(other.inject.headers, (StringMap{{"Authorization", "Basic {{token}}"}}));

    const auto single = read_one(manifest(basic_block(R"("key":{})")));
    EXPECT_EQ(single.credentials.transform->template_text, "{{key}}:");

    const auto header = read_one(manifest(basic_block(R"("username":{},"password":{})", R"(,"credentialHeaderName":"X-Auth")")));
    EXPECT_EQ(header.inject.headers, (StringMap{{"X-Auth", "Basic {{password}}"}}));

    for (const auto& definition : {usual, other, single, header})
        EXPECT_EQ(native(read_one(to_afps_v1_manifest(definition))), native(definition));
}

TEST(AfpsV1, oauth1_signs_and_custom_fills_its_header) {
    const auto oauth1 = read_one(manifest(R"({"authMode":"oauth1","oauth1":{"requestTokenUrl":"https://acme.com/r",
        "accessTokenUrl":"https://acme.com/a","authorizationUrl":"https://acme.com/z","authorizationParams":{"scope":"read"}},
        "authorizedUris":["https://api.acme.com/*"]})"));
    EXPECT_EQ(oauth1.flow, Flow::oauth1);
    EXPECT_EQ(oauth1.inject.sign, "oauth1");
    EXPECT_EQ(oauth1.oauth1->authorization_params, (StringMap{{"scope", "read"}}));
    EXPECT_EQ(native(read_one(to_afps_v1_manifest(oauth1))), native(oauth1));

    const auto custom = read_one(manifest(R"({"authMode":"custom","credentials":{"schema":{"type":"object","properties":
        {"url":{},"secret":{}}},"fieldName":"secret"},"credentialHeaderName":"X-Secret","allowAllUris":true})"));
    EXPECT_EQ(custom.inject.headers, (StringMap{{"X-Secret", "{{secret}}"}}));
    EXPECT_TRUE(custom.allow_all_uris);
    EXPECT_EQ(native(read_one(to_afps_v1_manifest(custom))), native(custom));
}

TEST(AfpsV1, patterns_follow_the_schema_version) {
    for (const auto& [version, dialect] : std::vector<std::pair<std::string, std::string>>{
             {"1.0", ""}, {"1.1", ""}, {"1.2", ""}, {"1.3", "afps-1.3"}, {"1.5", "afps-1.3"}, {"1.10", "afps-1.3"}}) {
        const auto definition = read_one(manifest(kOAuth2, R"("schemaVersion":")" + version + "\","));
        EXPECT_EQ(definition.uri_pattern_dialect, dialect) << version;
        EXPECT_EQ(native(read_one(to_afps_v1_manifest(definition))), native(definition)) << version;
    }
}

TEST(AfpsV1, what_the_model_has_no_place_for_comes_back) {
    const std::string text = manifest(R"({"authMode":"oauth2","oauth2":{"authorizationUrl":"https://acme.com/a","tokenUrl":"https://acme.com/t","x-o":[1]},
        "availableScopes":[{"value":"a","label":"A","x-s":true}],"uploadProtocols":["tus"],"adminCredentialSchema":{"type":"object"},
        "credentialHeaderName":"Authorization","credentialHeaderPrefix":"Bearer","authorizedUris":["https://api.acme.com/*"],"x-d":{}})",
        R"("license":"MIT","keywords":["k"],"author":"A","repository":"r","dependencies":{"skills":{}},"x-top":{"a":1},
        "setupGuide":{"callbackUrlHint":"set {{callbackUrl}}","steps":[{"label":"go","url":"https://acme.com/","x-step":2}],"x-guide":null,"x-g":3},)");
    const auto definition = read_one(text);
    const auto written = json::parse(to_afps_v1_manifest(definition));
    ASSERT_TRUE(written);
    for (const char* pointer : {"/license", "/keywords/0", "/author", "/repository", "/dependencies/skills", "/x-top/a",
                                "/definition/x-d", "/definition/oauth2/x-o/0", "/definition/availableScopes/0/x-s",
                                "/definition/uploadProtocols/0", "/definition/adminCredentialSchema/type",
                                "/setupGuide/steps/0/x-step", "/setupGuide/x-g"})
        EXPECT_NE(json::at_pointer(*written, pointer), nullptr) << pointer;
    EXPECT_EQ(json::at_pointer(*written, "/name")->get_string(), "@acme/my-api");
    EXPECT_EQ(json::at_pointer(*written, "/version")->get_string(), "1.2.3");
    EXPECT_EQ(native(read_one(json::to_text(*written))), native(definition));
}

TEST(AfpsV1, kept_members_cannot_bring_in_what_nobody_checked) {
    auto definition = read_one(manifest(kOAuth2));
    definition.unknown["/definition"] = json::Object{{"allowAllUris", true}, {"x-fine", 1}};
    definition.unknown["/definition/oauth2"] = json::Object{{"refreshUrl", "https://evil.example/"}};
    definition.unknown["/definition/authorizedUris/7"] = json::Object{{"a", 1}};
    const auto again = read_one(to_afps_v1_manifest(definition));
    EXPECT_FALSE(again.allow_all_uris);
    EXPECT_EQ(again.oauth2->refresh_url, "");
    EXPECT_TRUE(json::at_pointer(again.unknown, "/~1definition/x-fine"));
}

struct Wrong { std::string text, pointer, code, says; };

TEST(AfpsV1, PK07_errors_name_the_place_and_say_what_to_do) {
    const std::string urls = R"("authorizationUrl":"https://acme.com/a","tokenUrl":"https://acme.com/t")";
    const std::vector<Wrong> cases = {
        {manifest(R"({"authMode":"oauth2"})"), "/definition/oauth2/authorizationUrl", "required",
         "definition.oauth2.authorizationUrl is required"},
        {manifest(R"({"authMode":"oauth2",)" + urls + "}"), "/definition/oauth2/authorizationUrl", "required",
         "definition.oauth2.authorizationUrl is required; move \"authorizationUrl\" from \"definition\" into definition.oauth2"},
        {manifest(R"({"authMode":"oauth2",)" + urls + "}"), "/definition/tokenUrl", "misplaced", "move it to definition.oauth2.tokenUrl"},
        {manifest(R"({"authMode":"oauth2","oauth2":{)" + urls + R"(},"defaultScopes":["a"]})"), "/definition/defaultScopes",
         "misplaced", "move it to definition.oauth2.defaultScopes"},
        {manifest(R"({"authMode":"oauth2","oauth2":{"authorizationUrl":"","tokenUrl":"https://acme.com/t"}})"),
         "/definition/oauth2/authorizationUrl", "required", "is required"},
        {manifest(R"({"authMode":"oauth2","oauth2":{"authorizationUrl":"https://acme.com/a"}})"), "/definition/oauth2/tokenUrl",
         "required", "definition.oauth2.tokenUrl is required"},
        {manifest(R"({"authMode":"oauth2","oauth2":7})"), "/definition/oauth2", "wrong_type", "must be an object"},
        {manifest(R"({"authMode":"oauth2","oauth2":{)" + urls + R"(,"tokenAuthMethod":"client_secret_jwt"}})"),
         "/definition/oauth2/tokenAuthMethod", "not_allowed", "client_secret_post"},
        {manifest(R"({"authMode":"oauth2","oauth2":{"authorizationUrl":"http://acme.com/a","tokenUrl":"https://acme.com/t"}})"),
         "/definition/oauth2/authorizationUrl", "not_https", "https"},
        {manifest(R"({"authMode":"oauth1","oauth1":{"requestTokenUrl":"https://acme.com/r","accessTokenUrl":"https://acme.com/a"}})"),
         "/definition/oauth1/authorizationUrl", "required", "definition.oauth1.authorizationUrl is required"},
        {manifest(R"({"authMode":"oauth1"})"), "/definition/oauth1/requestTokenUrl", "required", "definition.oauth1"},
        {manifest(R"({"authMode":"api_key"})"), "/definition/credentials", "required", "definition.credentials is required"},
        {manifest(R"({"authMode":"api_key","credentialSchema":{"type":"object"}})"), "/definition/credentialSchema", "misplaced",
         "definition.credentials.schema"},
        {manifest(R"({"authMode":"custom","credentials":{}})"), "/definition/credentials/schema", "required", "definition.credentials.schema"},
        {manifest(R"({"authMode":"api_key","credentials":{"schema":{"type":"object","properties":{"a":{},"b":{}}}}})"),
         "/definition/credentials/fieldName", "required", "definition.credentials.fieldName is required"},
        {manifest(R"({"authMode":"api_key","credentials":{"schema":{"type":"object","properties":{"a":{}}},"fieldName":"token"}})"),
         "/definition/credentials/fieldName", "unknown_field", "\"token\""},
        {manifest(api_key_block(R"(,"credentialTransform":{"template":"","encoding":"base64"})")),
         "/definition/credentialTransform/template", "required", "required"},
        {manifest(api_key_block(R"(,"credentialTransform":{"template":"x","encoding":"hex"})")),
         "/definition/credentialTransform/encoding", "not_allowed", "base64"},
        {manifest(R"({"authMode":"oauth"})"), "/definition/authMode", "not_allowed", "oauth2"},
        {manifest("{}"), "/definition/authMode", "required", "definition.authMode is required"},
        {manifest("[]"), "/definition", "wrong_type", "must be an object"},
        {R"({"type":"provider"})", "/definition", "required", "definition is required"},
        {R"({"type":"provider","name":"acme","definition":{}})", "/name", "bad_name", "@scope/name"},
        {R"({"type":"provider","name":"@acme/Bad_Name","definition":{}})", "/name", "bad_name", "@scope/name"},
        {R"({"type":"provider","name":"@acme/../../etc","definition":{}})", "/name", "bad_name", "@scope/name"},
        {R"({"type":"provider","version":"1.0","definition":{}})", "/version", "bad_version", "1.0.0"},
        {R"({"type":"provider","schemaVersion":"2.0","definition":{}})", "/schemaVersion", "unsupported_version", "1.0"},
        {R"({"type":"skill","definition":{}})", "/type", "not_a_provider", "provider"},
    };
    for (const auto& wrong : cases) {
        SCOPED_TRACE(wrong.text);
        const ReadResult result = read_definition(wrong.text);
        EXPECT_FALSE(result.ok());
        EXPECT_TRUE(result.definitions.empty());
        bool found = false;
        for (const Finding& finding : result.findings)
            found = found || (finding.pointer == wrong.pointer && finding.code == wrong.code && finding.place.line > 0 &&
                              finding.message.find(wrong.says) != std::string::npos);
        EXPECT_TRUE(found) << "expected " << wrong.pointer << " " << wrong.code << ", got\n" << format_findings(result.findings, "");
    }
}

TEST(AfpsV1, PK07_all_errors_come_at_once) {
    const ReadResult result = read_definition(manifest(R"({"authMode":"oauth2","authorizationUrl":"https://acme.com/a",
        "tokenUrl":"https://acme.com/t","pkceEnabled":true,"authorizedUris":"https://api.acme.com/*"})"));
    std::vector<std::string> pointers;
    for (const Finding& finding : result.findings)
        if (finding.severity == Severity::error) pointers.push_back(finding.pointer);
    std::sort(pointers.begin(), pointers.end());
    EXPECT_EQ(pointers, (std::vector<std::string>{"/definition/authorizationUrl", "/definition/authorizedUris",
                                                  "/definition/oauth2/authorizationUrl", "/definition/oauth2/tokenUrl",
                                                  "/definition/pkceEnabled", "/definition/tokenUrl"}));
}

}  // namespace
}  // namespace claviger::provider
