#include "cli/commands/connection_json.hpp"

namespace claviger::cli {

ConnectionFacts facts_of(const connection::Connection& connection, connection::Status status, bool is_default,
                         const provider::ProviderDefinition* definition) {
    ConnectionFacts facts;
    facts.provider = connection.provider;
    facts.name = connection.name;
    facts.is_default = is_default;
    facts.status = status;
    facts.scopes = connection.scopes();
    facts.expires_at = connection.expires_at;
    if (const auto found = connection.variables.find("base_url"); found != connection.variables.end()) facts.base_url = found->second;
    facts.account = connection.account.label.empty() ? connection.account.id : connection.account.label;
    facts.missing_scopes = connection::missing_scopes(definition, connection);
    return facts;
}

ConnectionFacts facts_of(const connection::Summary& summary, connection::Status status, const provider::ProviderDefinition* definition) {
    ConnectionFacts facts;
    facts.provider = summary.provider;
    facts.name = summary.name;
    facts.is_default = summary.is_default;
    facts.status = status;
    facts.scopes = summary.scopes;
    facts.expires_at = summary.expires_at;
    facts.base_url = summary.base_url;
    facts.account = summary.account_label;
    facts.missing_scopes = connection::missing_scopes(definition, summary.scope_facts);
    return facts;
}

json::Value string_or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return json::Value(text);
}

json::Object connection_json(const ConnectionFacts& facts) {
    json::Object object;
    object["provider"] = facts.provider;
    object["connection"] = facts.name;
    object["default"] = facts.is_default;
    object["status"] = std::string(to_string(facts.status));
    object["scopes"] = json::Array(facts.scopes.begin(), facts.scopes.end());
    object["missing_scopes"] = json::Array(facts.missing_scopes.begin(), facts.missing_scopes.end());
    object["expires_at"] = facts.expires_at ? json::Value(base::to_rfc3339(*facts.expires_at)) : json::Value(nullptr);
    object["base_url"] = string_or_null(facts.base_url);
    object["account"] = string_or_null(facts.account);
    return object;
}

}  // namespace claviger::cli
