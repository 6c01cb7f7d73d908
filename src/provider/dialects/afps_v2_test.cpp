#include "provider/dialects/afps_v2.hpp"

#include <ctime>

#include <gtest/gtest.h>

#include "provider/dialects/afps_v2_auth.hpp"
#include "provider/read.hpp"

namespace claviger::provider {
namespace {

std::string package(const std::string& auths, const std::string& source = R"({"kind":"api","api":{}})") {
    return R"({"name":"@acme/my-api","version":"1.0.0","type":"integration","schema_version":"2.0","display_name":"Acme",)"
           R"("source":)" + source + R"(,"auths":)" + auths + "}";
}

// One api_key auth with the given delivery.
std::string keyed(const std::string& delivery, const std::string& type = "api_key") {
    return package(R"({"primary":{"type":")" + type + R"(","credentials":{"schema":{"type":"object","properties":{"user":{},"api_key":{}}}},)"
                   R"("authorized_uris":["https://api.acme.com/**"],"delivery":)" + delivery + "}}");
}

std::string oauth(const std::string& more, const std::string& delivery =
                      R"({"http":{"in":"header","name":"Authorization","prefix":"Bearer ","value":"{$credential.access_token}"}})") {
    return package(R"({"oauth":{"type":"oauth2",)" + more + R"("authorized_uris":["https://api.acme.com/**"],"delivery":)" + delivery + "}}");
}

const std::string kEndpoints = R"("authorization_endpoint":"https://acme.com/a","token_endpoint":"https://acme.com/t",)";

ReadResult read_ok(const std::string& text) {
    ReadResult result = read_definition(text);
    EXPECT_TRUE(result.ok()) << format_findings(result.findings, "");
    EXPECT_EQ(result.dialect, "afps-v2");
    if (result.definitions.empty()) result.definitions.emplace_back();
    return result;
}
ProviderDefinition read_one(const std::string& text) { return read_ok(text).definitions.front(); }

TEST(AfpsV2, oauth2_defaults_differ_from_afps_1) {
    const auto definition = read_one(oauth(kEndpoints));
    EXPECT_EQ(definition.name, "my-api");
    EXPECT_EQ(definition.flow, Flow::pkce);
    EXPECT_EQ(definition.uri_pattern_dialect, "afps-1.3");
    EXPECT_EQ(definition.oauth2->token_auth_method, TokenAuthMethod::client_secret_basic);
    EXPECT_TRUE(definition.oauth2->client_secret_required);
    EXPECT_FALSE(definition.oauth2->pkce);
    EXPECT_FALSE(definition.inject.present);
}

TEST(AfpsV2, every_oauth2_member_has_its_place) {
    const auto definition = read_one(oauth(kEndpoints + R"("userinfo_endpoint":"https://acme.com/me","token_endpoint_auth_method":"client_secret_post",
        "code_challenge_methods_supported":["plain","S256"],"resource":"https://api.acme.com/","authorization_params":{"prompt":"consent"},
        "default_scopes":["a"],"scope_catalog":[{"value":"a","label":"A","description":"d","implies":["b"]}],
        "identity_claims":{"sub":"$.data.id","email":"$['mail']","name":"$.names[0].full"},"callback_url_hint":"set {{callback_url}}",
        "_meta":{"com.example/oauth":{"scope_separator":","}},"required_identity_claims":["sub"],)"));
    const OAuth2& model = *definition.oauth2;
    EXPECT_TRUE(model.pkce);
    EXPECT_EQ(model.token_auth_method, TokenAuthMethod::client_secret_post);
    EXPECT_EQ(model.resource, "https://api.acme.com/");
    EXPECT_EQ(model.authorization_params, (StringMap{{"prompt", "consent"}}));
    EXPECT_EQ(model.available_scopes.at(0).implies, (std::vector<std::string>{"b"}));
    EXPECT_EQ(model.scope_separator, ",");
    ASSERT_TRUE(definition.identity);
    EXPECT_EQ(definition.identity->url, "https://acme.com/me");
    EXPECT_EQ(definition.identity->id_pointer, "/data/id");
    EXPECT_EQ(definition.identity->label_pointer, "/mail");
    EXPECT_EQ(definition.setup_guide.callback_url_hint, "set {{callbackUrl}}");
}

TEST(AfpsV2, an_issuer_stands_for_endpoints_and_a_public_client_registers_itself) {
    const auto known = read_one(oauth(R"("issuer":"https://acme.com",)"));
    EXPECT_EQ(known.flow, Flow::pkce);
    EXPECT_TRUE(known.oauth2->pkce);
    const auto open = read_one(oauth(R"("issuer":"https://acme.com","token_endpoint_auth_method":"none",)"));
    EXPECT_EQ(open.flow, Flow::dcr_pkce);
    EXPECT_TRUE(open.oauth2->supports_dcr);
    EXPECT_FALSE(open.oauth2->client_secret_required);
    const auto fixed = read_one(oauth(kEndpoints + R"("token_endpoint_auth_method":"none",)"));
    EXPECT_EQ(fixed.flow, Flow::pkce);
    EXPECT_TRUE(fixed.oauth2->pkce) << "a public client cannot do without";
}

struct Delivery { std::string http, header, prefix, query, field; StringMap headers, inject_query, cookies; std::string transform; };

TEST(AfpsV2, a_key_is_delivered_to_header_query_and_cookie) {
    const std::vector<Delivery> cases = {
        {R"("in":"header","name":"X-Key","value":"{$credential.api_key}")", "X-Key", "", "", "api_key", {}, {}, {}, ""},
        {R"("in":"header","name":"Authorization","prefix":"Bearer","value":"{$credential.api_key}")", "Authorization", "Bearer", "", "api_key", {}, {}, {}, ""},
        {R"("in":"header","name":"Authorization","prefix":"Acme ","value":"{$credential.api_key}")", "Authorization", "Acme", "", "api_key", {}, {}, {}, ""},
        {R"("in":"header","name":"Authorization","prefix":"Token token=","value":"{$credential.api_key}")", "-", "", "", "api_key",
         {{"Authorization", "Token token={{api_key}}"}}, {}, {}, ""},
        {R"("in":"header","name":"X-Key","prefix":"v1:","value":"{$credential.api_key}")", "-", "", "", "api_key", {{"X-Key", "v1:{{api_key}}"}}, {}, {}, ""},
        {R"("in":"header","name":"X-Key","prefix":"Bearer","value":"{$credential.api_key}")", "-", "", "", "api_key", {{"X-Key", "Bearer{{api_key}}"}}, {}, {}, ""},
        {R"("in":"header","name":"X-Key","value":"{$credential.user}/{$credential.api_key}")", "-", "", "", "api_key",
         {{"X-Key", "{{user}}/{{api_key}}"}}, {}, {}, ""},
        {R"("in":"query","name":"key","value":"{$credential.api_key}")", "", "", "key", "api_key", {}, {}, {}, ""},
        {R"("in":"query","name":"key","prefix":"v1-","value":"{$credential.api_key}")", "-", "", "", "api_key", {}, {{"key", "v1-{{api_key}}"}}, {}, ""},
        {R"("in":"cookie","name":"sid","value":"{$credential.api_key}")", "-", "", "", "api_key", {}, {}, {{"sid", "{{api_key}}"}}, ""},
        {R"("in":"header","name":"Authorization","prefix":"Basic","value":"{$credential.user}:{$credential.api_key}","encoding":"base64")",
         "Authorization", "Basic", "", "api_key", {}, {}, {}, "{{user}}:{{api_key}}"},
        {R"("in":"header","name":"Authorization","prefix":"Basic","value":"{$credential.api_key}:X","encoding":"base64")",
         "Authorization", "Basic", "", "api_key", {}, {}, {}, "{{api_key}}:X"},
    };
    for (const auto& expected : cases) {
        SCOPED_TRACE(expected.http);
        const auto definition = read_one(keyed(R"({"http":{)" + expected.http + "}}"));
        EXPECT_EQ(definition.api_key.has_value(), expected.header != "-");
        if (definition.api_key) {
            EXPECT_EQ(definition.api_key->header_name, expected.header);
            EXPECT_EQ(definition.api_key->header_prefix, expected.prefix);
            EXPECT_EQ(definition.api_key->query_param, expected.query);
        }
        EXPECT_EQ(definition.credentials.field_name, expected.field);
        EXPECT_EQ(definition.inject.headers, expected.headers);
        EXPECT_EQ(definition.inject.query, expected.inject_query);
        EXPECT_EQ(definition.inject.cookies, expected.cookies);
        EXPECT_EQ(definition.credentials.transform ? definition.credentials.transform->template_text : "", expected.transform);
    }
}

TEST(AfpsV2, basic_custom_and_oauth2_carry_encoded_values) {
    const std::string encoded = R"({"http":{"in":"header","name":"Authorization","prefix":"Basic ","value":"{$credential.user}:{$credential.api_key}","encoding":"base64"}})";
    for (const char* type : {"basic", "custom"}) {
        const auto definition = read_one(keyed(encoded, type));
        EXPECT_EQ(definition.inject.headers, (StringMap{{"Authorization", "Basic {{api_key}}"}})) << type;
        EXPECT_EQ(definition.credentials.transform->template_text, "{{user}}:{{api_key}}") << type;
    }
    const auto usual = read_one(package(R"({"b":{"type":"basic","credentials":{"schema":{"type":"object","properties":{"username":{},"password":{}}}},
        "authorized_uris":["https://api.acme.com/**"],"delivery":{"http":{"in":"header","name":"Authorization","prefix":"Basic ",
        "value":"{$credential.username}:{$credential.password}","encoding":"base64"}}}})"));
    EXPECT_FALSE(usual.inject.present);
    EXPECT_FALSE(usual.credentials.transform);
}

TEST(AfpsV2, what_goes_to_programs_is_exported_and_into_no_request) {
    const auto result = read_ok(keyed(R"({"env":{"ACME_KEY":{"value":"{$credential.api_key}","sensitive":true},"ACME_URL":{"value":"https://{$credential.user}"}}})"));
    const auto& definition = result.definitions[0];
    ASSERT_EQ(definition.exports.size(), 1u);
    EXPECT_EQ(definition.exports[0].env_name, "ACME_KEY");
    EXPECT_EQ(definition.exports[0].source, "api_key");
    EXPECT_TRUE(definition.inject.present);
    EXPECT_TRUE(definition.inject.headers.empty());
    ASSERT_EQ(result.findings.size(), 1u);
    EXPECT_EQ(result.findings[0].pointer, "/auths/primary/delivery/env/ACME_URL/value");
}

TEST(AfpsV2, each_way_to_authenticate_is_a_definition_of_its_own) {
    const auto result = read_ok(package(R"({"oauth":{"type":"oauth2",)" + kEndpoints + R"("authorized_uris":["https://a.acme.com/**"],
        "delivery":{"http":{"in":"header","name":"Authorization","prefix":"Bearer ","value":"{$credential.access_token}"}}},
        "cert":{"type":"mtls","delivery":{"files":{"/c":{"value":"x"}}}},
        "pat":{"type":"api_key","credentials":{"schema":{"type":"object","properties":{"token":{}}}},"allow_all_uris":false,
        "authorized_uris":["https://b.acme.com/**"],"delivery":{"http":{"in":"header","name":"X-Token","value":"{$credential.token}"}}}})",
        R"({"kind":"remote","remote":{"url":"https://mcp.acme.com/mcp","transport":"sse"}})"));
    ASSERT_EQ(result.definitions.size(), 2u);
    EXPECT_EQ(result.definitions[0].name, "my-api");
    EXPECT_EQ(result.definitions[0].authorized_uris, (std::vector<std::string>{"https://a.acme.com/**"}));
    EXPECT_EQ(result.definitions[0].api_urls, (std::vector<std::string>{"https://mcp.acme.com/mcp"}));
    EXPECT_EQ(result.definitions[1].name, "my-api-pat");
    EXPECT_EQ(result.definitions[1].display_name, "Acme (pat)");
    EXPECT_EQ(result.definitions[1].auth_type, AuthType::api_key);
    EXPECT_FALSE(result.definitions[1].oauth2);
    EXPECT_EQ(result.findings.at(0).code, "unsupported");
}

TEST(AfpsV2, an_mcp_server_is_no_provider_and_no_error) {
    const ReadResult result = read_definition(R"({"name":"@acme/tools","version":"1.0.0","type":"mcp-server","server":{}})");
    EXPECT_TRUE(result.ok());
    EXPECT_TRUE(result.definitions.empty());
    ASSERT_EQ(result.findings.size(), 1u);
    EXPECT_EQ(result.findings[0].code, "not_a_provider");
    EXPECT_EQ(result.findings[0].severity, Severity::warning);
}

struct Wrong { std::string text, pointer, code; };

TEST(AfpsV2, PK07_errors_name_the_place) {
    const std::vector<Wrong> cases = {
        {package("{}"), "/auths", "unsupported"},
        {package(R"({"c":{"type":"mtls"}})"), "/auths", "unsupported"},
        {package(R"({"Primary":{"type":"api_key"}})"), "/auths/Primary", "bad_name"},
        {package(R"({"p":{"type":"oauth1","delivery":{}}})"), "/auths/p/type", "not_allowed"},
        {package(R"({"p":{"delivery":{}}})"), "/auths/p/type", "required"},
        {package(R"({"p":7})"), "/auths/p", "wrong_type"},
        {oauth(R"("authorization_endpoint":"https://acme.com/a",)"), "/auths/oauth/token_endpoint", "required"},
        {oauth(R"("authorization_endpoint":"http://acme.com/a","token_endpoint":"https://acme.com/t",)"), "/auths/oauth/authorization_endpoint", "not_https"},
        {oauth(kEndpoints + R"("token_endpoint_auth_method":"tls_client_auth",)"), "/auths/oauth/token_endpoint_auth_method", "not_allowed"},
        {keyed(R"({"http":{"in":"body","name":"x","value":"{$credential.api_key}"}})"), "/auths/primary/delivery/http/in", "not_allowed"},
        {keyed(R"({"http":{"in":"header","value":"{$credential.api_key}"}})"), "/auths/primary/delivery/http/name", "required"},
        {keyed(R"({"http":{"in":"header","name":"X-K","value":"fixed"}})"), "/auths/primary/delivery/http/value", "bad_template"},
        {keyed(R"({"http":{"in":"header","name":"X-K","value":"{$inputs.x}"}})"), "/auths/primary/delivery/http/value", "bad_template"},
        {keyed(R"({"http":{"in":"header","name":"X-K","value":"{$credential.api_key"}})"), "/auths/primary/delivery/http/value", "bad_template"},
        {keyed(R"({"http":{"in":"header","name":"Host","value":"{$credential.api_key}"}})"), "/auths/primary/delivery/http/name", "bad_header"},
        {keyed(R"({"http":{"in":"cookie","name":"a b","value":"{$credential.api_key}"}})"), "/auths/primary/delivery/http/name", "bad_parameter"},
        {R"({"name":"@acme/x","version":"1.0.0","type":"integration","auths":{}})", "/source", "required"},
        {R"({"name":"@acme/x","version":"1","type":"integration","auths":{}})", "/version", "bad_version"},
        {R"({"name":"@acme/x","version":"1.0.0","type":"integration","schema_version":"3.0","auths":{}})", "/schema_version", "unsupported_version"},
        {R"({"name":"@acme/x","version":"1.0.0","type":"integration"})", "/auths", "required"},
        {R"({"name":"@acme/x","version":"1.0.0","type":"agent","auths":{}})", "/type", "not_a_provider"},
    };
    for (const auto& wrong : cases) {
        SCOPED_TRACE(wrong.text);
        const ReadResult result = read_definition(wrong.text);
        EXPECT_FALSE(result.ok());
        EXPECT_TRUE(result.definitions.empty());
        bool found = false;
        for (const Finding& finding : result.findings)
            found = found || (finding.pointer == wrong.pointer && finding.code == wrong.code && finding.severity == Severity::error);
        EXPECT_TRUE(found) << "expected " << wrong.pointer << " " << wrong.code << ", got\n" << format_findings(result.findings, "");
    }
}

TEST(AfpsV2, hostile_packages_cost_little) {
    const auto repeated = [](const std::string& before, const std::string& after, std::size_t bytes) {
        std::string text;
        for (int i = 0; text.size() < bytes; ++i) text += before + std::to_string(i) + after;
        return text;
    };
    constexpr std::size_t kMuch = 900'000;
    for (const std::string& text : {
             package("{" + repeated(R"("a)", R"(":{"type":"api_key","delivery":{}},)", kMuch) + R"("z":{"type":"api_key"}})"),
             keyed(R"({"env":{)" + repeated(R"("A)", R"(":{"value":"{$credential.api_key}"},)", kMuch) + R"("Z":{"value":"x"}}})"),
             keyed(R"({"http":{"in":"header","name":"X-Key","value":")" + repeated("{$credential.a", "}", kMuch) + R"("}})"),
         }) {
        const std::clock_t start = std::clock();
        EXPECT_FALSE(read_definition(text).ok());
        EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 5.0) << text.substr(0, 200);
    }
}

TEST(AfpsV2, paths_become_pointers) {
    for (const auto& [path, pointer] : std::vector<std::pair<std::string, std::optional<std::string>>>{
             {"$.id", "/id"}, {"$.data.id", "/data/id"}, {"email", "/email"}, {"$['a/b']", "/a~1b"}, {"$.a[0].b", "/a/0/b"},
             {"$", std::nullopt}, {"", std::nullopt}, {"$..id", std::nullopt}, {"$.*", std::nullopt}, {"$.a[?(@.b)]", std::nullopt}})
        EXPECT_EQ(afps2::pointer_of_path(path), pointer) << path;
}

}  // namespace
}  // namespace claviger::provider
