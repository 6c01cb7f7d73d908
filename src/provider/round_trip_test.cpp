// For every definition: what to_native_json writes reads to the same definition, and the validator never crashes on
// a model that no file gave. Random definitions, shrunk on failure.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "provider/read.hpp"
#include "provider/validate.hpp"

namespace claviger::provider {
namespace {

rc::Gen<std::string> word() {
    return rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange('a', static_cast<char>('z' + 1))));
}
rc::Gen<std::string> maybe(rc::Gen<std::string> gen) { return rc::gen::oneOf(rc::gen::just(std::string()), std::move(gen)); }
rc::Gen<std::string> url() {
    return rc::gen::map(word(), [](const std::string& w) { return "https://" + w + ".acme.example/" + w; });
}
rc::Gen<StringMap> map() {
    return rc::gen::map(rc::gen::container<std::map<std::string, std::string>>(word(), word()), [](const auto& members) {
        StringMap result;
        for (const auto& [name, value] : members) result.emplace_back("x" + name, value);
        if (result.size() > 50) result.resize(50);
        return result;
    });
}

OAuth2 some_oauth() {
    OAuth2 o;
    o.authorization_url = *url();
    o.token_url = *url();
    o.refresh_url = *maybe(url());
    o.revocation_url = *maybe(url());
    o.introspection_url = *maybe(url());
    o.device_authorization_url = *url();
    o.base_url = *maybe(url());
    o.issuer = *maybe(url());
    o.scopes = *rc::gen::container<std::vector<std::string>>(word());
    for (const auto& value : *rc::gen::container<std::vector<std::string>>(word())) o.available_scopes.push_back({value, *maybe(word()), "", {}});
    o.scope_separator = *rc::gen::element<std::string>(" ", ",", "+");
    o.pkce = *rc::gen::arbitrary<bool>();
    o.supports_device_code = *rc::gen::arbitrary<bool>();
    o.supports_dcr = *rc::gen::arbitrary<bool>();
    o.client_secret_required = *rc::gen::arbitrary<bool>();
    if (*rc::gen::arbitrary<bool>()) o.token_auth_method = *rc::gen::element(TokenAuthMethod::client_secret_post, TokenAuthMethod::client_secret_basic);
    o.token_content_type = *rc::gen::element(BodyFormat::form, BodyFormat::json, BodyFormat::query, BodyFormat::xml);
    if (o.token_content_type == BodyFormat::xml) o.token_body = "<a>{{code}}</a>";
    o.authorization_params = *map();
    o.token_params = *map();
    o.token_headers = *map();
    if (*rc::gen::arbitrary<bool>()) o.token_signature = HmacSignature{"sha1", "{{client_secret}}", "", "{{request.body}}", "base64", "seconds", {{"X-Sign", "{{request.signature}}"}}};
    if (*rc::gen::arbitrary<bool>()) {
        TokenStep step;
        step.name = "session";
        step.url = *url();
        step.method = *rc::gen::element<std::string>("POST", "GET");
        step.content_type = *rc::gen::element(BodyFormat::form, BodyFormat::json, BodyFormat::query);
        step.params = *map();
        step.headers = *map();
        step.response.access_token = {"/session/id"};
        step.expires.unit = *rc::gen::element<std::string>("seconds", "minutes");
        o.steps.push_back(std::move(step));
    }
    if (const auto names = *map(); !names.empty()) o.rename["token"] = {names.front()};
    o.expires.unit = *rc::gen::element<std::string>("seconds", "milliseconds", "days");
    if (*rc::gen::arbitrary<bool>()) o.expires.default_seconds = *rc::gen::inRange<std::int64_t>(1, 1000);
    o.refresh.mode = *rc::gen::element<std::string>("refresh", "remint", "extend");
    o.response.access_token = *rc::gen::element(std::vector<std::string>{}, std::vector<std::string>{"/a"}, std::vector<std::string>{"/a", "/b"});
    if (*rc::gen::arbitrary<bool>()) o.response.capture = {{"team", "/team"}};
    o.refresh.method = *rc::gen::element<std::string>("", "POST", "GET");
    o.refresh.token = *rc::gen::element<std::string>("refresh_token", "access_token");
    o.refresh.grant_type = *rc::gen::element<std::string>("refresh_token", "exchange");
    if (*rc::gen::arbitrary<bool>()) o.refresh.auth = *rc::gen::element(TokenAuthMethod::none, TokenAuthMethod::client_secret_basic);
    if (*rc::gen::arbitrary<bool>()) o.refresh.content_type = *rc::gen::element(BodyFormat::form, BodyFormat::json);
    if (*rc::gen::arbitrary<bool>()) o.refresh.idle_max_seconds = *rc::gen::inRange<std::int64_t>(60, 1000);
    if (*rc::gen::arbitrary<bool>()) o.response.ok_status = {302};
    if (*rc::gen::arbitrary<bool>()) o.basic = {"{{client_secret}}", *maybe(word()), true};
    if (o.basic.present) o.token_auth_method = TokenAuthMethod::client_secret_basic;
    o.callback.code_entry = *rc::gen::arbitrary<bool>();
    o.callback.iss_required = !o.callback.code_entry && !o.issuer.empty() && *rc::gen::arbitrary<bool>();
    o.dpop = *rc::gen::arbitrary<bool>();
    o.token_method = *rc::gen::element<std::string>("POST", "GET");
    o.revoke.present = *rc::gen::arbitrary<bool>();
    if (o.revoke.present) o.revoke.method = *rc::gen::element<std::string>("POST", "DELETE");
    o.errors.terminal = *rc::gen::container<std::vector<std::string>>(word());
    return o;
}

ProviderDefinition some_definition() {
    ProviderDefinition d;
    d.name = (*word()).substr(0, 64);
    d.display_name = *rc::gen::suchThat(word(), [](const auto& w) { return w.size() <= 200; });
    d.description = *maybe(word());
    if (*rc::gen::arbitrary<bool>()) {
        d.auth_type = AuthType::oauth2;
        d.flow = *rc::gen::element(Flow::pkce, Flow::dcr_pkce, Flow::device_code, Flow::client_credentials);
        d.oauth2 = some_oauth();
        if (*rc::gen::arbitrary<bool>()) d.exports = {{"A", "access_token"}, {"B", "access_token"}, {"C", "base_url"}};
    } else {
        ApiKey key;
        key.header_name = *rc::gen::element<std::string>("Authorization", "X-Key");
        key.header_prefix = *maybe(word());
        key.query_param = *maybe(word());
        if (key.header_prefix.size() > 64) key.header_prefix.clear();
        if (!key.query_param.empty() && *rc::gen::arbitrary<bool>()) key.header_name.clear();
        d.api_key = key;
        if (*rc::gen::arbitrary<bool>()) d.exports = {{"A_KEY", "api_key"}, {"A_URL", "api_url"}};
        if (*rc::gen::arbitrary<bool>()) {
            d.inject.present = true;
            d.inject.headers = {{"X-Key", "{{api_key}}"}};
        }
    }
    for (const auto& host : *rc::gen::container<std::vector<std::string>>(word())) {
        if (host.size() < 60 && d.api_urls.size() < 100) d.api_urls.push_back(host + ".acme.example");
    }
    d.allow_all_uris = *rc::gen::arbitrary<bool>();
    d.websocket = *rc::gen::arbitrary<bool>();
    if (*rc::gen::arbitrary<bool>()) d.vars = {{"tenant", "Tenant", "", "[a-z]+", "", "", {}, false}};
    if (*rc::gen::arbitrary<bool>()) d.unknown[""] = json::Object{{"surplus", *word()}};
    if (*rc::gen::arbitrary<bool>()) d.unknown["/a~1b/c"] = json::Object{{"x", 1}};
    return d;
}

TEST(RoundTrip, every_definition_registers_again_to_the_same_value) {
    EXPECT_TRUE(rc::check("read(write(d)) == d", [] {
        const ProviderDefinition d = some_definition();
        const std::string text = json::to_pretty_text(to_native_json(d));
        const ReadResult read = read_definition(text);
        if (!read.ok()) RC_FAIL(format_findings(read.findings, "") + text);
        const ProviderDefinition& again = read.definitions.at(0);
        // A surplus place that is no member becomes a surplus member on the way; its text stays the same.
        RC_ASSERT(json::to_pretty_text(to_native_json(again)) == text);
        RC_ASSERT(security_digest(again) == security_digest(d));
        RC_ASSERT(again.api_urls == d.api_urls);
        RC_ASSERT(again.exports.size() == d.exports.size());
        RC_ASSERT(again.flow == d.flow);
    }));
}

TEST(RoundTrip, the_validator_takes_any_text_in_any_place) {
    EXPECT_TRUE(rc::check("validate never crashes", [] {
        ProviderDefinition d = some_definition();
        const std::string text = *rc::gen::arbitrary<std::string>();
        const std::string piece = *rc::gen::element<std::string>("*.", "**.", "://", "{a}", "{", "}", "regex:", "https://", "@", ":", "[", "%", "\\", "{{", "..");
        d.api_urls = {text, piece + text, text + piece, piece};
        d.authorized_uris = {text, piece + text, "https://" + piece + text, piece};
        d.name = text;
        d.identity = Identity{piece + text, text, piece};
        d.exports = {{text, piece}, {piece, text}};
        d.inject.present = true;
        d.inject.headers = {{text, piece + text}, {piece, "{{" + text + "}}"}};
        if (d.oauth2) d.oauth2->token_url = "https://" + piece + text;
        if (d.api_key) d.api_key->key_pattern = piece + text;
        validate(d);
        security_digest(d);
    }));
}

}  // namespace
}  // namespace claviger::provider
