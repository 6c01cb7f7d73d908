#include "provider/dialects/flat.hpp"

#include <fmt/core.h>

#include "provider/dialects/afps_parts.hpp"
#include "provider/dialects/afps_write.hpp"
#include "provider/dialects/extension.hpp"

namespace claviger::provider {
namespace {

PointerMap pointers_of_payload() {
    PointerMap map;
    for (const auto& [native, source] : std::initializer_list<std::pair<const char*, const char*>>{
             {"/name", "/id"},
             {"/display_name", "/displayName"},
             {"/icon", "/iconUrl"},
             {"/docs_url", "/docsUrl"},
             {"/auth_type", "/authMode"},
             {"/flow", "/authMode"},
             {"/api_url", "/authorizedUris"},
             {"/authorized_uris", "/authorizedUris"},
             {"/allow_all_uris", "/allowAllUris"},
             {"/oauth", ""},
             {"/oauth/authorization_url", "/authorizationUrl"},
             {"/oauth/token_url", "/tokenUrl"},
             {"/oauth/refresh_url", "/refreshUrl"},
             {"/oauth/scopes", "/defaultScopes"},
             {"/oauth/scope_separator", "/scopeSeparator"},
             {"/oauth/pkce", "/pkceEnabled"},
             {"/oauth/token_auth_method", "/tokenAuthMethod"},
             {"/oauth/token_content_type", "/tokenContentType"},
             {"/oauth/authorization_params", "/authorizationParams"},
             {"/oauth/token_params", "/tokenParams"},
             {"/oauth/available_scopes", "/availableScopes"},
             {"/oauth1", ""},
             {"/oauth1/request_token_url", "/requestTokenUrl"},
             {"/oauth1/access_token_url", "/accessTokenUrl"},
             {"/oauth1/authorization_url", "/authorizationUrl"},
             {"/oauth1/authorization_params", "/authorizationParams"},
             {"/api_key", ""},
             {"/api_key/header_name", "/credentialHeaderName"},
             {"/api_key/header_prefix", "/credentialHeaderPrefix"},
             {"/inject", ""},
             {"/credentials", ""},
             {"/credentials/schema", "/credentialSchema"},
             {"/credentials/field_name", "/credentialFieldName"},
             {"/credentials/transform", "/credentialTransform"},
         })
        map.add(native, source);
    return map;
}

void read_kind(FieldReader& root, ProviderDefinition& definition) {
    const auto mode = root.choice("authMode", {"oauth2", "oauth1", "api_key", "basic", "custom"});
    if (!mode && !root.has("authMode"))
        root.error("authMode", "required", "authMode is required; write one of oauth2, oauth1, api_key, basic, custom");
    if (!mode) return;
    definition.auth_type = *auth_type_from(*mode);
    definition.flow = definition.auth_type == AuthType::oauth2 ? Flow::pkce : *flow_from(*mode);
    if (definition.auth_type == AuthType::oauth2) afps::read_oauth2(root, definition, "");
    if (definition.auth_type == AuthType::oauth1) afps::read_oauth1(root, definition, "");
    if (root.object("credentialSchema")) definition.credentials.schema = *root.value("credentialSchema");
    else if (definition.auth_type == AuthType::custom && !root.has("credentialSchema"))
        root.error("credentialSchema", "required", "credentialSchema is required for authMode \"custom\"; write a JSON Schema of the fields");
    afps::settle_field_name(root, "credentialFieldName", "", definition);
    afps::read_transform(root, definition);
    afps::read_header(root, definition);
    afps::read_available_scopes(root, definition);
}

json::Object plain_payload(const ProviderDefinition& original) {
    const json::Object kept = afps::kept_members(original);
    const ProviderDefinition definition = afps::with_defaults(original);
    json::Object out{{"id", afps::full_name(definition, kept)}};
    afps::put(out, "displayName", definition.display_name);
    out["authMode"] = to_string(definition.auth_type);
    if (const json::Value* version = afps::kept_member(kept, "version")) out["version"] = *version;
    if (const json::Value* author = afps::kept_member(kept, "author"); author && author->is_string())
        out["author"] = *author;
    afps::put(out, "description", definition.description);
    afps::put(out, "iconUrl", definition.icon);
    afps::put(out, "categories", definition.categories);
    afps::put(out, "docsUrl", definition.docs_url);
    if (definition.oauth2)
        for (auto& member : afps::oauth2_members(*definition.oauth2)) out[member.key()] = member.value();
    if (definition.oauth1)
        for (auto& member : afps::oauth1_members(*definition.oauth1)) out[member.key()] = member.value();
    if (json::Value schema = afps::schema_to_write(definition); !schema.is_null()) out["credentialSchema"] = std::move(schema);
    afps::put(out, "credentialFieldName", definition.credentials.field_name);
    afps::put_injection_and_places(out, definition);
    if (definition.oauth2) afps::put_scope_choices(out, definition.oauth2->available_scopes);
    return out;
}

}  // namespace

DialectRead read_flat(const json::Document& document) {
    DialectRead result;
    FindingList findings(document);
    FieldReader root(findings, document.root(), "");
    bool completed = false;
    if (root.is_object()) {
        ProviderDefinition definition;
        definition.dialect = "flat";
        definition.name = afps::read_package_name(root, "id");
        afps::check_version(root, "version", false);
        afps::read_display(root, definition);
        if (!root.has("displayName")) root.error("displayName", "required", "displayName is required; write the service's name");
        read_kind(root, definition);
        afps::read_places(root, definition);
        afps::drop_client(root);
        for (const std::string_view key : {"author", "connectionMode"}) root.keep(key);
        root.value(afps::kExtensionKey);
        root.finish(&definition.unknown);
        afps::remember(root, {"version"}, definition);
        // Under the name that a manifest has for it, so that the definition can become a package.
        if (const auto id = root.optional_string("id")) {
            json::Value& top = definition.unknown[""];
            if (!top.is_object()) top.emplace_object();
            top.get_object()["name"] = *id;
        }
        PointerMap pointers = pointers_of_payload();
        completed = afps::read_extension(findings, root, definition, pointers, afps::said_by_payload);
        afps::forget_defaults(definition);
        afps::point_injection(pointers, definition, "/credentialHeaderName");
        result.definitions.push_back(std::move(definition));
        result.pointers.push_back(std::move(pointers));
    }
    result.findings = std::move(findings).take();
    if (completed) afps::drop_settled_warnings(result.findings);
    return result;
}

std::optional<ProviderDefinition> afps::said_by_payload(const ProviderDefinition& definition) {
    const auto document = json::Document::parse(json::to_text(plain_payload(definition)));
    if (!document) return std::nullopt;
    DialectRead read = read_flat(*document);
    if (read.definitions.empty()) return std::nullopt;
    return std::move(read.definitions.front());
}

std::string to_flat_payload(const ProviderDefinition& definition) {
    json::Object payload = plain_payload(definition);
    if (const auto said = afps::said_by_payload(definition))
        if (json::Object extension = afps::extension_for(definition, *said); !extension.empty())
            payload[afps::kExtensionKey] = std::move(extension);
    return json::to_pretty_text(payload);
}

base::Result<afps::Written> write_flat(const ProviderDefinition& definition) {
    TRY_VOID(afps::check_sayable(definition, "flat", false));
    return afps::check_written(definition, to_flat_payload(definition), "flat");
}

}  // namespace claviger::provider
