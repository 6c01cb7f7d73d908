#include "cli/commands/connection_json.hpp"

namespace claviger::cli {

ConnectionFacts facts_of(const connection::Connection& connection, connection::Status status, bool is_default) {
    ConnectionFacts facts{connection.provider, connection.name, is_default, status, connection.scopes(), connection.expires_at, {}, {}};
    if (const auto found = connection.variables.find("base_url"); found != connection.variables.end()) facts.base_url = found->second;
    facts.account = connection.account.label.empty() ? connection.account.id : connection.account.label;
    return facts;
}

ConnectionFacts facts_of(const connection::Summary& summary, connection::Status status) {
    return {summary.provider, summary.name, summary.is_default, status, summary.scopes, summary.expires_at, summary.base_url, summary.account_label};
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
    object["expires_at"] = facts.expires_at ? json::Value(base::to_rfc3339(*facts.expires_at)) : json::Value(nullptr);
    object["base_url"] = string_or_null(facts.base_url);
    object["account"] = string_or_null(facts.account);
    return object;
}

}  // namespace claviger::cli
