#include "provider/dialects/native.hpp"

#include <fmt/core.h>

#include "base/text.hpp"
#include "provider/dialects/native_parts.hpp"

namespace claviger::provider {
namespace {

// Absent: what could stand there, instead of that something must.
std::string required_choice(FieldReader& root, std::string_view key, std::string_view choices) {
    if (root.has(key)) return root.required_string(key);
    root.error(key, "required", fmt::format("is required; write one of: {}", choices));
    return {};
}

// The block that the type needs under another name ("oauth2" for "oauth"): one error, and then it is read as what was
// meant, so that what is wrong inside is told at the same time.
void accept_misnamed_block(FieldReader& root, const json::Object& members, const ProviderDefinition& definition) {
    std::string_view wanted;
    switch (definition.auth_type) {
        case AuthType::oauth2: wanted = "oauth"; break;
        case AuthType::oauth1: wanted = "oauth1"; break;
        case AuthType::api_key: wanted = "api_key"; break;
        case AuthType::custom: wanted = "credentials"; break;
        case AuthType::basic: return;
    }
    if (root.has(wanted)) return;
    for (const auto& member : members) {
        if (!member.value().is_object() || member.key() == "export" || member.key() == "inject") continue;
        const std::string key(member.key());
        if (!base::did_you_mean(base::to_lower(key), {wanted})) continue;
        root.error(key, "misnamed", fmt::format("is not known here; did you mean \"{}\"? It is checked as that", wanted));
        root.alias(key, wanted);
        return;
    }
}

void read_kind(FieldReader& root, ProviderDefinition& definition) {
    const std::string type_text = required_choice(root, "auth_type", "oauth2, oauth1, api_key, basic, custom");
    if (auto type = auth_type_from(type_text)) {
        definition.auth_type = *type;
    } else if (!type_text.empty()) {
        root.choice("auth_type", {"oauth2", "oauth1", "api_key", "basic", "custom"});
    }
    const bool oauth2 = definition.auth_type == AuthType::oauth2 && type_text == "oauth2";
    const std::string flow_text = required_choice(root, "flow", oauth2 ? "pkce, dcr_pkce, device_code, client_credentials"
                                  : auth_type_from(type_text) ? to_string(definition.auth_type)
                                  : "pkce, dcr_pkce, device_code, client_credentials, oauth1, api_key, basic, custom");
    if (auto flow = flow_from(flow_text)) {
        definition.flow = *flow;
    } else if (flow_text == "implicit" || flow_text == "password") {
        root.error("flow", "grant_refused", "the implicit and password grants are not safe (RFC 9700); use \"pkce\"");
    } else if (!flow_text.empty()) {
        root.choice("flow", {"pkce", "dcr_pkce", "device_code", "client_credentials", "oauth1", "api_key", "basic",
                             "custom"});
    }
}

void read_places(FieldReader& root, native::Context& context) {
    ProviderDefinition& definition = context.definition;
    root.alias("host_url", "api_url");
    const json::Value* api_url = root.value("api_url");
    definition.api_urls = root.string_or_strings("api_url");
    if (api_url && api_url->is_string()) {
        if (definition.api_urls == std::vector<std::string>{""}) definition.api_urls.clear();
        context.pointers.add("/api_url/0", root.pointer_of("api_url"));
    }
    definition.authorized_uris = root.strings("authorized_uris");
    definition.allow_all_uris = root.boolean("allow_all_uris");
    definition.websocket = root.boolean("websocket");
    definition.uri_pattern_dialect = root.choice("uri_pattern_dialect", {"", "afps-1.3"}).value_or("");
}

void read_meta(FieldReader& root, native::Context& context) {
    ProviderDefinition& definition = context.definition;
    root.keep("$schema");
    root.keep("metadata");
    if (auto version = root.integer("schema_version", 1)) {
        definition.schema_version = 1;
        if (*version != 1) {
            root.error("schema_version", "unsupported_version", "is not known to this release; write 1, or update");
        }
    }
    definition.name = root.required_string("name");
    definition.display_name = root.required_string("display_name");
    definition.description = root.string("description");
    root.alias("logo", "icon");
    definition.icon = root.string("icon");
    definition.categories = root.strings("categories");
    root.alias("docs", "docs_url");
    definition.docs_url = root.string("docs_url");
}

}  // namespace

DialectRead read_native(const json::Document& document) {
    DialectRead result;
    FindingList findings(document);
    FieldReader root(findings, document.root(), "");
    if (root.is_object()) {
        ProviderDefinition definition;
        PointerMap pointers;
        native::Context context{definition, pointers, definition.unknown};
        read_meta(root, context);
        read_kind(root, definition);
        accept_misnamed_block(root, document.root().get_object(), definition);
        native::read_setup_guide(root, context);
        read_places(root, context);
        native::read_vars(root, context);
        native::read_oauth2(root, context);
        native::read_oauth1(root, context);
        native::read_api_key(root, context);
        native::read_credentials(root, context);
        native::read_inject(root, context);
        native::read_after_connect(root, context);
        native::read_exports(root, context);
        root.finish(&definition.unknown);
        root.note_aliases(pointers, "");
        result.definitions.push_back(std::move(definition));
        result.pointers.push_back(std::move(pointers));
    }
    result.findings = std::move(findings).take();
    return result;
}

}  // namespace claviger::provider
