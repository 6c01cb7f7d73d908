// What `inspect --format afps|afps-package|flat` writes registers again as the same definition, for all that is
// bundled; and what a form cannot say without becoming wider is not written.
#include <functional>

#include <gtest/gtest.h>

#include "provider/catalogue.hpp"
#include "provider/dialects/afps_v1.hpp"
#include "provider/dialects/extension.hpp"
#include "provider/dialects/flat.hpp"
#include "provider/dialects/package.hpp"
#include "provider/read.hpp"

namespace claviger::provider {
namespace {

// As a registration stores it.
std::string stored(const ProviderDefinition& definition) { return json::to_pretty_text(to_native_json(definition)); }

ProviderDefinition read_one(std::string_view text) {
    const ReadResult result = read_definition(text);
    EXPECT_TRUE(result.ok()) << format_findings(result.findings, "") << text;
    return result.ok() ? result.definitions.at(0) : ProviderDefinition{};
}

struct Form {
    const char* name;
    std::function<base::Result<afps::Written>(const ProviderDefinition&)> write;
};

std::vector<Form> forms() {
    return {{"afps", write_afps_v1}, {"flat", write_flat}, {"afps-package", [](const ProviderDefinition& definition) {
        auto bytes = pack_definition(definition);
        return bytes ? base::Result<afps::Written>(afps::Written{*bytes, {}}) : tl::unexpected(bytes.error());
    }}};
}

TEST(ForeignForms, every_bundled_definition_comes_back_as_it_was) {
    std::size_t count = 0;
    for (const CatalogueEntry& entry : catalogue()) {
        const ProviderDefinition definition = read_one(entry.json);
        for (const Form& form : forms()) {
            SCOPED_TRACE(std::string(entry.name) + " as " + form.name);
            const auto written = form.write(definition);
            ASSERT_TRUE(written) << written.error().describe();
            EXPECT_EQ(written->lost, std::vector<std::string>{});
            const ReadResult again = read_definition(written->text);
            ASSERT_TRUE(again.ok()) << format_findings(again.findings, "") << written->text;
            EXPECT_TRUE(again.findings.empty()) << format_findings(again.findings, "");
            ASSERT_EQ(again.definitions.size(), 1u);
            EXPECT_EQ(stored(again.definitions[0]), stored(definition)) << written->text;
            EXPECT_EQ(security_digest(again.definitions[0]), security_digest(definition));
            ++count;
        }
    }
    EXPECT_EQ(count, catalogue().size() * 3);
    EXPECT_GT(count, 250u);
}

// Other readers see the places and endpoints of the definition and no others.
TEST(ForeignForms, PK06_what_other_readers_see_is_not_wider) {
    for (const CatalogueEntry& entry : catalogue()) {
        SCOPED_TRACE(entry.name);
        const ProviderDefinition definition = read_one(entry.json);
        auto manifest = json::parse(to_afps_v1_manifest(definition));
        ASSERT_TRUE(manifest);
        manifest->get_object().erase(afps::kExtensionKey);
        const auto document = json::Document::parse(json::to_text(*manifest));
        const auto seen = read_afps_v1(*document).definitions.at(0);
        EXPECT_FALSE(seen.allow_all_uris);
        EXPECT_EQ(seen.authorized_uris.size(), definition.api_urls.size() + definition.authorized_uris.size());
        const ProviderDefinition filled = afps::with_defaults(definition);
        if (definition.oauth2) {
            EXPECT_EQ(seen.oauth2->authorization_url, filled.oauth2->authorization_url);
            EXPECT_EQ(seen.oauth2->token_url, filled.oauth2->token_url);
        }
        const auto headers = [](const ProviderDefinition& d) {
            std::vector<std::string> names;
            if (!d.inject.present) names.push_back(d.api_key ? d.api_key->header_name : "Authorization");
            for (const auto& header : d.inject.headers) names.push_back(header.first);
            return names;
        };
        if (!headers(seen).empty()) EXPECT_EQ(headers(seen), headers(definition));
        EXPECT_TRUE(seen.inject.query.empty() && seen.inject.cookies.empty());
    }
}

const std::string kKey = R"({"name":"acme","display_name":"Acme","auth_type":"api_key","flow":"api_key","api_key":{"header_name":"X-Key","header_prefix":""},)";
const std::string kOAuth = R"({"name":"acme","display_name":"Acme","auth_type":"oauth2","api_url":"api.acme.com",)";

struct Refused { std::string text, form, says; };

TEST(ForeignForms, PX03_what_cannot_be_said_is_not_written) {
    const std::string urls = R"("authorization_url":"https://acme.com/a","token_url":"https://acme.com/t")";
    const std::vector<Refused> cases = {
        {kKey + R"("api_url":"regex:[a-z]+\\.acme\\.com"})", "", "no pattern for regex:"},
        {kKey + R"("api_url":["api.acme.com","**.acme.com"]})", "", "no pattern for **.acme.com"},
        {kKey + R"("api_url":"https://**.acme.com/v1"})", "", "/api_url"},
        {kKey + R"("allow_all_uris":true,"api_url":"{base_url}"})", "", "every host"},
        {kKey + R"("uri_pattern_dialect":"afps-1.3","authorized_uris":["https://api.acme.com/*"]})", "flat", "/uri_pattern_dialect"},
        {kOAuth + R"("flow":"device_code","oauth":{"device_authorization_url":"https://acme.com/d","token_url":"https://acme.com/t"}})", "",
         "/oauth/authorization_url"},
        {kOAuth + R"("flow":"client_credentials","oauth":{"token_url":"https://acme.com/t"}})", "", "client_credentials"},
        {kOAuth + R"("flow":"pkce","oauth":{"issuer":"https://acme.com"}})", "", "/oauth/authorization_url"},
        {kOAuth + R"("flow":"pkce","oauth":{"token_auth_method":"private_key_jwt",)" + urls + "}}", "", "private_key_jwt"},
    };
    for (const Refused& refused : cases) {
        const ProviderDefinition definition = read_one(refused.text);
        for (const Form& form : forms()) {
            if (!refused.form.empty() && refused.form != form.name) continue;
            SCOPED_TRACE(refused.text + " as " + form.name);
            const auto written = form.write(definition);
            ASSERT_FALSE(written);
            EXPECT_NE(written.error().describe().find(refused.says), std::string::npos) << written.error().describe();
            EXPECT_EQ(written.error().hint, "use --format native");
        }
    }
}

TEST(ForeignForms, all_that_has_no_word_there_survives) {
    for (const std::string& text : {
             kKey + R"("api_url":["api.acme.com:8443","*.acme.com","https://{tenant}.acme.com/v1/"],"authorized_uris":["https://up.acme.com/*"],
                "vars":{"tenant":{"title":"T","pattern":"[a-z]+"},"eu":{"default":"eu"}},"probe":{"url":"https://api.acme.com/me"},"retry":{"status":[429]}})",
             std::string(R"({"name":"a.c_me","display_name":"Acme","auth_type":"basic","flow":"basic","api_url":"api.acme.com"})"),
             std::string(R"({"name":"acme","display_name":"Acme","auth_type":"api_key","flow":"api_key","api_url":"api.acme.com",
                "api_key":{"header_name":"","query_param":"key"}})"),
             std::string(R"({"name":"acme","display_name":"Acme","auth_type":"custom","flow":"custom","api_url":"api.acme.com","credentials":{"schema":
                {"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}},"inject":{"headers":{"X-B":"{{b}}","X-A":"p{{a}}"},
                "cookies":{"c":"{{a}}"},"reserved":["X-C"]}})"),
             kKey + R"("api_url":"api.acme.com","inject":{"headers":{"X-Other":"{{api_key}}"}}})",
             kKey + R"("api_url":"api.acme.com","credentials":{"transform":{"template":"k-{{api_key}}"}}})",
             kOAuth + R"("flow":"dcr_pkce","oauth":{"issuer":"https://acme.com","authorization_url":"https://acme.com/a","token_url":"https://acme.com/t",
                "token_auth_method":"none","scopes":["a"],"rename":{"token":{"client_id":"appid"}},"revoke":{"url":"https://acme.com/r"}},
                "identity":{"url":"https://api.acme.com/me","id":"/id"},"setup_guide":{"callback_url_hint":"h","steps":[{"label":"l"}]}})"}) {
        const ProviderDefinition definition = read_one(text);
        for (const Form& form : forms()) {
            SCOPED_TRACE(text + " as " + form.name);
            const auto written = form.write(definition);
            ASSERT_TRUE(written) << written.error().describe();
            EXPECT_EQ(written->lost, std::vector<std::string>{});
            EXPECT_EQ(stored(read_one(written->text)), stored(definition)) << written->text;
        }
    }
}

TEST(ForeignForms, a_header_that_does_not_hold_is_not_said_to_others) {
    const auto definition = read_one(kKey + R"("api_url":"api.acme.com","inject":{"headers":{"X-Other":"{{api_key}}"}}})");
    EXPECT_EQ(*json::string_at(json::parse(to_afps_v1_manifest(definition))->at("definition").as_object(), "credentialHeaderName"), "X-Other");
    const auto transformed = read_one(kKey + R"("api_url":"api.acme.com","credentials":{"transform":{"template":"k-{{api_key}}"}}})");
    const auto block = json::parse(to_afps_v1_manifest(transformed))->at("definition").as_object();
    EXPECT_FALSE(block.contains("credentialHeaderName"));
    EXPECT_FALSE(block.contains("credentialTransform"));
}

TEST(ForeignForms, what_is_lost_is_said) {
    const auto definition = read_one(kKey + R"("api_url":"api.acme.com","x-note":1,"retry":{"status":[429],"x-more":2}})");
    for (const Form& form : forms()) {
        if (std::string_view(form.name) == "afps-package") continue;
        const auto written = form.write(definition);
        ASSERT_TRUE(written) << written.error().describe();
        EXPECT_EQ(written->lost, (std::vector<std::string>{"/retry/x-more", "/x-note"})) << form.name;
    }
}

std::string with_extension(const std::string& extension) {
    return R"({"name":"@acme/api","version":"1.0.0","type":"provider","definition":{"authMode":"api_key","credentials":{"schema":{"type":"object",
        "properties":{"api_key":{"type":"string"}}}},"credentialHeaderName":"X-Key","authorizedUris":["https://api.acme.com/**"]},"x-claviger":)" +
           extension + "}";
}

TEST(ForeignForms, PK06_the_extension_adds_and_cannot_contradict) {
    struct Case { std::string extension, code, pointer; };
    const std::vector<Case> cases = {
        {R"({"api_url":"evil.example"})", "contradicts", "/x-claviger"},
        {R"({"api_url":"api.acme.com","authorized_uris":["https://evil.example/**"]})", "contradicts", "/x-claviger"},
        {R"({"api_url":"regex:.*","authorized_uris":null})", "contradicts", "/x-claviger"},
        {R"({"api_url":"**.acme.com"})", "contradicts", "/x-claviger"},
        {R"({"api_key":{"header_name":"X-Evil"}})", "contradicts", "/x-claviger"},
        {R"({"name":"other"})", "contradicts", "/x-claviger"},
        {R"({"auth_type":"basic","flow":"basic","api_key":null})", "contradicts", "/x-claviger"},
        {R"({"allow_all_uris":true})", "contradicts", "/x-claviger"},
        {R"({"display_name":"Trusted"})", "contradicts", "/x-claviger"},
        {R"({"probe":{"url":"http://api.acme.com/"}})", "not_https", "/x-claviger/probe/url"},
        {R"({"vars":7})", "wrong_type", "/x-claviger/vars"},
        {R"({"nosuch":1})", "unknown_key", "/x-claviger/nosuch"},
        {"[]", "wrong_type", "/x-claviger"},
    };
    for (const Case& wrong : cases) {
        SCOPED_TRACE(wrong.extension);
        const ReadResult result = read_definition(with_extension(wrong.extension));
        EXPECT_FALSE(result.ok());
        bool found = false;
        for (const Finding& finding : result.findings)
            found = found || (finding.code == wrong.code && finding.pointer == wrong.pointer && finding.place.line > 0);
        EXPECT_TRUE(found) << format_findings(result.findings, "");
    }
    const auto fine = read_one(with_extension(R"({"export":{"ACME_KEY":"api_key"},"api_url":"api.acme.com","authorized_uris":null})"));
    EXPECT_EQ(fine.api_urls, std::vector<std::string>{"api.acme.com"});
    EXPECT_EQ(fine.exports.at(0).env_name, "ACME_KEY");
}

}  // namespace
}  // namespace claviger::provider
