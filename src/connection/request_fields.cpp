#include "connection/request_fields.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "provider/expand.hpp"
#include "provider/url_fields.hpp"

namespace claviger::connection {
namespace {

template <class Map>
std::optional<std::string_view> in_map(const Map& map, std::string_view name) {
    const auto found = map.find(std::string(name));
    if (found == map.end()) return std::nullopt;
    return std::string_view(found->second);
}

// nullptr: nothing captured, or nothing that the definition bounds. Without a bound, whoever sends the answer would
// choose where the secrets go.
const std::string* captured_for(const provider::Variable& variable, const std::map<std::string, std::string>& captured) {
    if (variable.pattern.empty() && variable.choices.empty()) return nullptr;
    return provider::captured_value(captured, variable.name);
}

}  // namespace

RequestFields RequestFields::of(const provider::ProviderDefinition& definition, const Connection& connection) {
    RequestFields fields(definition, connection.variables, connection.captured);
    fields.secrets_ = &connection.fields;
    fields.set("client_id", connection.client_id);
    fields.set("scope", joined_scopes(*definition.oauth2, connection.requested_scopes));
    return fields;
}

std::optional<std::string_view> RequestFields::find(std::string_view name) const {
    if (const auto own = in_map(own_, name)) return own;
    if (const auto variable = in_map(*variables_, name)) return variable;
    return in_map(*captured_, name);
}

base::Result<oauth::Parameters> RequestFields::parameters(const provider::StringMap& texts) const {
    oauth::Parameters out;
    for (const auto& [name, text] : texts) {
        TRY(value, provider::render_text(text, definition_->name, [this](std::string_view field) { return find(field); }));
        if (!value.empty()) out.emplace_back(name, std::string(value.reveal()));
    }
    return out;
}

base::Result<base::Secret> RequestFields::secret_text(std::string_view text, const oauth::Client& client) const {
    return provider::render_text(text, definition_->name, [&](std::string_view field) -> std::optional<std::string_view> {
        if (field == "client_secret") return client.client_secret.reveal();
        if (field == "client_id") return client.client_id;
        if (const auto plain = find(field)) return plain;
        if (secrets_ == nullptr) return std::nullopt;
        const auto secret = secrets_->find(std::string(field));
        if (secret == secrets_->end()) return std::nullopt;
        return secret->second.reveal();
    });
}

base::Result<provider::VariableValues> RequestFields::url_values() const {
    auto values = *variables_;
    for (const auto& variable : definition_->vars) {
        const auto* value = captured_for(variable, *captured_);
        if (value == nullptr) continue;
        if (auto good = provider::check_variable(variable, *value); !good) {
            return base::fail(base::ErrorCode::protocol, "the server's answer names another host than the definition allows: " +
                                                             good.error().message);
        }
        values[variable.name] = *value;
    }
    return values;
}

void adopt_captured(const provider::ProviderDefinition& definition, Connection& connection) {
    for (const auto& variable : definition.vars) {
        const auto* value = captured_for(variable, connection.captured);
        if (value != nullptr && provider::check_variable(variable, *value)) connection.variables[variable.name] = *value;
    }
}

std::string joined_scopes(const provider::OAuth2& oauth, const std::vector<std::string>& scopes) {
    return base::join(scopes, oauth.scope_separator == "+" ? " " : oauth.scope_separator);
}

}  // namespace claviger::connection
