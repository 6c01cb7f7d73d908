#include "inject/credential_fields.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "inject/injection.hpp"
#include "json/value.hpp"
#include "provider/template_text.hpp"

namespace claviger::inject {
namespace {

using base::ErrorCode;
using base::Result;

std::string default_credential(const provider::ProviderDefinition& definition) {
    if (!definition.credentials.field_name.empty()) return definition.credentials.field_name;
    switch (definition.auth_type) {
        case provider::AuthType::oauth2:
        case provider::AuthType::oauth1: return "access_token";
        case provider::AuthType::api_key: return "api_key";
        case provider::AuthType::basic: return "password";
        case provider::AuthType::custom: return "";
    }
    return "";
}

template <class Map>
std::optional<std::string_view> in_map(const Map& map, std::string_view name) {
    const auto found = map.find(std::string(name));
    if (found == map.end()) return std::nullopt;
    if constexpr (requires { found->second.reveal(); }) return found->second.reveal();
    else return std::string_view(found->second);
}

}  // namespace

CredentialFields::CredentialFields(const provider::ProviderDefinition& definition,
                                   const connection::Connection& connection)
    : definition_(&definition), connection_(&connection), credential_name_(default_credential(definition)) {}

CredentialFields CredentialFields::raw(const provider::ProviderDefinition& definition,
                                       const connection::Connection& connection) {
    return {definition, connection};
}

Result<CredentialFields> CredentialFields::transformed(const provider::ProviderDefinition& definition,
                                                       const connection::Connection& connection) {
    CredentialFields fields(definition, connection);
    const auto& transform = definition.credentials.transform;
    if (!transform) return fields;
    TRY(text, fields.render(transform->template_text));
    if (transform->encoding == "base64") {
        auto encoded = base::base64_encode(text.reveal());
        text = base::Secret::taking(encoded);
    } else if (!transform->encoding.empty()) {
        return base::fail(ErrorCode::unsupported, fmt::format("the encoding \"{}\" of the credential is not supported",
                                                              base::printable(transform->encoding, 40)));
    }
    fields.transformed_ = std::move(text);
    return fields;
}

std::optional<std::string_view> CredentialFields::find(std::string_view name) const {
    if (name == "refresh_token" || name == "client_secret" || name.empty()) return std::nullopt;
    if (transformed_ && name == credential_name_) return transformed_->reveal();
    if (const auto field = in_map(connection_->fields, name)) return field;
    if (name == "access_token" && !connection_->access_token.empty()) return connection_->access_token.reveal();
    // "Bearer" has one spelling in requests, whichever the server answered with.
    if (name == "token_type") {
        return base::equal_ignoring_case(connection_->token_type, "Bearer") ? "Bearer" : std::string_view(connection_->token_type);
    }
    if (name == "client_id" && !connection_->client_id.empty()) return connection_->client_id;
    if (const auto variable = in_map(connection_->variables, name)) return variable;
    if (const auto captured = in_map(connection_->captured, name)) return captured;
    // "api_key" always means the key, also where the form's field has another name.
    const bool key = name == "api_key" && definition_->auth_type == provider::AuthType::api_key;
    return key && credential_name_ != name ? find(credential_name_) : std::nullopt;
}

bool CredentialFields::optional_and_absent(std::string_view name) const {
    const auto* schema = definition_->credentials.schema.if_object();
    const auto* properties = schema ? json::object_at(*schema, "properties") : nullptr;
    if (properties == nullptr || !properties->contains(name) || find(name)) return false;
    const auto* required = json::array_at(*schema, "required");
    return required == nullptr || std::none_of(required->begin(), required->end(), [&](const json::Value& item) {
               return item.is_string() && std::string_view(item.get_string()) == name;
           });
}

bool CredentialFields::left_empty(std::string_view text) const {
    const auto names = provider::fields_in(text);
    return !names.empty() && std::all_of(names.begin(), names.end(), [this](const std::string& name) { return optional_and_absent(name); });
}

Result<base::Secret> CredentialFields::render(std::string_view text) const {
    return provider::render_text(text, definition_->name, [this](std::string_view name) -> std::optional<std::string_view> {
        if (auto value = find(name)) return value;
        return optional_and_absent(name) ? std::optional<std::string_view>("") : std::nullopt;
    });
}

}  // namespace claviger::inject
