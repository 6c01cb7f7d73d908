// What a connection is pinned to (PK-06, CL-10): the parts of a definition that decide to whom a credential goes and
// how. Texts, icons, scopes, patterns of forms and export names may change under a live connection; these may not.
#include <algorithm>
#include <array>

#include "crypto/digest.hpp"
#include "provider/definition.hpp"

namespace claviger::provider {
namespace {

// Pointers in the native form; a listed object stands for everything below it.
constexpr auto kSecurityPointers = std::to_array<std::string_view>({
    "/auth_type", "/flow", "/api_url", "/authorized_uris", "/allow_all_uris", "/uri_pattern_dialect", "/vars",
    "/oauth/base_url", "/oauth/issuer", "/oauth/authorization_url", "/oauth/token_url", "/oauth/refresh_url",
    "/oauth/revocation_url", "/oauth/device_authorization_url", "/oauth/registration_endpoint", "/oauth/userinfo_url",
    "/oauth/pkce", "/oauth/client_secret_required", "/oauth/token_auth_method", "/oauth/token_content_type", "/oauth/token_body",
    "/oauth/authorization_params", "/oauth/token_params", "/oauth/refresh_params", "/oauth/token_headers",
    "/oauth/resource", "/oauth/audience", "/oauth/rename", "/oauth/callback", "/oauth/response", "/oauth/revoke",
    "/oauth/device_token_request", "/oauth/refresh/mode", "/oauth/refresh/method", "/oauth/refresh/grant_type",
    "/oauth/refresh/token", "/oauth/refresh/auth", "/oauth/refresh/content_type", "/oauth/refresh/headers", "/oauth/pushed_authorization_url",
    "/oauth/jwks_url", "/oauth/introspection_url", "/oauth/token_method", "/oauth/basic", "/oauth/client_assertion", "/oauth/grant", "/oauth/dpop", "/oauth/token_signature", "/oauth/steps", "/oauth1", "/api_key/header_name", "/api_key/header_prefix",
    "/api_key/query_param", "/credentials/field_name", "/credentials/transform", "/inject/headers", "/inject/query",
    "/inject/cookies", "/inject/sign", "/inject/aws_sigv4", "/inject/hmac", "/inject/reserved", "/inject/pass", "/websocket", "/identity", "/probe", "/capture"});

bool says_nothing_of_security(std::string_view pointer) {
    if (!pointer.starts_with("/vars/")) return false;
    return pointer.ends_with("/title") || pointer.ends_with("/description") || pointer.ends_with("/example");
}

void collect(const json::Value& value, const std::string& pointer, std::map<std::string, std::string>& fields) {
    if (says_nothing_of_security(pointer)) return;
    if (const auto* object = value.if_object(); object && !object->empty()) {
        for (const auto& member : *object) collect(member.value(), json::pointer_append(pointer, member.key()), fields);
    } else if (const auto* list = value.if_array(); list && !list->empty()) {
        std::size_t index = 0;
        for (const auto& item : *list) collect(item, json::pointer_append(pointer, index++), fields);
    } else {
        fields[pointer] = json::to_text(value);
    }
}

}  // namespace

std::map<std::string, std::string> security_fields(const ProviderDefinition& definition) {
    ProviderDefinition copy = definition;
    copy.unknown = {};
    // The order of a list of places says nothing.
    std::sort(copy.api_urls.begin(), copy.api_urls.end());
    std::sort(copy.authorized_uris.begin(), copy.authorized_uris.end());
    const json::Value native = to_native_json(copy);
    std::map<std::string, std::string> fields;
    for (const std::string_view pointer : kSecurityPointers) {
        if (const auto* value = json::at_pointer(native, pointer)) collect(*value, std::string(pointer), fields);
    }
    return fields;
}

std::string security_digest(const ProviderDefinition& definition) {
    json::Object object;
    for (const auto& [pointer, text] : security_fields(definition)) object[pointer] = text;
    return crypto::sha256_hex(json::to_canonical_text(object));
}

}  // namespace claviger::provider
