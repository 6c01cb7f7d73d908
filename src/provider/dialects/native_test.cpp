// The native format: every field, the older spellings, and the findings that a table of wrong files must give.
#include <gtest/gtest.h>

#include "provider/definition.hpp"
#include "provider/read.hpp"

namespace claviger::provider {
namespace {

std::string native_text(const ProviderDefinition& definition) { return json::to_pretty_text(to_native_json(definition)); }

ProviderDefinition read_one(std::string_view text) {
    ReadResult read = read_definition(text);
    EXPECT_TRUE(read.ok()) << format_findings(read.findings, "") << text;
    EXPECT_EQ(read.dialect, "native");
    return read.definitions.empty() ? ProviderDefinition{} : std::move(read.definitions.front());
}

// A definition that names every member of the format at least once.
constexpr std::string_view kEverything = R"({
  // comments are allowed
  "$schema": "provider.schema.json", "schema_version": 1,
  "name": "acme", "display_name": "Acme", "description": "A test.\nTwo lines.", "icon": "acme",
  "categories": ["crm", "mail"], "docs_url": "https://docs.acme.example/auth", "metadata": {"kept": [1, null]},
  "setup_guide": {"callback_url_hint": "paste {{callbackUrl}}", "steps": [{"label": "open it", "url": "https://acme.example/apps"}, {"label": "save"}]},
  "auth_type": "oauth2", "flow": "pkce",
  "api_url": ["api.acme.example", "https://acme.example/api", "*.acme.example", "**.cdn.acme.example", "{tenant}.acme.example", "{base_url}/v2", "regex:.*\\.acme\\.example"],
  "authorized_uris": ["https://acme.example/v1/*"], "allow_all_uris": false, "uri_pattern_dialect": "afps-1.3",
  "vars": {"tenant": {"title": "Tenant", "description": "yours", "pattern": "[a-z0-9-]+", "default": "main", "example": "west-1", "enum": ["main", "west-1"], "secret": false}},
  "oauth": {
    "base_url": "https://acme.example", "issuer": "https://{tenant}.acme.example", "authorization_url": "{base_url}/authorize",
    "token_url": "https://{tenant}.acme.example/token", "refresh_url": "{base_url}/refresh", "revocation_url": "{base_url}/revoke",
    "device_authorization_url": "{base_url}/device", "registration_endpoint": "{base_url}/register", "userinfo_url": "{base_url}/me",
    "scopes": ["read", "write"], "available_scopes": [{"value": "read", "label": "Read", "description": "all", "implies": ["list"]}],
    "scopes_required": true, "scope_separator": ",", "scope_param": "user_scope", "pkce": false, "supports_device_code": true,
    "supports_dcr": true, "client_secret_required": true, "token_auth_method": "client_secret_basic", "token_content_type": "json",
    "authorization_params": {"prompt": "consent"}, "token_params": {"team": "a"}, "refresh_params": {"team": "b"},
    "token_headers": {"X-Acme-Version": "2"}, "resource": "https://api.acme.example/", "audience": "acme",
    "token_signature": {"algorithm": "sha512", "key": "{{client_secret}}", "message": "{{request.timestamp}}.{{request.body}}", "timestamp": "rfc3339", "headers": {"X-Token-Sign": "{{request.signature}}"}},
    "rename": {"authorize": {"client_id": "client_key"}, "token": {"client_id": "client_key"}},
    "callback": {"code_param": "auth_code", "state_param": "st", "capture": ["realm"], "iss_required": true},
    "response": {"access_token": ["/authed/token", "/token"], "refresh_token": "/authed/refresh", "expires": "/exp", "scope": "/sc", "token_type": "/tt",
      "format": "json", "error_when": {"/ok": false}, "capture": [{"name": "instance_url", "pointer": "/instance/url"}, {"name": "team"}]},
    "expires": {"unit": "milliseconds", "kind": "absolute", "default": 3600, "max": 7200},
    "basic": {"username": "{{client_id}}", "form_encoded": false},
    "refresh": {"rotation": "always", "margin_seconds": 120, "min_interval_seconds": 5, "mode": "extend", "headers": {"X-Acme-Version": "3"}},
    "errors": {"terminal": ["bad_grant"], "config": ["bad_app"], "transient": ["later"]},
    "revoke": {"method": "DELETE", "url": "{base_url}/tokens", "auth": "bearer", "params": {"all": "1"}, "order": "refresh_first"},
    "device_token_request": "json"
  },
  "credentials": {"schema": {"type": "object", "properties": {"region": {"type": "string"}}}, "field_name": "region"},
  "inject": {"headers": {"Authorization": "Bearer {{access_token}}", "X-Client": "{{ client_id }}", "X-Team": "{{team}}"}, "query": {"r": "{{region}}"},
    "cookies": {"sid": "{{access_token}}"}, "sign": "hmac",
    "hmac": {"key": "{{access_token}}", "message": "{{request.target}}\n{{team}}", "encoding": "base64", "headers": {"X-Sign": "{{request.signature}}"}}, "reserved": ["X-Team"]},
  "identity": {"url": "https://api.acme.example/me", "id": "/id", "label": "/email"},
  "probe": {"method": "HEAD", "url": "https://api.acme.example/ping", "ok_status": [200, 204]},
  "capture": ["cloudId", {"name": "site", "pointer": "/sites/0/url"}],
  "retry": {"status": [429, 503], "after_header": "Retry-After", "at_header": "X-Reset"},
  "export": {"ACME_TOKEN": "access_token", "ACME_KEY": "ACCESS_TOKEN", "ACME_URL": "BASE_URL", "ACME_TENANT": "tenant"},
  "surplus": {"kept": true}
})";

TEST(Native, reads_every_field) {
    const ProviderDefinition d = read_one(kEverything);
    EXPECT_EQ(d.display_name, "Acme");
    EXPECT_EQ(d.setup_guide.steps.size(), 2u);
    EXPECT_EQ(d.api_urls.size(), 7u);
    EXPECT_EQ(d.uri_pattern_dialect, "afps-1.3");
    ASSERT_EQ(d.vars.size(), 1u);
    EXPECT_EQ(d.vars[0].choices, (std::vector<std::string>{"main", "west-1"}));
    ASSERT_TRUE(d.oauth2);
    const OAuth2& o = *d.oauth2;
    EXPECT_EQ(o.userinfo_url, "{base_url}/me");
    EXPECT_FALSE(o.pkce);
    EXPECT_EQ(o.token_auth_method, TokenAuthMethod::client_secret_basic);
    EXPECT_EQ(o.token_content_type, BodyFormat::json);
    EXPECT_EQ(o.rename.at("token"), (StringMap{{"client_id", "client_key"}}));
    EXPECT_EQ(o.response.refresh_token, std::vector<std::string>{"/authed/refresh"});
    EXPECT_EQ(o.response.capture[1].pointer, "/team");
    EXPECT_EQ(o.expires.default_seconds, 3600);
    EXPECT_EQ(o.refresh.mode, "extend");
    EXPECT_EQ(o.revoke.method, "DELETE");
    EXPECT_EQ(o.device_token_request, "json");
    EXPECT_EQ(d.inject.cookies.size(), 1u);
    EXPECT_EQ(d.probe->ok_status, (std::vector<int>{200, 204}));
    EXPECT_EQ(d.capture[0].pointer, "/cloudId");
    ASSERT_EQ(d.exports.size(), 4u);
    EXPECT_EQ(d.exports[1].source, "access_token");
    EXPECT_EQ(d.exports[2].source, "base_url");
    EXPECT_TRUE(d.unknown.contains("")) << "the root's own surplus members";
    // inspect prints a file that registers again to the same value
    const ProviderDefinition again = read_one(native_text(d));
    EXPECT_EQ(native_text(again), native_text(d));
    EXPECT_EQ(security_digest(again), security_digest(d));
    EXPECT_NE(native_text(d).find("\"surplus\""), std::string::npos);
    EXPECT_NE(native_text(d).find("\"metadata\""), std::string::npos);
}

std::string minimal(std::string_view rest) {
    return R"({"name":"acme","display_name":"Acme",)" + std::string(rest) + "}";
}
std::string key_definition(std::string_view more) {
    return minimal(R"("auth_type":"api_key","flow":"api_key","api_url":"api.acme.example","api_key":{)" + std::string(more) + "}");
}

TEST(Native, older_spellings_mean_the_same) {
    const ProviderDefinition d = read_one(minimal(R"("auth_type":"oauth2","flow":"dcr_pkce","host_url":"api.acme.example",
        "docs":"https://acme.example/docs","logo":null,"registration":{"registration_endpoint":"https://acme.example/reg"},
        "oauth":{"authorization_url":"https://acme.example/a","token_url":"https://acme.example/t","revocation_url":null,
                 "supports_device_flow":false,"authorization_method":"basic","scopes":null},
        "export":{"env":{"access_token":"ACME_TOKEN","refresh_token":null}})"));
    EXPECT_EQ(d.api_urls, std::vector<std::string>{"api.acme.example"});
    EXPECT_EQ(d.docs_url, "https://acme.example/docs");
    EXPECT_EQ(d.oauth2->registration_endpoint, "https://acme.example/reg");
    EXPECT_EQ(d.oauth2->token_auth_method, TokenAuthMethod::client_secret_basic);
    EXPECT_TRUE(d.oauth2->supports_dcr) << "the flow says so";
    EXPECT_TRUE(d.oauth2->revocation_url.empty());
    ASSERT_EQ(d.exports.size(), 1u);
    EXPECT_EQ(d.exports[0].env_name, "ACME_TOKEN");
}

TEST(Native, defaults_of_the_key_block) {
    const auto key = [](std::string_view more) { return *read_one(key_definition(more)).api_key; };
    EXPECT_EQ(key("").header_name, "Authorization");
    EXPECT_EQ(key("").header_prefix, "Bearer");
    EXPECT_EQ(key(R"("header_prefix":null)").header_prefix, "") << "null is the older way to say no prefix";
    EXPECT_EQ(key(R"("header_name":"X-Key","header_prefix":"")").header_prefix, "");
    EXPECT_EQ(key(R"("query_param":"key")").header_name, "") << "not in two places";
    EXPECT_EQ(key(R"("query_param":"key","header_name":"X-Key")").header_name, "X-Key");
}

TEST(Native, both_shapes_of_export_and_their_mixture) {
    const auto exports = [](std::string_view shape) {
        std::string text = key_definition("");
        text.pop_back();
        return read_one(text + ",\"export\":" + std::string(shape) + "}").exports;
    };
    EXPECT_EQ(exports(R"({"env":{"api_key":"ACME_KEY"}})")[0].env_name, "ACME_KEY");
    EXPECT_EQ(exports(R"({"ACME_KEY":"API_TOKEN"})")[0].source, "api_key");
    EXPECT_EQ(exports(R"({"env":{"api_key":"A_KEY"},"B_KEY":"api_key"})").size(), 2u);
    EXPECT_EQ(exports(R"({"B_KEY":"API_TOKEN","A_KEY":"api_key"})")[0].env_name, "B_KEY") << "the order of the file";
}

TEST(Native, PK06_what_a_foreign_dialect_did_not_know_stays_inert) {
    ProviderDefinition d = read_one(key_definition(""));
    d.dialect = "afps-v1";
    d.unknown[""] = json::Object{{"allow_all_uris", true}, {"api_url", "evil.test"}};
    const ProviderDefinition again = read_one(native_text(d));
    EXPECT_FALSE(again.allow_all_uris);
    EXPECT_EQ(again.api_urls, std::vector<std::string>{"api.acme.example"});
    EXPECT_EQ(native_text(again), native_text(d));
}

TEST(Native, PK06_digest_moves_with_security_fields_only) {
    const ProviderDefinition d = read_one(key_definition(""));
    const std::string digest = security_digest(d);
    EXPECT_EQ(digest.size(), 64u);
    ProviderDefinition other = d;
    other.description = "new";
    other.exports.push_back({"ACME_KEY", "api_key"});
    other.api_key->key_pattern = "x+";
    other.unknown["x"] = 1;
    EXPECT_EQ(security_digest(other), digest);
    const auto moved = [&](auto change) {
        ProviderDefinition copy = d;
        change(copy);
        return security_digest(copy) != digest && security_fields(copy) != security_fields(d);
    };
    EXPECT_TRUE(moved([](auto& c) { c.api_urls = {"evil.test"}; }));
    EXPECT_TRUE(moved([](auto& c) { c.authorized_uris = {"https://evil.test/"}; }));
    EXPECT_TRUE(moved([](auto& c) { c.allow_all_uris = true; }));
    EXPECT_TRUE(moved([](auto& c) { c.api_key->header_name = "X-Other"; }));
    EXPECT_TRUE(moved([](auto& c) { c.api_key->query_param = "k"; }));
    EXPECT_TRUE(moved([](auto& c) { c.inject.present = true; c.inject.headers = {{"X", "{{api_key}}"}}; }));
    EXPECT_TRUE(moved([](auto& c) { c.identity = Identity{"https://evil.test/me", "", ""}; }));
    EXPECT_TRUE(moved([](auto& c) { c.oauth2 = OAuth2{}; c.oauth2->token_url = "https://evil.test/t"; }));
    EXPECT_TRUE(moved([](auto& c) { c.vars.push_back({"t", "", "", "", "evil", "", {}, false}); }));
    ProviderDefinition two = d;
    two.api_urls = {"a.acme.example", "b.acme.example"};
    ProviderDefinition swapped = two;
    std::swap(swapped.api_urls[0], swapped.api_urls[1]);
    EXPECT_EQ(security_digest(two), security_digest(swapped)) << "the order of places says nothing";
}

// Pinned: a connection made today must still fit its definition after an update of the program.
TEST(Native, PK06_digest_is_stable_across_releases) {
    EXPECT_EQ(security_digest(read_one(key_definition(""))),
              "adcab6fbc4bb482fe39f654f4be2f09ece543471e92ef96d46dc616dfb5f6d1f");
}

}  // namespace
}  // namespace claviger::provider
