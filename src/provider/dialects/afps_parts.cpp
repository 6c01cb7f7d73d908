#include "provider/dialects/afps_parts.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <re2/re2.h>

#include "base/text.hpp"

namespace claviger::provider::afps {

std::string required_url(FieldReader& from, std::string_view key, std::string_view path, FieldReader* misplaced_in) {
    if (from.value(key) && !from.value(key)->is_string()) return from.string(key);  // reports the type
    std::string url = from.string(key);
    if (!url.empty()) return url;
    const bool misplaced = misplaced_in && misplaced_in->has(key);
    from.error(key, "required",
               misplaced ? fmt::format("{}{} is required; move \"{}\" from {} into {}", path, key, key,
                                       "\"definition\"", path.substr(0, path.size() - 1))
                         : fmt::format("{}{} is required; write the service's https URL", path, key));
    return url;
}

void read_display(FieldReader& root, ProviderDefinition& definition) {
    definition.display_name = root.string("displayName", definition.name);
    definition.description = root.string("description");
    definition.icon = root.string("iconUrl");
    definition.docs_url = root.string("docsUrl");
    definition.categories = root.strings("categories");
}

void read_oauth2(FieldReader& from, ProviderDefinition& definition, std::string_view path, FieldReader* misplaced_in) {
    OAuth2 model;
    model.authorization_url = required_url(from, "authorizationUrl", path, misplaced_in);
    model.token_url = required_url(from, "tokenUrl", path, misplaced_in);
    model.refresh_url = from.string("refreshUrl");
    model.scopes = from.strings("defaultScopes");
    model.scope_separator = from.string("scopeSeparator", " ");
    model.pkce = from.boolean("pkceEnabled", true);
    const auto method = from.choice("tokenAuthMethod", {"client_secret_post", "client_secret_basic"});
    model.token_auth_method = token_auth_method_from(method.value_or("client_secret_post"));
    model.client_secret_required = true;  // both methods need one; AFPS v1 has no public clients
    if (from.choice("tokenContentType", {"application/x-www-form-urlencoded", "application/json"}) ==
        "application/json")
        model.token_content_type = BodyFormat::json;
    model.authorization_params = from.string_map("authorizationParams");
    model.token_params = from.string_map("tokenParams");
    definition.oauth2 = std::move(model);
}

void read_available_scopes(FieldReader& from, ProviderDefinition& definition) {
    if (!definition.oauth2) return;
    for (FieldReader& item : from.objects("availableScopes")) {
        ScopeChoice choice;
        choice.value = item.required_string("value");
        choice.label = item.string("label");
        item.finish(&definition.unknown);
        definition.oauth2->available_scopes.push_back(std::move(choice));
    }
}

void read_oauth1(FieldReader& from, ProviderDefinition& definition, std::string_view path, FieldReader* misplaced_in) {
    OAuth1 model;
    model.request_token_url = required_url(from, "requestTokenUrl", path, misplaced_in);
    model.access_token_url = required_url(from, "accessTokenUrl", path, misplaced_in);
    // Not required by AFPS, but no login can do without it.
    model.authorization_url = required_url(from, "authorizationUrl", path, misplaced_in);
    model.authorization_params = from.string_map("authorizationParams");
    definition.oauth1 = std::move(model);
}

void read_transform(FieldReader& from, ProviderDefinition& definition) {
    auto transform = from.object("credentialTransform");
    if (!transform) return;
    Transform model;
    model.template_text = transform->required_string("template");
    const auto encoding = transform->choice("encoding", {"base64"});
    if (!encoding && !transform->has("encoding"))
        transform->error("encoding", "required", "encoding is required; write \"base64\"");
    model.encoding = encoding.value_or("base64");
    transform->finish(&definition.unknown);
    definition.credentials.transform = std::move(model);
}

void read_places(FieldReader& from, ProviderDefinition& definition) {
    definition.authorized_uris = from.strings("authorizedUris");
    definition.allow_all_uris = from.boolean("allowAllUris");
}

void drop_client(FieldReader& from) {
    for (const std::string_view key : {"clientId", "clientSecret", "client_id", "client_secret", "consumerKey", "consumerSecret"}) {
        if (from.has(key))
            from.warning(key, "client_credentials",
                         "client credentials belong to login, so this was left out; login asks for them");
    }
}

std::string read_package_name(FieldReader& root, std::string_view key) {
    const std::string full = root.required_string(key);
    if (full.empty()) return full;
    const std::size_t slash = full.find('/');
    std::string name = slash == std::string::npos ? full : full.substr(slash + 1);
    static constexpr std::string_view pattern = "@[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9-]*[a-z0-9])?";
    if (!RE2::FullMatch(full, RE2(pattern)) || !base::valid_name(name))
        root.error(key, "bad_name", "must be \"@scope/name\" in small letters, digits and '-'; write \"@acme/my-api\"");
    return name;
}

void check_version(FieldReader& root, std::string_view key, bool required) {
    if (!required && !root.has(key)) return;
    const std::string version = root.required_string(key);
    static constexpr std::string_view number = "(0|[1-9][0-9]*)";
    const RE2 semantic(fmt::format(R"({0}\.{0}\.{0}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?)",
                                   number));
    if (!version.empty() && !RE2::FullMatch(version, semantic))
        root.error(key, "bad_version", "must be a semantic version; write \"1.0.0\"");
}

std::vector<std::string> declared_fields(const ProviderDefinition& definition) {
    std::vector<std::string> names;
    const json::Object* schema = definition.credentials.schema.if_object();
    const json::Object* properties = schema ? json::object_at(*schema, "properties") : nullptr;
    if (!properties) return names;
    for (const auto& member : *properties) names.emplace_back(member.key());
    return names;
}

void settle_field_name(FieldReader& from, std::string_view key, std::string_view path, ProviderDefinition& definition) {
    const auto fields = declared_fields(definition);
    const auto declared = [&](std::string_view name) {
        return std::find(fields.begin(), fields.end(), name) != fields.end();
    };
    std::string& name = definition.credentials.field_name;
    name = from.string(key);
    if (!name.empty()) return;  // that it is declared is a rule of the model
    if (definition.auth_type != AuthType::api_key) return;
    if (fields.empty() || declared("api_key")) {
        name = "api_key";
    } else if (fields.size() == 1) {
        name = fields.front();
    } else {
        from.error(key, "required",
                   fmt::format("{}{} is required, since the schema declares several fields and none is \"api_key\"; "
                               "write which one is the key", path, key));
    }
}

void point_injection(PointerMap& map, const ProviderDefinition& definition, const std::string& source) {
    const InjectRules& inject = definition.inject;
    for (const auto& [pointer, rules] : {std::pair{"/inject/headers", &inject.headers},
                                         std::pair{"/inject/query", &inject.query},
                                         std::pair{"/inject/cookies", &inject.cookies}})
        for (const auto& rule : *rules) map.add(json::pointer_append(pointer, rule.first), source);
}

void remember(FieldReader& from, const std::vector<std::string_view>& keys, ProviderDefinition& definition) {
    json::Object kept;
    for (const std::string_view key : keys) {
        if (const json::Value* value = from.value(key)) kept[key] = *value;
    }
    if (kept.empty()) return;
    json::Value& place = definition.unknown[from.pointer()];
    if (!place.is_object()) place.emplace_object();
    for (auto& member : kept) place.get_object()[member.key()] = member.value();
}

}  // namespace claviger::provider::afps
