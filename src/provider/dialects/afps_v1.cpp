#include "provider/dialects/afps_v1.hpp"

#include <fmt/core.h>
#include <re2/re2.h>

#include "provider/dialects/afps_parts.hpp"
#include "provider/dialects/extension.hpp"
#include "provider/dialects/field_reader.hpp"

namespace claviger::provider {
namespace {

constexpr std::string_view kOAuth2Keys[] = {"authorizationUrl", "tokenUrl",        "refreshUrl",      "defaultScopes",
                                            "scopeSeparator",   "pkceEnabled",     "tokenAuthMethod", "tokenContentType",
                                            "tokenParams",      "authorizationParams"};
constexpr std::string_view kOAuth1Keys[] = {"requestTokenUrl", "accessTokenUrl", "authorizationUrl",
                                            "authorizationParams"};

PointerMap pointers_of_manifest() {
    PointerMap map;
    for (const auto& [native, source] : std::initializer_list<std::pair<const char*, const char*>>{
             {"/display_name", "/displayName"},
             {"/icon", "/iconUrl"},
             {"/docs_url", "/docsUrl"},
             {"/setup_guide", "/setupGuide"},
             {"/setup_guide/callback_url_hint", "/setupGuide/callbackUrlHint"},
             {"/auth_type", "/definition/authMode"},
             {"/flow", "/definition/authMode"},
             {"/api_url", "/definition/authorizedUris"},
             {"/authorized_uris", "/definition/authorizedUris"},
             {"/allow_all_uris", "/definition/allowAllUris"},
             {"/uri_pattern_dialect", "/schemaVersion"},
             {"/oauth", "/definition/oauth2"},
             {"/oauth/authorization_url", "/definition/oauth2/authorizationUrl"},
             {"/oauth/token_url", "/definition/oauth2/tokenUrl"},
             {"/oauth/refresh_url", "/definition/oauth2/refreshUrl"},
             {"/oauth/scopes", "/definition/oauth2/defaultScopes"},
             {"/oauth/scope_separator", "/definition/oauth2/scopeSeparator"},
             {"/oauth/pkce", "/definition/oauth2/pkceEnabled"},
             {"/oauth/token_auth_method", "/definition/oauth2/tokenAuthMethod"},
             {"/oauth/token_content_type", "/definition/oauth2/tokenContentType"},
             {"/oauth/authorization_params", "/definition/oauth2/authorizationParams"},
             {"/oauth/token_params", "/definition/oauth2/tokenParams"},
             {"/oauth/available_scopes", "/definition/availableScopes"},
             {"/oauth1", "/definition/oauth1"},
             {"/oauth1/request_token_url", "/definition/oauth1/requestTokenUrl"},
             {"/oauth1/access_token_url", "/definition/oauth1/accessTokenUrl"},
             {"/oauth1/authorization_url", "/definition/oauth1/authorizationUrl"},
             {"/oauth1/authorization_params", "/definition/oauth1/authorizationParams"},
             {"/api_key", "/definition"},
             {"/api_key/header_name", "/definition/credentialHeaderName"},
             {"/api_key/header_prefix", "/definition/credentialHeaderPrefix"},
             {"/inject", "/definition"},
             {"/credentials", "/definition/credentials"},
             {"/credentials/field_name", "/definition/credentials/fieldName"},
             {"/credentials/transform", "/definition/credentialTransform"},
         })
        map.add(native, source);
    return map;
}

void read_setup_guide(FieldReader& root, ProviderDefinition& definition) {
    auto guide = root.object("setupGuide");
    if (!guide) return;
    definition.setup_guide.callback_url_hint = guide->string("callbackUrlHint");
    for (FieldReader& step : guide->objects("steps")) {
        SetupStep item;
        item.label = step.required_string("label");
        item.url = step.string("url");
        step.finish(&definition.unknown);
        definition.setup_guide.steps.push_back(std::move(item));
    }
    guide->finish(&definition.unknown);
}

void read_versions(FieldReader& root, ProviderDefinition& definition) {
    afps::check_version(root, "version", true);
    const std::string text = root.string("schemaVersion", "1.0");
    int minor = 0;
    if (RE2::FullMatch(text, "1\\.(0|[1-9][0-9]{0,5})", &minor)) {
        if (minor >= 3) definition.uri_pattern_dialect = "afps-1.3";
    } else {
        root.error("schemaVersion", "unsupported_version", "must be \"1.\" and a number for a provider; write \"1.0\"");
    }
}

// Members that the payload of the REST API has side by side, but a manifest has in blocks.
template <std::size_t N>
void report_misplaced(FieldReader& outer, FieldReader& block, const std::string_view (&keys)[N], std::string_view path) {
    for (const std::string_view key : keys) {
        if (!outer.has(key)) continue;
        const std::string message = fmt::format("belongs into a block of its own; move it to {}.{}", path, key);
        if (block.has(key)) outer.warning(key, "misplaced", message);
        else outer.error(key, "misplaced", message);
    }
}

void read_oauth_block(FindingList& findings, FieldReader& outer, ProviderDefinition& definition, bool second) {
    const std::string_view key = second ? "oauth2" : "oauth1";
    const std::string path = "definition." + std::string(key);
    const json::Value none = json::Object{};
    // A block of the wrong type is reported by object(); its members need not be missed as well.
    const bool absent = !outer.has(key);
    auto given = outer.object(key);
    if (!given && !absent) return;
    FieldReader block = given ? *given : FieldReader(findings, none, outer.pointer_of(key));
    if (second) {
        afps::read_oauth2(block, definition, path + ".", &outer);
        report_misplaced(outer, block, kOAuth2Keys, path);
    } else {
        afps::read_oauth1(block, definition, path + ".", &outer);
        report_misplaced(outer, block, kOAuth1Keys, path);
    }
    afps::drop_client(block);
    block.finish(&definition.unknown);
}

void read_credentials(FieldReader& outer, ProviderDefinition& definition) {
    const bool needed = definition.auth_type != AuthType::oauth2 && definition.auth_type != AuthType::oauth1;
    for (const auto& [key, right] : {std::pair{"credentialSchema", "schema"}, std::pair{"credentialFieldName", "fieldName"}})
        if (outer.has(key))
            outer.error(key, "misplaced", fmt::format("belongs into a block of its own; move it to definition.credentials.{}", right));
    if (!outer.has("credentials")) {
        if (needed)
            outer.error("credentials", "required",
                        fmt::format("definition.credentials is required for authMode \"{}\"; write a schema of its fields",
                                    to_string(definition.auth_type)));
        return;
    }
    auto credentials = outer.object("credentials");
    if (!credentials) return;
    if (credentials->object("schema")) definition.credentials.schema = *credentials->value("schema");
    else if (needed && !credentials->has("schema"))
        credentials->error("schema", "required", "definition.credentials.schema is required; write a JSON Schema of the fields");
    afps::settle_field_name(*credentials, "fieldName", "definition.credentials.", definition);
    credentials->finish(&definition.unknown);
}

void read_definition_block(FindingList& findings, FieldReader& block, ProviderDefinition& definition) {
    const auto mode = block.choice("authMode", {"oauth2", "oauth1", "api_key", "basic", "custom"});
    if (!mode && !block.has("authMode"))
        block.error("authMode", "required", "definition.authMode is required; write one of oauth2, oauth1, api_key, basic, custom");
    if (!mode) return;
    definition.auth_type = *auth_type_from(*mode);
    definition.flow = definition.auth_type == AuthType::oauth2 ? Flow::pkce : *flow_from(*mode);
    if (definition.auth_type == AuthType::oauth2) read_oauth_block(findings, block, definition, true);
    if (definition.auth_type == AuthType::oauth1) read_oauth_block(findings, block, definition, false);
    read_credentials(block, definition);
    afps::read_transform(block, definition);
    afps::read_header(block, definition);
    afps::read_places(block, definition);
    afps::read_available_scopes(block, definition);
    for (const std::string_view key : {"oauth2", "oauth1", "availableScopes", "uploadProtocols", "adminCredentialSchema",
                                       "connectionMode"})
        block.keep(key);
    afps::drop_client(block);
    block.finish(&definition.unknown);
}

}  // namespace

DialectRead read_afps_v1(const json::Document& document) {
    DialectRead result;
    FindingList findings(document);
    FieldReader root(findings, document.root(), "");
    if (!root.is_object()) {
        result.findings = std::move(findings).take();
        return result;
    }
    ProviderDefinition definition;
    definition.dialect = "afps-v1";
    const std::string type = root.required_string("type");
    if (!type.empty() && type != "provider")
        root.error("type", "not_a_provider", "is not \"provider\"; only such a package says how a service authenticates");
    definition.name = afps::read_package_name(root, "name");
    read_versions(root, definition);
    afps::read_display(root, definition);
    read_setup_guide(root, definition);
    if (auto block = root.object("definition")) read_definition_block(findings, *block, definition);
    else if (!root.has("definition"))
        root.error("definition", "required", "definition is required; write how the service authenticates");
    for (const std::string_view key : {"license", "repository", "keywords", "author", "dependencies"}) root.keep(key);
    afps::drop_client(root);
    root.value(afps::kExtensionKey);
    root.finish(&definition.unknown);
    afps::remember(root, {"name", "version", "schemaVersion"}, definition);
    PointerMap pointers = pointers_of_manifest();
    const bool completed = afps::read_extension(findings, root, definition, pointers, afps::said_by_manifest);
    afps::forget_defaults(definition);
    afps::point_injection(pointers, definition, "/definition/credentialHeaderName");
    result.definitions.push_back(std::move(definition));
    result.pointers.push_back(std::move(pointers));
    result.findings = std::move(findings).take();
    if (completed) afps::drop_settled_warnings(result.findings);
    return result;
}

}  // namespace claviger::provider
