#include "provider/dialects/afps_write.hpp"

#include <algorithm>
#include <map>

#include "provider/dialects/afps_parts.hpp"
#include "provider/dialects/extension.hpp"

namespace claviger::provider::afps {
namespace {

// What the reader of a manifest understands, by place; see afps_v1.cpp.
std::vector<std::string_view> understood_at(std::string_view pointer) {
    if (pointer.empty())
        return {"name", "version", "type", "schemaVersion", "displayName", "description", "iconUrl", "docsUrl",
                "categories", "definition", "setupGuide", kExtensionKey};
    if (pointer == "/definition")
        return {"authMode", "credentials", "credentialTransform", "credentialHeaderName", "credentialHeaderPrefix",
                "authorizedUris", "allowAllUris"};
    if (pointer == "/definition/oauth2")
        return {"authorizationUrl", "tokenUrl", "refreshUrl", "defaultScopes", "scopeSeparator", "pkceEnabled",
                "tokenAuthMethod", "tokenContentType", "authorizationParams", "tokenParams"};
    if (pointer == "/definition/oauth1")
        return {"requestTokenUrl", "accessTokenUrl", "authorizationUrl", "authorizationParams"};
    if (pointer == "/definition/credentials") return {"schema", "fieldName"};
    if (pointer == "/definition/credentialTransform") return {"template", "encoding"};
    if (pointer == "/setupGuide") return {"callbackUrlHint", "steps"};
    if (pointer.starts_with("/setupGuide/steps/")) return {"label", "url"};
    if (pointer.starts_with("/definition/availableScopes/")) return {"value", "label"};
    return {};
}

json::Object* object_for(json::Value& manifest, std::string_view pointer) {
    // at_pointer looks only; the manifest itself is ours to change.
    auto* place = const_cast<json::Value*>(json::at_pointer(manifest, pointer));
    if (place) return place->if_object();
    if (pointer != "/setupGuide" && pointer != "/definition/credentials") return nullptr;
    const std::size_t slash = pointer.rfind('/');
    auto* parent = const_cast<json::Value*>(json::at_pointer(manifest, pointer.substr(0, slash)));
    if (!parent || !parent->is_object()) return nullptr;
    return &parent->get_object()[pointer.substr(slash + 1)].emplace_object();
}

void flatten(const json::Value& value, const std::string& pointer, std::map<std::string, std::string>& out) {
    if (const auto* object = value.if_object(); object && !object->empty()) {
        for (const auto& member : *object) flatten(member.value(), json::pointer_append(pointer, member.key()), out);
    } else {
        out[pointer] = json::to_text(value);
    }
}

// "api_url" as patterns beside the others: the whole of where the credential may go.
std::vector<std::string> patterns_of(const ProviderDefinition& definition) {
    std::vector<std::string> patterns = definition.authorized_uris;
    for (const std::string& url : definition.api_urls) {
        if (is_unsayable_place(url)) {  // check_sayable() refuses it; in an extension it contradicts whatever the file says
            patterns.push_back(url);
            continue;
        }
        const bool origin = url.find("://") != std::string::npos || is_origin_template(url);
        std::string pattern = origin ? url : "https://" + url;
        while (pattern.ends_with('/')) pattern.pop_back();
        pattern += "/**";
        if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) patterns.push_back(std::move(pattern));
    }
    return patterns;
}

}  // namespace

void put(json::Object& out, std::string_view key, const std::string& text) {
    if (!text.empty()) out[key] = text;
}

void put(json::Object& out, std::string_view key, const std::vector<std::string>& texts) {
    if (!texts.empty()) out[key] = json::Array(texts.begin(), texts.end());
}

void put(json::Object& out, std::string_view key, const StringMap& map) {
    json::Object members;
    for (const auto& [name, value] : map) members[name] = value;
    if (!members.empty()) out[key] = std::move(members);
}

json::Object oauth2_members(const OAuth2& oauth) {
    json::Object out;
    put(out, "authorizationUrl", oauth.authorization_url);
    put(out, "tokenUrl", oauth.token_url);
    put(out, "refreshUrl", oauth.refresh_url);
    out["defaultScopes"] = json::Array(oauth.scopes.begin(), oauth.scopes.end());
    out["scopeSeparator"] = oauth.scope_separator;
    out["pkceEnabled"] = oauth.pkce;
    const auto method = oauth.token_auth_method.value_or(TokenAuthMethod::client_secret_post);
    out["tokenAuthMethod"] =
        method == TokenAuthMethod::client_secret_basic ? "client_secret_basic" : "client_secret_post";
    if (oauth.token_content_type == BodyFormat::json) out["tokenContentType"] = "application/json";
    put(out, "authorizationParams", oauth.authorization_params);
    put(out, "tokenParams", oauth.token_params);
    return out;
}

json::Object oauth1_members(const OAuth1& oauth) {
    json::Object out;
    put(out, "requestTokenUrl", oauth.request_token_url);
    put(out, "accessTokenUrl", oauth.access_token_url);
    put(out, "authorizationUrl", oauth.authorization_url);
    put(out, "authorizationParams", oauth.authorization_params);
    return out;
}

void put_scope_choices(json::Object& out, const std::vector<ScopeChoice>& choices) {
    json::Array list;
    for (const auto& choice : choices) {
        json::Object item{{"value", choice.value}};
        put(item, "label", choice.label);
        list.push_back(std::move(item));
    }
    if (!list.empty()) out["availableScopes"] = std::move(list);
}

void put_injection_and_places(json::Object& out, const ProviderDefinition& definition) {
    if (const auto& transform = definition.credentials.transform; transform && transform->encoding == "base64")
        out["credentialTransform"] = json::Object{{"template", transform->template_text}, {"encoding", "base64"}};
    const Header header = header_of(definition);
    put(out, "credentialHeaderName", header.name);
    if (!header.name.empty()) put(out, "credentialHeaderPrefix", header.prefix);
    const auto patterns = patterns_of(definition);
    out["authorizedUris"] = json::Array(patterns.begin(), patterns.end());
    if (definition.allow_all_uris) out["allowAllUris"] = true;
}

json::Object kept_members(const ProviderDefinition& definition) {
    const json::Object* unknown = &definition.unknown;
    std::string dialect = definition.dialect;
    for (const std::string_view origin : {"afps-v1", "afps-v2", "flat"}) {
        if (definition.dialect != "native") break;
        const json::Object* top = json::object_at(definition.unknown, "");
        const json::Object* stored = top ? json::object_at(*top, "x-" + std::string(origin)) : nullptr;
        if (!stored) continue;
        unknown = stored;
        dialect = origin;
        break;
    }
    if (dialect == "afps-v1" || dialect == "flat") return *unknown;
    // An AFPS v2 package shares only what says who made it.
    json::Object members;
    const json::Object* top = dialect == "afps-v2" ? json::object_at(*unknown, "") : nullptr;
    for (const std::string_view key : {"name", "version", "keywords", "license", "author"})
        if (const json::Value* value = top ? json::find(*top, key) : nullptr) members[key] = *value;
    return members.empty() ? json::Object{} : json::Object{{"", std::move(members)}};
}

const json::Value* kept_member(const json::Object& kept, std::string_view key) {
    const json::Object* top = json::object_at(kept, "");
    return top ? json::find(*top, key) : nullptr;
}

std::string full_name(const ProviderDefinition& definition, const json::Object& kept) {
    const json::Value* name = kept_member(kept, "name");
    if (name && name->is_string() && std::string_view(name->get_string()).ends_with("/" + definition.name))
        return std::string(name->get_string());
    std::string bare = definition.name;  // AFPS has no '.' and '_' in names
    std::replace_if(bare.begin(), bare.end(), [](char c) { return c == '.' || c == '_'; }, '-');
    while (bare.ends_with('-')) bare.pop_back();
    return "@local/" + bare;
}

std::string version_of(const json::Object& kept) {
    const json::Value* version = kept_member(kept, "version");
    return version && version->is_string() ? std::string(version->get_string()) : "1.0.0";
}

std::string schema_version_of(const ProviderDefinition& definition, const json::Object& kept) {
    const bool globs = definition.uri_pattern_dialect == "afps-1.3";
    const json::Value* version = kept_member(kept, "schemaVersion");
    if (version && version->is_string()) {
        const std::string_view text = version->get_string();
        const bool said_globs = text != "1.0" && text != "1.1" && text != "1.2";
        if (said_globs == globs) return std::string(text);
    }
    return globs ? "1.3" : "";
}

void put_back(json::Value& manifest, const json::Object& kept) {
    for (const auto& place : kept) {
        const json::Object* members = place.value().if_object();
        if (!members) continue;
        const auto understood = understood_at(place.key());
        for (const auto& member : *members) {
            if (std::find(understood.begin(), understood.end(), member.key()) != understood.end()) continue;
            if (json::Object* target = object_for(manifest, place.key())) target->emplace(member.key(), member.value());
        }
    }
}

std::vector<std::string> differences(const ProviderDefinition& a, const ProviderDefinition& b) {
    std::map<std::string, std::string> sides[2];
    const ProviderDefinition* given[2] = {&a, &b};
    for (int i = 0; i < 2; ++i) {
        ProviderDefinition copy = *given[i];
        copy.unknown = {};
        copy.dialect = "native";
        copy.schema_version = 1;
        flatten(to_native_json(copy), "", sides[i]);
    }
    std::vector<std::string> pointers;
    for (const auto& [pointer, text] : sides[0])
        if (const auto it = sides[1].find(pointer); it == sides[1].end() || it->second != text) pointers.push_back(pointer);
    for (const auto& [pointer, text] : sides[1])
        if (!sides[0].contains(pointer)) pointers.push_back(pointer);
    return pointers;
}

}  // namespace claviger::provider::afps
