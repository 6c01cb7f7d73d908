#include "cli/commands/connection_json.hpp"

namespace claviger::cli {

namespace {

void put_standing(const connection::StandingFacts& given, ConnectionFacts& facts) {
    facts.standing = connection::standing_of(given);
    facts.login_reason = given.login_reason;
    facts.failing_since = given.failing_since;
}

json::Value time_or_null(const std::optional<base::Instant>& instant) {
    return instant ? json::Value(base::to_rfc3339(*instant)) : json::Value(nullptr);
}

}  // namespace

ConnectionFacts facts_of(const connection::Connection& connection, bool is_default, const provider::ProviderDefinition* definition, base::Instant now) {
    ConnectionFacts facts;
    put_standing(connection::standing_facts(connection, definition, now), facts);
    facts.provider = connection.provider;
    facts.name = connection.name;
    facts.is_default = is_default;
    facts.scopes = connection.scopes();
    facts.expires_at = connection.end();
    if (const auto found = connection.variables.find("base_url"); found != connection.variables.end()) facts.base_url = found->second;
    facts.account = connection.account.label.empty() ? connection.account.id : connection.account.label;
    facts.missing_scopes = connection::missing_scopes(definition, connection);
    facts.plain_http = connection::speaks_plain_http(connection) || (definition != nullptr && connection::speaks_plain_http(*definition));
    return facts;
}

ConnectionFacts facts_of(const connection::Summary& summary, const provider::ProviderDefinition* definition, base::Instant now) {
    ConnectionFacts facts;
    put_standing(connection::standing_facts(summary, definition, now), facts);
    facts.provider = summary.provider;
    facts.name = summary.name;
    facts.is_default = summary.is_default;
    facts.scopes = summary.scopes;
    facts.expires_at = summary.expires_at;
    facts.base_url = summary.base_url;
    facts.account = summary.account_label;
    facts.missing_scopes = connection::missing_scopes(definition, summary.scope_facts);
    facts.plain_http = summary.plain_http || (definition != nullptr && connection::speaks_plain_http(*definition));
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
    object["status"] = std::string(to_string(facts.standing.status));
    object["why"] = string_or_null(facts.standing.why);
    object["command"] = string_or_null(facts.standing.command);
    object["login_reason"] = string_or_null(facts.login_reason);
    object["refresh_failing_since"] = time_or_null(facts.failing_since);
    object["scopes"] = json::Array(facts.scopes.begin(), facts.scopes.end());
    object["missing_scopes"] = json::Array(facts.missing_scopes.begin(), facts.missing_scopes.end());
    object["expires_at"] = time_or_null(facts.expires_at);
    object["base_url"] = string_or_null(facts.base_url);
    object["account"] = string_or_null(facts.account);
    object["plain_http"] = facts.plain_http;
    return object;
}

}  // namespace claviger::cli
