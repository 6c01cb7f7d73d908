#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "connection/authsome_home.hpp"
#include "json/parse.hpp"
#include "net/url.hpp"
#include "provider/expand.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using base::Result;

Result<json::Value> secret_json(const base::Secret& text) {
    json::ParseOptions options;
    options.storage = json::secret_storage();
    auto value = json::parse(text.reveal(), options);
    if (value && !value->is_object()) return base::fail(ErrorCode::invalid_input, "not a JSON object");
    if (!value) return base::fail(ErrorCode::invalid_input, "not JSON");  // without a piece of what it is
    return value;
}

std::string text_at(const json::Object& object, std::string_view key) { return std::string(json::string_at(object, key).value_or("")); }

std::vector<std::string> texts_at(const json::Object& object, std::string_view key) {
    std::vector<std::string> texts;
    if (const auto* list = json::array_at(object, key)) {
        for (const auto& item : *list) {
            if (item.is_string()) texts.emplace_back(std::string_view(item.get_string()));
        }
    }
    return texts;
}

// Its dates are as Python writes them ("2026-05-02T10:00:00.123456+00:00", or without a zone: UTC), or numbers.
std::optional<base::Instant> instant_at(const json::Object& object, std::string_view key) {
    const auto* value = json::find(object, key);
    if (value == nullptr) return std::nullopt;
    if (value->is_number()) {
        constexpr double kLatest = 253'402'300'799;  // the year 9999; what lies behind it, or is no number, says nothing
        const auto seconds = value->to_number<double>();
        if (!(seconds >= -kLatest && seconds <= kLatest)) return std::nullopt;
        return base::Instant(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
    }
    if (!value->is_string() || value->get_string().size() < 19) return std::nullopt;
    const std::string text(std::string_view(value->get_string()));
    std::string zone = text.substr(std::min(text.find_first_of("+-Zz", 19), text.size()));
    if (zone.empty() || zone == "+00:00") zone = "Z";
    const auto read = base::from_rfc3339(text.substr(0, 10) + "T" + text.substr(11, 8) + zone);
    return read ? std::optional(*read) : std::nullopt;
}

// With the base URL of the record, as its requests had it.
Result<provider::VariableValues> variables_of(const json::Object& object, const provider::ProviderDefinition& definition) {
    provider::VariableValues given;
    if (const auto base_url = text_at(object, "base_url"); !base_url.empty()) {
        TRY(canonical, provider::canonical_base_url(base_url));
        given["base_url"] = canonical;
    }
    return provider::complete_variables(definition, given);
}

Result<std::string> token_endpoint(const provider::ProviderDefinition& definition, const provider::VariableValues& variables) {
    if (!definition.oauth2 || definition.oauth2->token_url.empty()) return base::fail(ErrorCode::invalid_input, "its definition names no token URL");
    TRY(url, provider::expand_url(definition.oauth2->token_url, variables));
    return url.text();
}

Result<void> take_oauth(const json::Object& object, const provider::ProviderDefinition& definition, Connection& connection) {
    connection.access_token = base::Secret(json::string_at(object, "access_token").value_or(""));
    connection.refresh_token = base::Secret(json::string_at(object, "refresh_token").value_or(""));
    if (connection.access_token.empty()) return base::fail(ErrorCode::invalid_input, "holds no access token");
    if (const auto type = text_at(object, "token_type"); !type.empty()) connection.token_type = type;
    connection.expires_at = instant_at(object, "expires_at");
    TRY(endpoint, token_endpoint(definition, connection.variables));
    connection.token_endpoint = endpoint;
    connection.oauth_endpoints = {endpoint};
    if (!definition.oauth2->authorization_url.empty()) {
        TRY(authorization, provider::expand_url(definition.oauth2->authorization_url, connection.variables));
        connection.oauth_endpoints.push_back(authorization.text());
    }
    connection.issuer = definition.oauth2->issuer;
    return {};
}

}  // namespace

Result<ClientRecord> client_from_authsome(const AuthsomeRecord& record, const provider::ProviderDefinition& definition) {
    TRY(value, secret_json(record.json));
    const auto& object = value.get_object();
    TRY(variables, variables_of(object, definition));
    TRY(endpoint, token_endpoint(definition, variables));
    TRY(url, net::Url::parse(endpoint));
    ClientRecord client;
    client.provider = definition.name;
    client.origin = url.origin();
    client.client_id = text_at(object, "client_id");
    if (client.client_id.empty()) return base::fail(ErrorCode::invalid_input, "holds no client id");
    client.client_secret = base::Secret(json::string_at(object, "client_secret").value_or(""));
    return client;
}

Result<Connection> connection_from_authsome(const AuthsomeRecord& record, const provider::ProviderDefinition& definition,
                                            const std::string& name, base::Instant now) {
    TRY(value, secret_json(record.json));
    const auto& object = value.get_object();
    if (text_at(object, "auth_type") != provider::to_string(definition.auth_type))
        return base::fail(ErrorCode::invalid_input, fmt::format("is of the kind '{}', while the definition here is '{}'", base::printable(text_at(object, "auth_type"), 40), to_string(definition.auth_type)));
    Connection connection;
    connection.provider = definition.name;
    connection.name = name;
    connection.auth_type = definition.auth_type;
    connection.flow = definition.flow;
    TRY(variables, variables_of(object, definition));
    connection.variables = std::move(variables);
    connection.requested_scopes = texts_at(object, "scopes");
    connection.obtained_at = instant_at(object, "obtained_at").value_or(now);
    connection.definition_digest = provider::security_digest(definition);
    connection.definition_fields = provider::security_fields(definition);
    const auto status = text_at(object, "status");
    connection.login_needed = status == "revoked" || status == "invalid";
    if (connection.login_needed) connection.login_reason = "imported_" + status;
    if (definition.auth_type == provider::AuthType::oauth2) {
        TRY_VOID(take_oauth(object, definition, connection));
        return connection;
    }
    base::Secret key(json::string_at(object, "api_key").value_or(""));
    if (definition.auth_type != provider::AuthType::api_key || key.empty()) return base::fail(ErrorCode::invalid_input, "holds no API key");
    connection.fields.emplace(definition.credentials.field_name.empty() ? "api_key" : definition.credentials.field_name, std::move(key));
    return connection;
}

}  // namespace claviger::connection
