// read_definition: all findings of a file at once, each with pointer, place, code and what to do (PK-07).
#include <gtest/gtest.h>

#include <algorithm>

#include "provider/read.hpp"

namespace claviger::provider {
namespace {

const Finding* finding_of(const ReadResult& read, std::string_view code, std::string_view pointer) {
    const auto found = std::find_if(read.findings.begin(), read.findings.end(), [&](const Finding& finding) {
        return finding.code == code && finding.pointer == pointer;
    });
    return found == read.findings.end() ? nullptr : &*found;
}

constexpr std::string_view kHead = R"("name":"acme","display_name":"Acme",)";
constexpr std::string_view kOAuth = R"("auth_type":"oauth2","flow":"pkce","api_url":"api.acme.example",)";
constexpr std::string_view kUrls = R"("authorization_url":"https://acme.example/a","token_url":"https://acme.example/t")";
constexpr std::string_view kKey = R"("auth_type":"api_key","flow":"api_key","api_url":"api.acme.example",)";

std::string file(std::string_view rest) { return "{" + std::string(kHead) + std::string(rest) + "}"; }
std::string oauth(std::string_view more) {
    return file(std::string(kOAuth) + R"("oauth":{)" + std::string(kUrls) + "," + std::string(more) + "}");
}
std::string oauth_and(std::string_view more) {
    return file(std::string(kOAuth) + R"("oauth":{)" + std::string(kUrls) + "}," + std::string(more));
}
std::string key(std::string_view more) { return file(std::string(kKey) + R"("api_key":{)" + std::string(more) + "}"); }
std::string key_and(std::string_view more) { return file(std::string(kKey) + R"("api_key":{},)" + std::string(more)); }
std::string placed(std::string_view places) {
    return file(R"("auth_type":"api_key","flow":"api_key","api_key":{},)" + std::string(places));
}

struct Case {
    std::string text;
    std::string_view code, pointer;
    std::string_view message;  // a part of it
    Severity severity = Severity::error;
};

void check_all(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
        const ReadResult read = read_definition(c.text);
        const Finding* finding = finding_of(read, c.code, c.pointer);
        ASSERT_TRUE(finding) << "no " << c.code << " at " << c.pointer << " in " << c.text << "\n" << format_findings(read.findings, "");
        EXPECT_EQ(finding->severity, c.severity) << c.text;
        EXPECT_NE(finding->message.find(c.message), std::string::npos) << finding->message << " / " << c.text;
        EXPECT_GT(finding->place.line, 0u) << c.text;
        if (c.severity == Severity::error) {
            EXPECT_FALSE(read.ok());
            EXPECT_TRUE(read.definitions.empty()) << "never partly read";
        } else {
            EXPECT_TRUE(read.ok()) << c.text << format_findings(read.findings, "");
        }
    }
}

TEST(ReadDefinition, form_of_the_file) {
    EXPECT_EQ(read_definition("").findings.at(0).code, "bad_json");
    EXPECT_EQ(read_definition("[]").findings.at(0).code, "wrong_type");
    const ReadResult broken = read_definition("{\n  \"name\": \"acme\",\n  \"flow\" \"pkce\"\n}");
    ASSERT_EQ(broken.findings.size(), 1u);
    EXPECT_EQ(broken.findings[0].place.line, 3u);
    EXPECT_EQ(broken.findings[0].message.find("line "), std::string::npos) << "the place is not said twice";
    EXPECT_FALSE(read_definition(R"({"name":"a","name":"b"})").ok()) << "duplicate keys";
    EXPECT_EQ(read_definition("PK\x03\x04 no archive").findings.at(0).code, "bad_archive");
    EXPECT_FALSE(read_definition(std::string(2 << 20, ' ')).ok());
    EXPECT_TRUE(read_definition("\xef\xbb\xbf" + key("")).ok()) << "byte order mark";
}

TEST(ReadDefinition, PK07_all_findings_at_once_with_places) {
    const ReadResult read = read_definition("{\n  \"name\": \"Acme!\",\n  \"auth_type\": \"oauth2\",\n  \"flow\": \"pkce\",\n"
                                            "  \"oauth\": {\n    \"token_url\": \"http://acme.example/t\",\n    \"scops\": []\n  }\n}\n");
    EXPECT_FALSE(read.ok());
    const Finding* name = finding_of(read, "bad_name", "/name");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->place.line, 2u);
    EXPECT_EQ(name->place.column, 3u);
    ASSERT_TRUE(finding_of(read, "required", "/display_name"));
    ASSERT_TRUE(finding_of(read, "required", "/oauth/authorization_url"));
    const Finding* url = finding_of(read, "not_https", "/oauth/token_url");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->place.line, 6u);
    const Finding* typo = finding_of(read, "unknown_key", "/oauth/scops");
    ASSERT_TRUE(typo);
    EXPECT_NE(typo->message.find("did you mean \"scopes\"?"), std::string::npos);
    ASSERT_TRUE(finding_of(read, "no_place", "/api_url"));
    EXPECT_TRUE(std::is_sorted(read.findings.begin(), read.findings.end(),
                               [](const auto& a, const auto& b) { return a.place.line < b.place.line; }));
    EXPECT_NE(format_findings({*url}, "f.json").find("f.json: error: /oauth/token_url (line 6, column 5): must be https"),
              std::string::npos) << format_findings({*url}, "f.json");
}

TEST(ReadDefinition, an_unknown_kind_is_said_once) {
    const ReadResult read = read_definition(file(R"("auth_type":"oauth3","flow":"pkce","api_url":"api.acme.example")"));
    EXPECT_EQ(read.findings.size(), 1u) << format_findings(read.findings, "");
}

TEST(ReadDefinition, kind_and_required_blocks) {
    check_all({
        {"{}", "required", "/name", "required"},
        {"{}", "required", "/auth_type", "required"},
        {"{}", "required", "/flow", "required"},
        {file(R"("auth_type":"oauth3","flow":"pkce")"), "not_allowed", "/auth_type", "did you mean \"oauth2\"?"},
        {file(R"("auth_type":"oauth2","flow":"pkse")"), "not_allowed", "/flow", "did you mean \"pkce\"?"},
        {file(R"("auth_type":"oauth2","flow":"implicit")"), "grant_refused", "/flow", "RFC 9700"},
        {file(R"("auth_type":"oauth2","flow":"password")"), "grant_refused", "/flow", "RFC 9700"},
        {file(R"("auth_type":"oauth2","flow":"api_key")"), "flow_mismatch", "/flow", "use pkce, dcr_pkce"},
        {file(R"("auth_type":"api_key","flow":"pkce")"), "flow_mismatch", "/flow", "use api_key"},
        {file(R"("auth_type":"oauth2","flow":"pkce")"), "required", "/oauth", "needs an \"oauth\" block"},
        {file(R"("auth_type":"oauth1","flow":"oauth1")"), "required", "/oauth1", "needs an \"oauth1\" block"},
        {file(R"("auth_type":"oauth1","flow":"oauth1","oauth1":{})"), "required", "/oauth1/request_token_url", "oauth1"},
        {file(R"("auth_type":"api_key","flow":"api_key")"), "required", "/api_key", "block"},
        {file(R"("auth_type":"custom","flow":"custom")"), "required", "/credentials/schema", "schema"},
        {file(R"("auth_type":"oauth2","flow":"device_code","oauth":{"token_url":"https://acme.example/t"})"), "required",
         "/oauth/device_authorization_url", "device_code"},
        {file(R"("auth_type":"oauth2","flow":"client_credentials","oauth":{})"), "required", "/oauth/token_url", "client_credentials"},
        {file(R"("schema_version":2,"auth_type":"basic","flow":"basic")"), "unsupported_version", "/schema_version", "write 1"},
        {oauth(R"("client_secret_required":true,"token_auth_method":"none")"), "disagrees", "/oauth/token_auth_method", "change one"},
        {file(R"("auth_type":"oauth2","flow":"dcr_pkce","oauth":{"authorization_url":"https://acme.example/a","token_url":"https://acme.example/t","supports_dcr":false})"),
         "disagrees", "/oauth/supports_dcr", "write true", Severity::warning},
        {oauth(R"("supports_device_code":true)"), "disagrees", "/oauth/supports_device_code", "device_authorization_url", Severity::warning},
        {oauth(R"("supports_device_flow":true)"), "disagrees", "/oauth/supports_device_flow", "device_authorization_url", Severity::warning},
        {file(R"("auth_type":"custom","flow":"custom","api_url":"a.acme.example","credentials":{"schema":{"properties":{"a":{}}}})"),
         "nothing_injected", "/inject", "inject", Severity::warning},
    });
    EXPECT_TRUE(read_definition(file(R"("auth_type":"oauth2","flow":"pkce","oauth":{"issuer":"https://acme.example"})")).ok())
        << "an issuer stands for its endpoints";
    EXPECT_TRUE(read_definition(file(R"("auth_type":"basic","flow":"basic","api_url":"a.acme.example")")).ok());
    EXPECT_TRUE(read_definition(oauth(R"("pkce":false)")).ok());
}

TEST(ReadDefinition, OA27_endpoints) {
    const auto token_url = [](std::string_view url) {
        return file(std::string(kOAuth) + R"("oauth":{"authorization_url":"https://acme.example/a","token_url":")" + std::string(url) + "\"}");
    };
    for (const std::string_view good : {"https://acme.example/t", "https://acme.example:8443/t?x=1", "{base_url}/t", "https://[2001:db8::1]/t"}) {
        EXPECT_TRUE(read_definition(token_url(good)).ok()) << good << format_findings(read_definition(token_url(good)).findings, "");
    }
    check_all({
        {token_url("http://acme.example/t"), "not_https", "/oauth/token_url", "https"},
        {token_url("acme.example/t"), "bad_url", "/oauth/token_url", "scheme"},
        {token_url("javascript:alert(1)"), "bad_url", "/oauth/token_url", "scheme"},
        {token_url("ftp://acme.example/"), "bad_url", "/oauth/token_url", ""},
        {token_url("https://user@acme.example/t"), "bad_url", "/oauth/token_url", "user name"},
        {token_url("https://acme.example/t#x"), "bad_url", "/oauth/token_url", "fragment"},
        {token_url("https://acme.example\\t"), "bad_url", "/oauth/token_url", "control"},
        {token_url("https://acme.example\\\\t"), "bad_url", "/oauth/token_url", "backslash"},
        {token_url("https://acme.exa mple/t"), "bad_url", "/oauth/token_url", "space"},
        {token_url("https://acme.example/\\nt"), "bad_url", "/oauth/token_url", "control"},
        {token_url("https://{tenant}.acme.example/t"), "undeclared_variable", "/oauth/token_url", "declare it"},
        {token_url("{base_ur}/t"), "undeclared_variable", "/oauth/token_url", "did you mean {base_url}?"},
        {token_url("{base_url}.evil.test/t"), "bad_url", "/oauth/token_url", "/ after"},
        {token_url("{base_url}@evil.test/t"), "bad_url", "/oauth/token_url", "/ after"},
        {token_url("https://{base_url}/t"), "variable_host", "/oauth/token_url", "fixed domain"},
        {token_url("https://{base_url}.com/t"), "variable_host", "/oauth/token_url", "fixed domain"},
        {token_url("https://{base_url}.co.uk/t"), "variable_host", "/oauth/token_url", "fixed domain"},
        {token_url("{base_url}/t}"), "bad_url", "/oauth/token_url", "unmatched"},
        {token_url("https://acme.example:{base_url}/t"), "bad_url", "/oauth/token_url", "port"},
        {token_url("https://acme.example/" + std::string(2100, 'a')), "too_long", "/oauth/token_url", "2048"},
        {token_url("http://127.0.0.1:9/t"), "loopback_http", "/oauth/token_url", "tests", Severity::warning},
        {oauth(R"("base_url":"http://acme.example")"), "not_https", "/oauth/base_url", "https"},
        {oauth(R"("base_url":"https://acme.example?x")"), "bad_url", "/oauth/base_url", "query"},
        {oauth(R"("registration_endpoint":"http://acme.example")"), "not_https", "/oauth/registration_endpoint", ""},
        {oauth_and(R"("registration":{"registration_endpoint":"http://acme.example"})"), "not_https",
         "/registration/registration_endpoint", "https"},
        {key_and(R"("identity":{"url":"http://acme.example/me"})"), "not_https", "/identity/url", "https"},
        {key_and(R"("probe":{"url":"me"})"), "bad_url", "/probe/url", "https"},
    });
    ReadOptions strict;
    strict.allow_loopback_http = false;
    EXPECT_FALSE(read_definition(token_url("http://127.0.0.1:9/t"), strict).ok());
    strict.bundled = true;
    EXPECT_FALSE(read_definition(oauth(R"("scops":[])"), strict).ok()) << "warnings are errors in the catalogue";
}

TEST(ReadDefinition, PX04_where_the_credential_may_go) {
    for (const std::string_view good :
         {R"("api_url":"api.acme.example")", R"("api_url":"api.acme.example:8443")", R"("api_url":"https://acme.example/api")",
          R"("api_url":"*.acme.example")", R"("api_url":"https://*.acme.example/api")", R"("api_url":["**.acme.example","a.b"])", R"("api_url":"regex:.*\\.acme\\.example")",
          R"("api_url":"regex:^(api|www)\\.acme\\.example$")", R"("api_url":"{base_url}")", R"("api_url":"{base_url}/api")",
          R"("api_url":"192.0.2.1")", R"("authorized_uris":["https://api.acme.example/*"])",
          R"("authorized_uris":["https://*.acme.example/**"])", R"("authorized_uris":["https://acme.example:8443/a?b=*"])"}) {
        const ReadResult read = read_definition(placed(good), {.allow_loopback_http = true, .bundled = true});
        EXPECT_TRUE(read.ok()) << good << format_findings(read.findings, "");
    }
    const auto url = [](std::string_view text) { return placed("\"api_url\":\"" + std::string(text) + "\""); };
    const auto uri = [](std::string_view text) { return placed("\"authorized_uris\":[\"" + std::string(text) + "\"]"); };
    check_all({
        {url("http://acme.example/"), "not_https", "/api_url", "https"},
        {url("acme.example/api"), "bad_place", "/api_url", "https://"},
        {url("https://acme.example/?q"), "bad_place", "/api_url", "query"},
        {url("https://u@acme.example/"), "bad_place", "/api_url", "user name"},
        {url("https://acme.example/*"), "bad_place", "/api_url", "authorized_uris"},
        {url("https://a.*.acme.example/"), "bad_place", "/api_url", "start of the host"},
        {url("https://*.com/api"), "wildcard_too_wide", "/api_url", ""},
        {url("https://**.co.uk:8443/"), "wildcard_too_wide", "/api_url", ""},
        {url("http://*.acme.example/api"), "not_https", "/api_url", ""},
        {url("*"), "bad_place", "/api_url", "host"},
        {url("*.com"), "wildcard_too_wide", "/api_url", "two labels"},
        {url("**.co.uk"), "wildcard_too_wide", "/api_url", "owns"},
        {url("a*.acme.example"), "bad_place", "/api_url", "host"},
        {url("acme.example:x"), "bad_place", "/api_url", "port"},
        {url("acme .example"), "bad_place", "/api_url", "space"},
        {url("{tenant}.acme.example"), "undeclared_variable", "/api_url", "declare"},
        {url("{base_url}.example"), "variable_host", "/api_url", "fixed domain"},
        {url("regex:("), "bad_pattern", "/api_url", "RE2"},
        {url("regex:"), "bad_pattern", "/api_url", "empty"},
        {url("regex:.*acme.*"), "regex_too_wide", "/api_url", "strangers", Severity::warning},
        {url("regex:.*acme\\\\.example"), "regex_too_wide", "/api_url", "strangers", Severity::warning},
        {url("regex:.*\\\\.acme.example"), "regex_too_wide", "/api_url", "strangers", Severity::warning},
        {url("regex:api\\\\.acme\\\\.example|evil"), "regex_too_wide", "/api_url", "strangers", Severity::warning},
        {url("regex:.*\\\\.co\\\\.uk"), "regex_too_wide", "/api_url", "strangers", Severity::warning},
        {url("*.dyndns.org"), "shared_domain", "/api_url", "anybody", Severity::warning},
        {placed(R"("api_url":["ok.example","*.com"])"), "wildcard_too_wide", "/api_url/1", ""},
        {placed(R"("host_url":"*.com")"), "wildcard_too_wide", "/host_url", ""},
        {placed(R"("api_url":["a.example",""])"), "bad_place", "/api_url/1", "empty"},
        {uri("http://acme.example/*"), "not_https", "/authorized_uris/0", "https"},
        {uri("acme.example/*"), "bad_place", "/authorized_uris/0", "scheme"},
        {uri("*://acme.example/*"), "bad_place", "/authorized_uris/0", ""},
        {uri("https://*/"), "wildcard_too_wide", "/authorized_uris/0", ""},
        {uri("https://*.com/"), "wildcard_too_wide", "/authorized_uris/0", ""},
        {uri("https://**.acme.example/"), "bad_place", "/authorized_uris/0", "one whole label"},
        {uri("https://api*.acme.example/"), "bad_place", "/authorized_uris/0", "one whole label"},
        {uri("https://acme.example*/"), "bad_place", "/authorized_uris/0", "one whole label"},
        {uri("https://evil.test@*.acme.example/"), "bad_place", "/authorized_uris/0", "user name"},
        {uri("https://acme.example/#*"), "bad_place", "/authorized_uris/0", "fragment"},
        {uri("https://acme.example:*/"), "bad_place", "/authorized_uris/0", "port"},
        {uri("https://acme.example\\\\@evil.test/"), "bad_place", "/authorized_uris/0", "backslash"},
        {placed(R"("allow_all_uris":true)"), "allow_all_uris", "/allow_all_uris", "own site", Severity::warning},
        {placed(R"("description":"")"), "no_place", "/api_url", "no request", Severity::warning},
    });
}

TEST(ReadDefinition, OA29_reserved_parameters) {
    for (const std::string name : {"state", "redirect_uri", "client_id", "response_type", "code_challenge",
                                   "code_challenge_method", "scope", "State", "request_uri"}) {
        check_all({{oauth("\"authorization_params\":{\"" + name + "\":\"x\"}"), "reserved_parameter",
                    "/oauth/authorization_params/" + name, "set by the protocol"}});
    }
    for (const std::string name : {"code", "code_verifier", "redirect_uri", "client_id", "client_secret"}) {
        check_all({{oauth("\"token_params\":{\"" + name + "\":\"x\"}"), "reserved_parameter", "/oauth/token_params/" + name, "protocol"}});
    }
    check_all({
        {oauth(R"("rename":{"authorize":{"client_id":"app"}},"authorization_params":{"app":"x"})"), "reserved_parameter",
         "/oauth/authorization_params/app", "protocol"},
        {oauth(R"("scope_param":"user_scope","authorization_params":{"user_scope":"x"})"), "reserved_parameter",
         "/oauth/authorization_params/user_scope", "protocol"},
        {oauth(R"("rename":{"authorize":{"foo":"state"}})"), "reserved_parameter", "/oauth/rename/authorize/foo", "another"},
        {oauth(R"("rename":{"token":{"a":"x","b":"x"}})"), "reserved_parameter", "/oauth/rename/token/b", "another"},
        {oauth(R"("scope_param":"state")"), "reserved_parameter", "/oauth/scope_param", "another"},
        {oauth(R"("refresh_params":{"refresh_token":"x"})"), "reserved_parameter", "/oauth/refresh_params/refresh_token", ""},
        {oauth(R"("revoke":{"params":{"token":"x"}})"), "reserved_parameter", "/oauth/revoke/params/token", ""},
        {oauth(R"("authorization_params":{"a":"x\ny"})"), "control_character", "/oauth/authorization_params/a", ""},
        {oauth(R"("authorization_params":{"a b":"x"})"), "bad_parameter", "/oauth/authorization_params/a b", ""},
        {oauth(R"("authorization_params":{"a":1})"), "wrong_type", "/oauth/authorization_params/a", "quotes"},
    });
    EXPECT_TRUE(read_definition(oauth(R"("authorization_params":{"prompt":"consent","access_type":"offline"})")).ok());
}

TEST(ReadDefinition, OA30_no_password_grant) {
    check_all({{oauth(R"("token_params":{"grant_type":"password"})"), "grant_refused", "/oauth/token_params/grant_type", "RFC 9700"},
               {oauth(R"("authorization_params":{"response_type":"token"})"), "reserved_parameter",
                "/oauth/authorization_params/response_type", ""}});
}

TEST(ReadDefinition, PX12_header_names_and_values) {
    for (const std::string name : {"Host", "content-length", "Transfer-Encoding", "Connection", "TE", "Trailer", "Upgrade", "Expect",
                                   "Proxy-Authorization", "Sec-Fetch-Mode", ":authority", "X Key", "X-Key:", "X\\u00e9", "Content_Length"}) {
        EXPECT_FALSE(read_definition(key("\"header_prefix\":\"\",\"header_name\":\"" + name + "\"")).ok()) << name;
        EXPECT_FALSE(read_definition(key_and("\"inject\":{\"headers\":{\"" + name + "\":\"{{api_key}}\"}}")).ok()) << name;
    }
    check_all({
        {key(R"("header_name":"Host")"), "bad_header", "/api_key/header_name", "another header"},
        {key(R"("header_name":"X Key")"), "bad_header", "/api_key/header_name", "no header name"},
        {key(R"("header_name":"")"), "required", "/api_key/header_name", "nowhere"},
        {key(R"("header_prefix":"a\r\nb")"), "control_character", "/api_key/header_prefix", ""},
        {key_and(R"("inject":{"headers":{"X":"a\r\nY: b"}})"), "bad_header_value", "/inject/headers/X", ""},
        {key_and(R"("inject":{"headers":{"X":" {{api_key}}"}})"), "bad_header_value", "/inject/headers/X", "space"},
        {key_and(R"("inject":{"headers":{"Cookie":"{{api_key}}"}})"), "bad_header", "/inject/headers/Cookie", "cookies"},
        {key_and(R"("inject":{"cookies":{"a":"b; c=d"}})"), "bad_header_value", "/inject/cookies/a", ";"},
        {key_and(R"("inject":{"cookies":{"a b":"c"}})"), "bad_parameter", "/inject/cookies/a b", ""},
        {oauth(R"("token_headers":{"Authorization":"x"})"), "bad_header", "/oauth/token_headers/Authorization", "protocol"},
        {oauth(R"("token_headers":{"Host":"x"})"), "bad_header", "/oauth/token_headers/Host", ""},
        {key_and(R"("retry":{"after_header":"a b"})"), "bad_header", "/retry/after_header", ""},
        {key(R"("header_name":"X-Key")"), "default_prefix", "/api_key/header_name", "stands alone", Severity::warning},
    });
}

TEST(ReadDefinition, templates_fields_and_exports) {
    check_all({
        {key_and(R"("inject":{"headers":{"X":"{{api_kee}}"}})"), "unknown_field", "/inject/headers/X", "did you mean {{api_key}}?"},
        {key_and(R"("inject":{"query":{"k":"{{access_token}}"}})"), "unknown_field", "/inject/query/k", "known are"},
        {key_and(R"("inject":{"headers":{"X":"{{api_key"}})"), "bad_template", "/inject/headers/X", "}}"},
        {oauth_and(R"("inject":{"headers":{"X":"{{refresh_token}}"}})"), "bad_template", "/inject/headers/X", "never leaves"},
        {oauth_and(R"("inject":{"headers":{"X":"{{client_secret}}"}})"), "bad_template", "/inject/headers/X", "never leaves"},
        {key_and(R"("credentials":{"transform":{"template":"{{user}}"}})"), "unknown_field", "/credentials/transform/template", ""},
        {key_and(R"("credentials":{"transform":{"encoding":"rot13","template":"x"}})"), "not_allowed", "/credentials/transform/encoding", ""},
        {key_and(R"("credentials":{"schema":{"properties":{}}})"), "bad_schema", "/credentials/schema", "properties"},
        {key_and(R"("credentials":{"schema":{"properties":{"a":{"type":"strin"}}}})"), "bad_schema", "/credentials/schema", ""},
        {key_and(R"("credentials":{"schema":{"properties":{"a":{}}},"field_name":"b"})"), "unknown_field", "/credentials/field_name", ""},
        {key_and(R"("credentials":{"schema":{"properties":{"a b":{}}}})"), "bad_field_name", "/credentials/schema/properties/a b", ""},
        {key_and(R"("inject":{"sign":"oauth1"})"), "disagrees", "/inject/sign", ""},
        {key(R"("key_pattern":"(a")"), "bad_pattern", "/api_key/key_pattern", "RE2"},
        {key(R"("key_pattern":"(?=a)b")"), "bad_pattern", "/api_key/key_pattern", "look-around"},
        {key_and(R"("export":{"env":{"api_key":"1X"}})"), "bad_env_name", "/export/env/api_key", "environment"},
        {key_and(R"("export":{"PATH":"api_key"})"), "bad_env_name", "/export/PATH", "another name"},
        {key_and(R"("export":{"ld_preload":"api_key"})"), "bad_env_name", "/export/ld_preload", "another name"},
        {key_and(R"("export":{"A":"api_kei"})"), "unknown_field", "/export/A", "did you mean \"api_key\"?"},
        {key_and(R"("export":{"A":"api_key","env":{"base_url":"A"}})"), "duplicate_export", "/export/env/base_url", "twice"},
        {oauth_and(R"("export":{"env":{"refresh_token":"A"}})"), "not_exported", "/export/env/refresh_token", "never", Severity::warning},
        {key(R"("env_var":"A-B")"), "bad_env_name", "/api_key/env_var", ""},
        {key_and(R"("vars":{"a-b":{}})"), "bad_variable_name", "/vars/a-b", ""},
        {key_and(R"("vars":{"access_token":{}})"), "bad_variable_name", "/vars/access_token", "credential"},
        {key_and(R"("vars":{"a":{"pattern":"["}})"), "bad_pattern", "/vars/a/pattern", ""},
        {key_and(R"("vars":{"a":{"pattern":"[0-9]+","default":"x"}})"), "bad_default", "/vars/a/default", ""},
        {key_and(R"("vars":{"a":{"enum":["x"],"default":"y"}})"), "bad_default", "/vars/a/default", ""},
        {key_and(R"("capture":["access_token"])"), "bad_capture", "/capture/0", "token"},
        {key_and(R"("capture":[{"name":"a","pointer":"b"}])"), "bad_pointer", "/capture/0", "/member"},
        {key_and(R"("identity":{"url":"https://acme.example/","id":"id"})"), "bad_pointer", "/identity/id", "/member"},
        {oauth(R"("response":{"access_token":["/a","b"]})"), "bad_pointer", "/oauth/response/access_token/1", ""},
        {oauth(R"("response":{"access_token":"/a~2"})"), "bad_pointer", "/oauth/response/access_token", "~0"},
        {oauth(R"("response":{"error_when":{"ok":false}})"), "bad_pointer", "/oauth/response/error_when/ok", ""},
        {oauth(R"("scopes":["a b"])"), "bad_scope", "/oauth/scopes/0", "space"},
        {oauth(R"("scopes":[""])"), "bad_scope", "/oauth/scopes/0", "empty"},
        {oauth(R"("scope_separator":"")"), "bad_separator", "/oauth/scope_separator", ""},
    });
}

TEST(ReadDefinition, PK09_texts_and_links) {
    for (const std::string bad : {"javascript:alert(1)", "data:text/html,x", "http://acme.example/", "//acme.example/", "JaVaScRiPt:x",
                                  "https://u:p@acme.example/", "https://acme.example/\\nx", "vbscript:x", " javascript:x"}) {
        EXPECT_FALSE(read_definition(key_and("\"docs_url\":\"" + bad + "\"")).ok()) << bad;
        EXPECT_FALSE(read_definition(key_and("\"icon\":\"" + bad + "\"")).ok()) << bad;
        EXPECT_FALSE(read_definition(key_and("\"setup_guide\":{\"steps\":[{\"label\":\"x\",\"url\":\"" + bad + "\"}]}")).ok()) << bad;
    }
    check_all({
        {key_and(R"("docs":"javascript:x")"), "bad_link", "/docs", "https"},
        {key_and(R"("description":"a\u0007b")"), "control_character", "/description", "remove"},
        {key_and(R"("description":"a\u202eb")"), "control_character", "/description", "remove"},
        {key_and("\"description\":\"" + std::string(5000, 'a') + "\""), "too_long", "/description", "4000"},
        {R"({"name":"acme","display_name":"A\nB","auth_type":"basic","flow":"basic"})", "control_character", "/display_name", ""},
        {R"({"name":"../acme","display_name":"A","auth_type":"basic","flow":"basic"})", "bad_name", "/name", "lower-case"},
        {R"({"name":"Acme","display_name":"A","auth_type":"basic","flow":"basic"})", "bad_name", "/name", "lower-case"},
        {key_and("\"categories\":[" + std::string("\"a\"") + [] { std::string s; for (int i = 0; i < 40; ++i) s += ",\"a\""; return s; }() + "]"),
         "too_many", "/categories", "at most"},
    });
}

TEST(ReadDefinition, types_conflicts_and_unknown_keys) {
    check_all({
        {key_and(R"("oauth":[])"), "wrong_type", "/oauth", "object"},
        {key_and(R"("allow_all_uris":"yes")"), "wrong_type", "/allow_all_uris", "true or false"},
        {key_and(R"("categories":"a")"), "wrong_type", "/categories", "list"},
        {key_and(R"("categories":[1])"), "wrong_type", "/categories/0", "string"},
        {key_and(R"("retry":{"status":[99]})"), "out_of_range", "/retry/status/0", "between"},
        {key_and(R"("host_url":"other.example")"), "conflict", "/host_url", "keep only"},
        {oauth(R"("token_auth_method":"none","authorization_method":"basic")"), "conflict", "/oauth/authorization_method", ""},
        {oauth(R"("client_id":"x")"), "unknown_key", "/oauth/client_id", "belongs to the user", Severity::warning},
        {key_and(R"("api_ulr":"x")"), "unknown_key", "/api_ulr", "did you mean \"api_url\"?", Severity::warning},
        {key_and(R"("registration":{})"), "unused", "/registration", "oauth", Severity::warning},
        {oauth(R"("expires":{"default":0})"), "out_of_range", "/oauth/expires/default", "between"},
    });
    EXPECT_TRUE(read_definition(key_and(R"("x-mine":1,"$schema":"s","_note":"n")")).findings.empty());
    std::string many = key_and("");
    many.pop_back();
    for (int i = 0; i < 400; ++i) many += "\"u" + std::to_string(i) + "\":1,";
    const ReadResult read = read_definition(many + "\"u\":1}");
    EXPECT_FALSE(read.ok()) << "findings are bounded, and no error is lost behind the bound";
    EXPECT_LT(read.findings.size(), 220u);
}

}  // namespace
}  // namespace claviger::provider
