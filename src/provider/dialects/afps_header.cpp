// How AFPS v1's header name and prefix become injection, for each auth type, and back.
#include <algorithm>

#include "base/text.hpp"
#include "provider/dialects/afps_parts.hpp"

namespace claviger::provider::afps {
namespace {

bool is_authorization(std::string_view name) { return base::equal_ignoring_case(name, "Authorization"); }

std::string placeholder(std::string_view field) { return "{{" + std::string(field) + "}}"; }

void set_header(ProviderDefinition& definition, const Header& header, std::string_view field) {
    definition.inject.headers.emplace_back(header.name, join_prefix(header.prefix, placeholder(field)));
}

// The field that a header of this definition carries.
std::string carried_field(const ProviderDefinition& definition) {
    if (!definition.credentials.field_name.empty()) return definition.credentials.field_name;
    switch (definition.auth_type) {
        case AuthType::oauth2:
        case AuthType::oauth1: return "access_token";
        case AuthType::api_key: return "api_key";
        default: return {};
    }
}

void place_api_key(ProviderDefinition& definition, const Header& header) {
    if (header.name.empty()) return;
    definition.api_key = ApiKey{};
    definition.api_key->header_name = header.name;
    definition.api_key->header_prefix = header.prefix;
    // "Token token=" wants the key right behind it.
    if (header.prefix.ends_with('=') && !definition.credentials.transform) {
        definition.inject.present = true;
        set_header(definition, header, carried_field(definition));
    }
}

// RFC 7617, also when the fields have other names than username and password.
void place_basic(ProviderDefinition& definition, const Header& header) {
    const auto fields = declared_fields(definition);
    const auto declared = [&](std::string_view name) {
        return fields.empty() || std::find(fields.begin(), fields.end(), name) != fields.end();
    };
    const bool usual_header = header.name.empty() || is_authorization(header.name);
    const bool usual_prefix = header.prefix.empty() || base::equal_ignoring_case(header.prefix, "Basic");
    Credentials& credentials = definition.credentials;
    if (usual_header && usual_prefix && declared("username") && declared("password") && !credentials.transform) return;
    const bool named = declared("username") && declared("password");
    const std::string user = named ? "username" : fields.front();
    const std::string password = named ? "password" : fields.size() > 1 ? fields[1] : "";
    if (!credentials.transform)
        credentials.transform = Transform{placeholder(user) + ":" + (password.empty() ? "" : placeholder(password)),
                                          "base64"};
    if (credentials.field_name.empty()) credentials.field_name = password.empty() ? user : password;
    definition.inject.present = true;
    set_header(definition, {header.name.empty() ? "Authorization" : header.name, usual_prefix ? "Basic" : header.prefix},
               credentials.field_name);
}

bool place(ProviderDefinition& definition, const Header& header) {
    InjectRules& inject = definition.inject;
    const std::string field = carried_field(definition);
    switch (definition.auth_type) {
        case AuthType::api_key: place_api_key(definition, header); break;
        case AuthType::basic: place_basic(definition, header); return true;
        case AuthType::oauth1:
            inject.present = true;
            inject.sign = "oauth1";
            if (!header.name.empty() && !is_authorization(header.name)) set_header(definition, header, field);
            return true;
        case AuthType::oauth2:
            if (is_authorization(header.name) && header.prefix == "Bearer" && field == "access_token") return true;
            [[fallthrough]];
        case AuthType::custom:
            inject.present = true;
            if (!header.name.empty() && !field.empty()) set_header(definition, header, field);
            return !inject.headers.empty();
    }
    if (!definition.api_key) inject.present = true;
    return definition.api_key.has_value();
}

}  // namespace

std::string join_prefix(std::string_view prefix, std::string_view value) {
    const std::string_view trimmed = base::trim(prefix);
    if (trimmed.empty()) return std::string(value);
    return std::string(trimmed) + (trimmed.ends_with('=') ? "" : " ") + std::string(value);
}

void read_header(FieldReader& from, ProviderDefinition& definition) {
    Header header;
    header.name = base::trim(from.string("credentialHeaderName"));
    header.prefix = base::trim(from.string("credentialHeaderPrefix"));
    if (place(definition, header)) return;
    from.warning("credentialHeaderName", "no_injection",
                 header.name.empty()
                     ? "is absent, so the credential goes into no request by itself; write the header's name, for "
                       "example \"Authorization\", unless requests name the field in a template"
                     : "has no field to carry; write credentials.fieldName");
}

Header header_of(const ProviderDefinition& definition) {
    const InjectRules& inject = definition.inject;
    // A transform that AFPS cannot say would leave another value behind this header's name.
    if (const auto& transform = definition.credentials.transform; transform && transform->encoding != "base64") return {};
    if (!inject.present) {
        if (definition.api_key) return {definition.api_key->header_name, definition.api_key->header_prefix};
        switch (definition.auth_type) {
            case AuthType::oauth2:
            case AuthType::api_key: return {"Authorization", "Bearer"};
            case AuthType::basic: return {"Authorization", "Basic"};
            default: return {};
        }
    }
    if (inject.headers.size() != 1) return {};
    const auto& [name, text] = inject.headers.front();
    const std::string value = placeholder(carried_field(definition));
    if (!std::string_view(text).ends_with(value)) return {};
    const std::string prefix(base::trim(std::string_view(text).substr(0, text.size() - value.size())));
    if (join_prefix(prefix, value) != text) return {};  // no other way to join them
    return {name, prefix};
}

}  // namespace claviger::provider::afps
