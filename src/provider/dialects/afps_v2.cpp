#include "provider/dialects/afps_v2.hpp"

#include <fmt/core.h>
#include <re2/re2.h>

#include "base/text.hpp"
#include "provider/dialects/afps_parts.hpp"
#include "provider/dialects/afps_v2_auth.hpp"
#include "provider/dialects/field_reader.hpp"

namespace claviger::provider {
namespace {

// Each copies what the package says about itself, so that their number bounds the work.
constexpr std::size_t kMostAuths = 16;

PointerMap pointers_of_auth(const std::string& auth) {
    PointerMap map;
    for (const auto& [native, source] : std::initializer_list<std::pair<const char*, const char*>>{
             {"/api_url/0", "/source/remote/url"}, {"/docs_url", "/documentation"}})
        map.add(native, source);
    for (const auto& [native, member] : std::initializer_list<std::pair<const char*, const char*>>{
             {"/auth_type", "/type"},
             {"/flow", "/type"},
             {"/setup_guide/callback_url_hint", "/callback_url_hint"},
             {"/api_url", "/authorized_uris"},
             {"/authorized_uris", "/authorized_uris"},
             {"/allow_all_uris", "/allow_all_uris"},
             {"/oauth", ""},
             {"/oauth/issuer", "/issuer"},
             {"/oauth/authorization_url", "/authorization_endpoint"},
             {"/oauth/token_url", "/token_endpoint"},
             {"/oauth/userinfo_url", "/userinfo_endpoint"},
             {"/oauth/token_auth_method", "/token_endpoint_auth_method"},
             {"/oauth/pkce", "/code_challenge_methods_supported"},
             {"/oauth/scopes", "/default_scopes"},
             {"/oauth/available_scopes", "/scope_catalog"},
             {"/oauth/authorization_params", "/authorization_params"},
             {"/oauth/resource", "/resource"},
             {"/identity", "/identity_claims"},
             {"/identity/url", "/userinfo_endpoint"},
             {"/credentials", "/credentials"},
             {"/credentials/field_name", "/delivery/http/value"},
             {"/credentials/transform", "/delivery/http/value"},
             {"/api_key", "/delivery/http"},
             {"/api_key/header_name", "/delivery/http/name"},
             {"/api_key/header_prefix", "/delivery/http/prefix"},
             {"/api_key/query_param", "/delivery/http/name"},
             {"/inject", "/delivery/http"},
             {"/export", "/delivery/env"},
         })
        map.add(native, auth + member);
    return map;
}

// "integration" is a provider; an MCP server package holds none; the rest are not meant for us.
bool is_integration(FieldReader& root) {
    const std::string type = root.required_string("type");
    if (type == "mcp-server")
        root.warning("type", "not_a_provider", "is an MCP server, which has no credentials of its own; nothing to define");
    else if (!type.empty() && type != "integration")
        root.error("type", "not_a_provider", "is not \"integration\"; only such a package says how a service authenticates");
    return type == "integration";
}

void read_setup_guide(FieldReader& root, ProviderDefinition& definition) {
    auto guide = root.object("setup_guide");
    if (!guide) return;
    definition.setup_guide.callback_url_hint = guide->string("callback_url_hint");
    for (FieldReader& step : guide->objects("steps")) {
        SetupStep item;
        item.label = step.required_string("label");
        item.url = step.string("url");
        step.finish(&definition.unknown);
        definition.setup_guide.steps.push_back(std::move(item));
    }
    guide->finish(&definition.unknown);
}

void read_source(FieldReader& root, ProviderDefinition& definition) {
    auto source = root.object("source");
    if (!source) {
        if (!root.has("source")) root.error("source", "required", "source is required; write {\"kind\": \"api\", \"api\": {}}");
        return;
    }
    const auto kind = source->choice("kind", {"api", "none", "local", "remote"});
    if (kind != "remote") return;
    if (auto remote = source->object("remote")) definition.api_urls.push_back(remote->required_string("url"));
    else source->error("remote", "required", "source.remote is required for the kind \"remote\"; write its url");
}

void read_display(FieldReader& root, ProviderDefinition& definition) {
    definition.display_name = root.string("display_name", definition.name);
    definition.description = root.string("description");
    definition.docs_url = root.string("documentation");
    // "logos:acme": of an icon in a named set, the icon; a URL stays one.
    const std::string icon = root.string("icon");
    const std::size_t colon = icon.find(':');
    const std::string name = colon == std::string::npos ? icon : icon.substr(colon + 1);
    definition.icon = base::valid_name(name) ? name : icon;
}

ProviderDefinition read_package(FieldReader& root) {
    ProviderDefinition definition;
    definition.dialect = "afps-v2";
    definition.uri_pattern_dialect = "afps-1.3";
    definition.name = afps::read_package_name(root, "name");
    afps::check_version(root, "version", true);
    if (const auto version = root.optional_string("schema_version");
        version && !RE2::FullMatch(*version, "[02]\\.(0|[1-9][0-9]{0,5})"))
        root.error("schema_version", "unsupported_version", "must be \"2.\" and a number; write \"2.0\"");
    read_display(root, definition);
    read_setup_guide(root, definition);
    read_source(root, definition);
    for (const std::string_view key :
         {"license", "author", "repository", "homepage", "support", "icons", "screenshots", "privacy_policies", "keywords",
          "long_description", "compatibility", "dependencies", "tools", "tools_policy", "hidden_tools", "default_tools",
          "allow_undeclared_tools"})
        root.keep(key);
    root.has("auths");
    afps::drop_client(root);
    root.finish(&definition.unknown);
    afps::remember(root, {"name", "version", "schema_version", "icon", "source"}, definition);
    return definition;
}

// v2 writes {{callback_url}}, v1 {{callbackUrl}}; the model keeps the older.
void settle_callback_hint(ProviderDefinition& definition) {
    std::string& hint = definition.setup_guide.callback_url_hint;
    RE2::GlobalReplace(&hint, "\\{\\{\\s*callback_url\\s*\\}\\}", "{{callbackUrl}}");
}

void read_auths(FieldReader& auths, const ProviderDefinition& package, DialectRead& result) {
    const std::vector<std::string> keys = auths.keys();
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::string& key = keys[i];
        auto auth = auths.object(key);
        if (!auth) continue;
        if (!RE2::FullMatch(key, "[a-z][a-z0-9_]{0,31}"))
            auths.error(key, "bad_name", "must be small letters, digits and '_', and begin with a letter");
        ProviderDefinition definition = package;
        if (i > 0) {
            definition.name += "-" + key;
            definition.display_name += " (" + key + ")";
        }
        if (!afps2::read_auth(*auth, definition)) continue;
        afps::drop_client(*auth);
        auth->finish(&definition.unknown);
        afps::remember(*auth, {"identity_claims", "_meta"}, definition);
        settle_callback_hint(definition);
        PointerMap pointers = pointers_of_auth(auth->pointer());
        afps::point_injection(pointers, definition, auth->pointer() + "/delivery/http/name");
        result.definitions.push_back(std::move(definition));
        result.pointers.push_back(std::move(pointers));
    }
}

}  // namespace

DialectRead read_afps_v2(const json::Document& document) {
    DialectRead result;
    FindingList findings(document);
    FieldReader root(findings, document.root(), "");
    if (root.is_object() && is_integration(root)) {
        const ProviderDefinition package = read_package(root);
        auto auths = root.object("auths");
        if (auths && auths->keys().size() > kMostAuths)
            root.error("auths", "too_many", fmt::format("has more than {} entries; split the package", kMostAuths));
        else if (auths) read_auths(*auths, package, result);
        else if (!root.has("auths")) root.error("auths", "required", "auths is required; write how the service authenticates");
        if (result.definitions.empty() && !findings.has_errors())
            root.error("auths", "unsupported", "holds no way to authenticate that is supported; write one of type oauth2, api_key, basic or custom");
    }
    result.findings = std::move(findings).take();
    return result;
}

}  // namespace claviger::provider
