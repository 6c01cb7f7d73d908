// The published JSON Schema and the reader say the same of every document, as far as a schema can say it: for each
// case `schema valid` == `no finding of a schema's kind`. Rules beyond a schema are in kBeyondSchema.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "json/parse.hpp"
#include "json/schema.hpp"
#include "provider/catalogue.hpp"
#include "provider/read.hpp"

namespace claviger::provider {
namespace {

namespace fs = std::filesystem;

// Codes whose rules a schema cannot say; each has its cases in read_test.cpp.
const std::set<std::string, std::less<>> kBeyondSchema{
    "conflict", "disagrees", "undeclared_variable", "not_https", "bad_url", "variable_host", "bad_place",
    "wildcard_too_wide", "bad_pattern", "bad_default", "bad_variable_name", "reserved_parameter", "bad_parameter",
    "bad_pointer", "bad_capture", "bad_scope", "bad_separator", "bad_header", "bad_header_value", "bad_template",
    "unknown_field", "bad_schema", "bad_field_name", "bad_env_name", "duplicate_export", "control_character",
    "too_long", "bad_link", "duplicate_key", "misnamed"};
const std::set<std::string, std::less<>> kSchemaKind{"required", "wrong_type", "not_allowed", "out_of_range", "flow_mismatch",
                                                     "bad_name", "unsupported_version", "grant_refused", "too_many"};

std::string slurp(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

class SchemaAgreement : public testing::Test {
protected:
    void SetUp() override {
        const auto text = slurp(fs::path(CLAVIGER_SOURCE_DIR) / "providers/schema/provider.schema.json");
        auto value = json::parse(text);
        ASSERT_TRUE(value) << value.error().message;
        auto compiled = json::Schema::compile(*value);
        ASSERT_TRUE(compiled) << compiled.error().message;
        schema = std::move(*compiled);
        document = std::move(*value);
    }
    // True when both call the document good.
    bool agree(const std::string& text) const {
        json::ParseOptions options;
        options.comments = true;
        const auto value = json::parse(text, options);
        EXPECT_TRUE(value) << text;
        if (!value) return false;
        const auto violations = schema->validate(*value);
        const ReadResult read = read_definition(text);
        std::string codes;
        bool structural = false;
        for (const Finding& finding : read.findings) {
            if (finding.severity != Severity::error) continue;
            EXPECT_TRUE(kBeyondSchema.contains(finding.code) || kSchemaKind.contains(finding.code)) << finding.code;
            structural = structural || kSchemaKind.contains(finding.code);
        }
        std::string said;
        for (const auto& violation : violations) said += violation.instance_pointer + " " + violation.keyword + ": " + violation.message + "\n";
        EXPECT_EQ(violations.empty(), !structural) << text << "\nschema: " << said << "reader: " << format_findings(read.findings, "");
        return violations.empty() && !structural;
    }
    std::optional<json::Schema> schema;
    json::Value document;
};

const std::string kName = R"("name":"acme","display_name":"Acme")";
const std::string kKey = "{" + kName + R"(,"auth_type":"api_key","flow":"api_key","api_key":{}%})";
const std::string kInKey = "{" + kName + R"(,"auth_type":"api_key","flow":"api_key","api_key":{%}})";
const std::string kUrls = R"("authorization_url":"https://acme.example/a","token_url":"https://acme.example/t")";
const std::string kOAuth = "{" + kName + R"(,"auth_type":"oauth2","flow":"pkce","oauth":{)" + kUrls + "%}}";
const std::string kOAuth1 = "{" + kName + R"(,"auth_type":"oauth1","flow":"oauth1","oauth1":{"request_token_url":"https://acme.example/r","authorization_url":"https://acme.example/a","access_token_url":"https://acme.example/t"%}})";

std::string put(const std::string& frame, std::string_view text) {
    std::string result = frame;
    result.replace(result.find('%'), 1, text);
    return result;
}

TEST_F(SchemaAgreement, every_member_with_right_and_wrong_types) {
    struct Member { const std::string* frame; std::string key; std::vector<std::string> good, bad; };
    const std::vector<std::string> text_good{"\"a\"", "null"}, text_bad{"1", "[]", "{}", "true"};
    const std::vector<std::string> flag_good{"true", "false", "null"}, flag_bad{"\"true\"", "1", "[]"};
    const std::vector<std::string> list_good{"[]", "[\"a\"]", "null"}, list_bad{"\"a\"", "[1]", "[null]", "{}"};
    const std::vector<std::string> map_good{"{}", "{\"a\":\"b\"}", "{\"a\":null}", "null"}, map_bad{"[]", "{\"a\":1}", "\"a\"", "{\"a\":{}}"};
    const std::vector<std::string> loose_good{"\"/a\"", "[\"/a\",\"/b\"]", "null", "[]"}, loose_bad{"1", "{}", "[1]", "[null]", "true"};
    std::vector<Member> members{
        {&kKey, "schema_version", {"1", "null"}, {"0", "2", "\"1\"", "true", "-1"}},
        {&kKey, "categories", list_good, list_bad},
        {&kKey, "setup_guide", {"{}", "null", R"({"steps":[]})", R"({"steps":[{"label":"a"}]})", R"({"callback_url_hint":null})"},
         {"[]", R"({"steps":{}})", R"({"steps":[{}]})", R"({"steps":[{"label":""}]})", R"({"steps":["a"]})", R"({"steps":[{"label":"a","url":1}]})", R"({"callback_url_hint":1})"}},
        {&kKey, "api_url", {"\"a.example\"", "[\"a.example\"]", "null", "[]"}, {"1", "{}", "[1]", "[null]"}},
        {&kKey, "host_url", {"\"a.example\"", "null"}, {"1", "{}", "[1]"}},
        {&kKey, "authorized_uris", {"[]", "null", "[\"https://a.example/\"]"}, {"\"a\"", "[1]"}},
        {&kKey, "allow_all_uris", flag_good, flag_bad},
        {&kKey, "websocket", flag_good, flag_bad},
        {&kKey, "uri_pattern_dialect", {"\"\"", "\"afps-1.3\"", "null"}, {"\"afps\"", "1"}},
        {&kKey, "vars", {"{}", "null", R"({"a":{}})", R"({"a":null})", R"({"a":{"secret":true,"enum":["x"]}})"},
         {"[]", R"({"a":[]})", R"({"a":{"title":1}})", R"({"a":{"enum":"x"}})", R"({"a":{"secret":"x"}})", R"({"a":{"pattern":1}})"}},
        {&kKey, "oauth", {"null", "{}"}, {"[]", "1"}},
        {&kOAuth, "steps", {"null", "[]", R"([{"name":"s","url":"https://a.example/s"}])", R"([{"name":"s","url":"https://a.example/s","method":"GET","content_type":"json","params":{"a":"b"},"headers":null,"response":{"access_token":"/s"},"expires":{"unit":"minutes"}}])"},
         {"{}", "[1]", R"([{"name":"s"}])", R"([{"url":"https://a.example/s"}])", R"([{"name":"s","url":"https://a.example/s","content_type":"xml"}])", R"([{"name":"s","url":"https://a.example/s","params":[]}])"}},
        {&kOAuth, "token_signature", {"null", R"({"key":"{{client_secret}}","message":"{{request.body}}","key_encoding":"hex","encoding":"base64","headers":{"X-S":"{{request.signature}}"}})"},
         {"[]", "{}", R"({"key":"{{client_secret}}"})", R"({"key":"{{client_secret}}","message":"m","algorithm":"md5"})", R"({"key":"{{client_secret}}","message":"m","headers":[]})"}},
        {&kKey, "oauth1", {"null", "{}"}, {"[]", "1", R"({"signature_method":"MD5"})"}},
        {&kKey, "registration", {"null", "{}", R"({"registration_endpoint":null})"}, {"[]", R"({"registration_endpoint":1})"}},
        {&kKey, "credentials", {"{}", "null", R"({"schema":{"properties":{"a":{}}}})", R"({"transform":{"template":"a","encoding":"base64"}})", R"({"transform":null})"},
         {"[]", R"({"schema":true})", R"({"schema":[]})", R"({"field_name":1})", R"({"transform":{}})", R"({"transform":{"template":""}})", R"({"transform":{"template":"a","encoding":"hex"}})"}},
        {&kKey, "inject", {"{}", "null", R"({"headers":{"X":"a"}})", R"({"sign":""})", R"({"sign":"hmac"})", R"({"reserved":["X"]})",
          R"({"sign":"aws_sigv4","aws_sigv4":{"access_key_id":"a","secret_access_key":"{{api_key}}","places":[{"host":"*.{region}.a.example","service":"s","object_store":true}]}})", R"({"aws_sigv4":null,"hmac":null})",
          R"({"sign":"hmac","hmac":{"key":"{{api_key}}","message":"{{request.method}}\n{{request.body}}","algorithm":"sha512","key_encoding":"base64","encoding":"base64url","timestamp":"rfc3339","headers":{"X-S":"{{request.signature}}"}}})"},
         {"[]", R"({"headers":[]})", R"({"headers":{"X":1}})", R"({"query":"a"})", R"({"cookies":{"a":true}})", R"({"sign":"md5"})", R"({"reserved":"X"})",
          R"({"aws_sigv4":[]})", R"({"aws_sigv4":{"places":{}}})", R"({"aws_sigv4":{"places":["a"]}})", R"({"aws_sigv4":{"places":[{"host":1}]}})", R"({"aws_sigv4":{"places":[{"object_store":"x"}]}})", R"({"aws_sigv4":{"session_token":1}})",
          R"({"hmac":{}})", R"({"hmac":{"key":"k"}})", R"({"hmac":{"key":"","message":"m"}})", R"({"hmac":{"key":"k","message":"m","algorithm":"md5"}})", R"({"hmac":{"key":"k","message":"m","encoding":""}})", R"({"hmac":{"key":"k","message":"m","headers":[]}})"}},
        {&kKey, "identity", {"null", R"({"url":"https://a.example/"})"}, {"{}", "[]", R"({"url":""})", R"({"url":null})", R"({"url":"https://a.example/","id":1})"}},
        {&kKey, "probe", {"null", R"({"url":"https://a.example/","method":"HEAD","ok_status":[200]})"},
         {"{}", R"({"url":"https://a.example/","method":"PUT"})", R"({"url":"https://a.example/","ok_status":[600]})", R"({"url":"https://a.example/","ok_status":["200"]})", R"({"url":"https://a.example/","ok_status":200})"}},
        {&kKey, "capture", {"[]", "null", "[\"a\"]", R"([{"name":"a"}])", R"(["a",{"name":"b","pointer":"/b"}])"},
         {"{}", "\"a\"", "[1]", "[{}]", R"([{"name":""}])", R"([{"name":"a","pointer":1}])"}},
        {&kKey, "retry", {"{}", "null", R"({"status":[429],"after_header":"X"})"}, {"[]", R"({"status":[99]})", R"({"status":429})", R"({"at_header":1})"}},
        {&kKey, "export", {"{}", "null", R"({"A":"api_key"})", R"({"env":{"api_key":"A"}})", R"({"env":null})", R"({"env":{"api_key":null}})", R"({"A":null})"},
         {"[]", R"({"A":1})", R"({"env":{"api_key":1}})", R"({"env":[]})", R"({"A":{}})"}},
        {&kInKey, "header_name", {"\"X-Key\"", "null"}, {"1", "\"\""}},
        {&kOAuth, "available_scopes", {"[]", "null", R"([{"value":"a","label":null,"implies":["b"]}])"}, {"{}", "[{}]", "[\"a\"]", R"([{"value":""}])", R"([{"value":"a","implies":"b"}])"}},
        {&kOAuth, "token_auth_method", {"\"none\"", "\"client_secret_jwt\"", "null"}, {"\"basic\"", "1", "\"\""}},
        {&kOAuth, "authorization_method", {"\"body\"", "\"basic\"", "null"}, {"\"none\"", "1"}},
        {&kOAuth, "token_content_type", {"\"form\"", "\"json\"", "\"query\"", "\"xml\"", "null"}, {"\"text\"", "1"}},
        {&kOAuth, "token_method", {"\"GET\"", "null"}, {"\"PUT\"", "1"}},
        {&kOAuth, "basic", {"null", "{}", R"({"username":"{{client_secret}}","password":null})", R"({"form_encoded":false})"}, {"[]", R"({"username":1})", R"({"form_encoded":"no"})", "\"a\""}},
        {&kOAuth, "client_assertion", {"null", "{}", R"({"algorithm":"ES256","claims":{"a":"b"},"lifetime_seconds":60,"issued_ago_seconds":10})"}, {"[]", R"({"issued_ago_seconds":-1})", R"({"issued_ago_seconds":301})", R"({"algorithm":"none"})", R"({"lifetime_seconds":301})", R"({"claims":[]})", R"({"issuer":1})"}},
        {&kOAuth, "grant", {"null", "{}", R"({"type":"client_credentials","assertion":null})"}, {"[]", R"({"type":"password"})", R"({"assertion":[]})", R"({"subject_token":1})"}},
        {&kOAuth, "device_token_request", {"\"oauth2_form\"", "\"json\"", "null"}, {"\"form\"", "1"}},
        {&kOAuth, "rename", {"{}", "null", R"({"token":{"client_id":"k"}})", R"({"token":null})"}, {"[]", R"({"token":{"a":1}})", R"({"refresh":[]})"}},
        {&kOAuth, "callback", {"{}", "null", R"({"code_param":"c","capture":["r"]})", R"({"code_entry":true})", R"({"iss_required":false})"}, {"[]", R"({"code_param":1})", R"({"capture":"r"})", R"({"code_entry":"yes"})", R"({"iss_required":1})"}},
        {&kOAuth, "expires", {"{}", "null", R"({"unit":"days","kind":"absolute","default":1,"max":60})"}, {"[]", R"({"max":0})", R"({"unit":"weeks"})", R"({"kind":"x"})", R"({"default":0})", R"({"default":"1"})", R"({"default":99999999999})"}},
        {&kOAuth, "refresh", {"{}", "null", R"({"rotation":"never","mode":"remint","margin_seconds":0})",
            R"({"headers":{"X":"a"}})", R"({"headers":null})",
            R"({"method":"GET","grant_type":"x","token":"access_token","auth":"none","content_type":"json","idle_max_seconds":60,"grace_seconds":0})"},
            {R"({"headers":{"X":1}})", R"({"headers":[]})", R"({"method":"PUT"})", R"({"token":"id_token"})", R"({"auth":"x"})", R"({"content_type":"text"})", R"({"idle_max_seconds":0})", R"({"grace_seconds":-1})", R"({"grant_type":1})", "[]", R"({"rotation":"x"})", R"({"mode":"x"})", R"({"margin_seconds":-1})", R"({"min_interval_seconds":90000})"}},
        {&kOAuth, "errors", {"{}", "null", R"({"terminal":["a"]})"}, {"[]", R"({"terminal":"a"})", R"({"config":[1]})"}},
        {&kOAuth, "revoke", {"{}", "null", R"({"method":"GET","auth":"","order":"access_first","params":{"a":"b"}})"}, {"[]", R"({"method":"PUT"})", R"({"auth":"x"})", R"({"order":"x"})", R"({"params":[]})", R"({"url":1})"}},
        {&kOAuth, "response", {"{}", "null", R"({"format":"text","ok_status":[302],"scope_separator":",","error_when":{"/ok":false},"capture":["a"]})"}, {"[]", R"({"ok_status":[100]})", R"({"ok_status":302})", R"({"scope_separator":1})", R"({"format":"yaml"})", R"({"error_when":"x"})", R"({"capture":[{}]})"}},
        {&kOAuth1, "signature_method", {"\"PLAINTEXT\"", "null"}, {"\"MD5\"", "1"}},
        {&kOAuth1, "placement", {"\"header\"", "\"query\"", "null"}, {"\"body\"", "1", "[]"}},
    };
    const auto each = [&](const std::string& frame, std::initializer_list<const char*> keys, const auto& good, const auto& bad) {
        for (const char* key : keys) members.push_back({&frame, key, good, bad});
    };
    each(kKey, {"description", "icon", "logo", "docs", "docs_url"}, text_good, text_bad);
    each(kInKey, {"header_prefix", "query_param", "env_var", "key_pattern", "key_pattern_hint"}, text_good, text_bad);
    each(kOAuth, {"base_url", "issuer", "refresh_url", "revocation_url", "device_authorization_url", "registration_endpoint", "userinfo_url", "pushed_authorization_url", "jwks_url", "introspection_url",
                  "scope_separator", "scope_param", "resource", "audience"}, text_good, text_bad);
    each(kOAuth, {"scopes_required", "pkce", "supports_device_code", "supports_device_flow", "supports_dcr", "client_secret_required", "dpop"}, flag_good, flag_bad);
    each(kOAuth, {"scopes"}, list_good, list_bad);
    each(kOAuth, {"authorization_params", "token_params", "refresh_params", "token_headers"}, map_good, map_bad);
    each(kOAuth1, {"realm"}, text_good, text_bad);
    each(kOAuth1, {"authorization_params"}, map_good, map_bad);
    int documents = 0;
    for (const Member& member : members) {
        for (const auto& [values, good] : {std::pair(&member.good, true), std::pair(&member.bad, false)}) {
            for (const std::string& value : *values) {
                const bool first = member.frame == &kInKey;
                const std::string text = put(*member.frame, (first ? "\"" : ",\"") + member.key + "\":" + value);
                EXPECT_EQ(agree(text), good) << text;
                ++documents;
            }
        }
    }
    for (const std::string key : {"access_token", "refresh_token", "expires", "refresh_expires", "error", "scope", "token_type"}) {
        for (const auto& value : loose_good) EXPECT_TRUE(agree(put(kOAuth, ",\"response\":{\"" + key + "\":" + value + "}"))), ++documents;
        for (const auto& value : loose_bad) EXPECT_FALSE(agree(put(kOAuth, ",\"response\":{\"" + key + "\":" + value + "}"))), ++documents;
    }
    EXPECT_GE(documents, 150);
}

TEST_F(SchemaAgreement, kinds_flows_and_what_they_require) {
    EXPECT_FALSE(agree("{}"));
    for (const std::string name : {"acme", "a", "0a", "a.b-c_d", "acme_dcr"}) {
        EXPECT_TRUE(agree(R"({"name":")" + name + R"(","display_name":"A","auth_type":"basic","flow":"basic"})")) << name;
    }
    for (const std::string& name : std::vector<std::string>{"", "Acme", "-a", ".a", "a b", "a/b", "a..b", "@a/b", "\\u00e9", std::string(65, 'a')}) {
        EXPECT_FALSE(agree(R"({"name":")" + name + R"(","display_name":"A","auth_type":"basic","flow":"basic"})")) << name;
    }
    for (const std::string member : {"name", "display_name", "auth_type", "flow"}) {
        for (const std::string value : {"null", "1", "\"\""}) {
            std::string text = R"({"name":"a","display_name":"A","auth_type":"basic","flow":"basic"})";
            const auto at = text.find("\"" + member + "\":") + member.size() + 3;
            text.replace(at, text.find_first_of(",}", at) - at, value);
            EXPECT_FALSE(agree(text)) << text;
        }
    }
    // every type with every flow and every set of blocks
    const std::string oauth = R"(,"oauth":{)" + kUrls + R"(,"device_authorization_url":"https://acme.example/d"})";
    const std::string oauth1 = R"(,"oauth1":{"request_token_url":"https://acme.example/r","authorization_url":"https://acme.example/a","access_token_url":"https://acme.example/t"})";
    const std::vector<std::string> blocks{"", oauth, oauth1, R"(,"api_key":{})", R"(,"api_key":null)", R"(,"oauth":null)", R"(,"oauth":{})",
        R"(,"oauth":{"issuer":"https://acme.example"})", R"(,"oauth":{"issuer":""})", R"(,"oauth":{"issuer":null,"token_url":"https://acme.example/t"})",
        R"(,"oauth":{"token_url":""})", R"(,"oauth1":{})", R"(,"credentials":{})", R"(,"credentials":{"schema":{"properties":{"a":{}}}})", R"(,"credentials":{"schema":null})",
        R"(,"inject":{})", R"(,"inject":null)", R"(,"api_key":{"header_name":""})", R"(,"api_key":{"header_name":"","query_param":"k"})",
        R"(,"api_key":{"header_name":"","query_param":""},"inject":{})", R"(,"api_key":{"header_name":"","query_param":null})"};
    int good = 0;
    for (const std::string type : {"oauth2", "oauth1", "api_key", "basic", "custom", "browser"}) {
        for (const std::string flow : {"pkce", "dcr_pkce", "device_code", "client_credentials", "oauth1", "api_key", "basic", "custom", "implicit", "password"}) {
            for (const auto& block : blocks) {
                good += agree("{" + kName + ",\"auth_type\":\"" + type + "\",\"flow\":\"" + flow + "\"" + block + "}");
            }
        }
    }
    EXPECT_GT(good, 30);
}

TEST_F(SchemaAgreement, numbers_of_items) {
    const auto list = [](std::size_t count, std::string_view item) {
        std::string text = "[";
        for (std::size_t i = 0; i < count; ++i) text += (i ? "," : "") + std::string(item);
        return text + "]";
    };
    EXPECT_TRUE(agree(put(kKey, ",\"categories\":" + list(32, "\"a\""))));
    EXPECT_FALSE(agree(put(kKey, ",\"categories\":" + list(33, "\"a\""))));
    EXPECT_TRUE(agree(put(kKey, ",\"api_url\":" + list(100, "\"a.example\""))));
    EXPECT_FALSE(agree(put(kKey, ",\"api_url\":" + list(101, "\"a.example\""))));
    EXPECT_FALSE(agree(put(kKey, ",\"authorized_uris\":" + list(101, "\"https://a.example/\""))));
    EXPECT_FALSE(agree(put(kKey, ",\"capture\":" + list(51, "\"a\""))));
    EXPECT_FALSE(agree(put(kKey, ",\"setup_guide\":{\"steps\":" + list(51, "{\"label\":\"a\"}") + "}")));
    EXPECT_FALSE(agree(put(kOAuth, ",\"scopes\":" + list(501, "\"a\""))));
}

TEST_F(SchemaAgreement, bundled_and_real_definitions) {
    for (const CatalogueEntry& entry : catalogue()) EXPECT_TRUE(agree(std::string(entry.json))) << entry.name;
    const fs::path peers = fs::path(CLAVIGER_SOURCE_DIR) / ".." / "shared" / "peers" / "authsome";
    if (!fs::exists(peers)) GTEST_SKIP() << "no ../shared beside the source: the real files are NOT tested";
    for (const auto& file : fs::directory_iterator(peers)) {
        EXPECT_TRUE(agree(slurp(file.path()))) << file.path();
        const ReadResult read = read_definition(slurp(file.path()));
        if (read.ok()) {
            EXPECT_TRUE(agree(json::to_text(to_native_json(read.definitions.at(0)))));
        }
    }
}

// The schema names every member that the reader knows, and the reader every member that the schema names.
TEST_F(SchemaAgreement, no_member_of_the_schema_is_unknown_to_the_reader) {
    const auto members = [&](std::string_view pointer) {
        std::vector<std::string> names;
        const auto* properties = json::at_pointer(document, pointer);
        EXPECT_TRUE(properties) << pointer;
        if (properties) for (const auto& member : properties->as_object()) names.emplace_back(member.key());
        return names;
    };
    struct Place { std::string frame, pointer; bool first; };
    const std::vector<Place> places{{kKey, "/properties", false}, {kOAuth, "/properties/oauth/properties", false},
        {kOAuth1, "/properties/oauth1/properties", false}, {kInKey, "/properties/api_key/properties", true}};
    for (const Place& place : places) {
        for (const std::string& name : members(place.pointer)) {
            if (put(place.frame, "").find("\"" + name + "\":") != std::string::npos) continue;
            const ReadResult read = read_definition(put(place.frame, (place.first ? "\"" : ",\"") + name + "\":null"));
            for (const Finding& finding : read.findings) EXPECT_NE(finding.code, "unknown_key") << name;
        }
    }
}

}  // namespace
}  // namespace claviger::provider
