// Writing AFPS v1: the members in the order that people write them, then what was kept from reading.
#include "provider/dialects/afps_parts.hpp"
#include "provider/dialects/afps_v1.hpp"
#include "provider/dialects/afps_write.hpp"
#include "provider/dialects/extension.hpp"

namespace claviger::provider {
namespace {

using afps::put;

json::Object setup_guide(const SetupGuide& guide) {
    json::Object out;
    put(out, "callbackUrlHint", guide.callback_url_hint);
    json::Array steps;
    for (const auto& step : guide.steps) {
        json::Object item{{"label", step.label}};
        put(item, "url", step.url);
        steps.push_back(std::move(item));
    }
    if (!steps.empty()) out["steps"] = std::move(steps);
    return out;
}

json::Object credentials_block(const ProviderDefinition& definition) {
    json::Object out;
    json::Value schema = afps::schema_to_write(definition);
    if (!schema.is_null()) out["schema"] = std::move(schema);
    put(out, "fieldName", definition.credentials.field_name);
    return out;
}

json::Object definition_block(const ProviderDefinition& definition) {
    json::Object out{{"authMode", to_string(definition.auth_type)}};
    if (definition.oauth2) out["oauth2"] = afps::oauth2_members(*definition.oauth2);
    if (definition.oauth1) out["oauth1"] = afps::oauth1_members(*definition.oauth1);
    json::Object credentials = credentials_block(definition);
    if (!credentials.empty()) out["credentials"] = std::move(credentials);
    afps::put_injection_and_places(out, definition);
    if (definition.oauth2) afps::put_scope_choices(out, definition.oauth2->available_scopes);
    return out;
}

// All but the extension.
json::Object plain_manifest(const ProviderDefinition& original) {
    const json::Object kept = afps::kept_members(original);
    const ProviderDefinition definition = afps::with_defaults(original);
    json::Object out;
    if (const json::Value* schema = afps::kept_member(kept, "$schema")) out["$schema"] = *schema;
    out["name"] = afps::full_name(definition, kept);
    out["version"] = afps::version_of(kept);
    out["type"] = "provider";
    put(out, "schemaVersion", afps::schema_version_of(definition, kept));
    put(out, "displayName", definition.display_name);
    put(out, "description", definition.description);
    put(out, "iconUrl", definition.icon);
    put(out, "categories", definition.categories);
    put(out, "docsUrl", definition.docs_url);
    out["definition"] = definition_block(definition);
    json::Object guide = setup_guide(definition.setup_guide);
    if (!guide.empty()) out["setupGuide"] = std::move(guide);
    json::Value root = std::move(out);
    afps::put_back(root, kept);
    return std::move(root.get_object());
}

}  // namespace

std::optional<ProviderDefinition> afps::said_by_manifest(const ProviderDefinition& definition) {
    const auto document = json::Document::parse(json::to_text(plain_manifest(definition)));
    if (!document) return std::nullopt;
    DialectRead read = read_afps_v1(*document);
    if (read.definitions.empty()) return std::nullopt;
    return std::move(read.definitions.front());
}

std::string to_afps_v1_manifest(const ProviderDefinition& definition) {
    json::Object manifest = plain_manifest(definition);
    if (const auto said = afps::said_by_manifest(definition))
        if (json::Object extension = afps::extension_for(definition, *said); !extension.empty())
            manifest[afps::kExtensionKey] = std::move(extension);
    return json::to_pretty_text(manifest);
}

base::Result<afps::Written> write_afps_v1(const ProviderDefinition& definition) {
    TRY_VOID(afps::check_sayable(definition, "afps", true));
    return afps::check_written(definition, to_afps_v1_manifest(definition), "afps");
}

}  // namespace claviger::provider
