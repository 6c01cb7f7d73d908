// What `export` and `run` may put into an environment. Never the refresh token: it outlives the session, and whoever
// has it is the user.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/form_fields.hpp"
#include "inject/credential_fields.hpp"
#include "inject/injection.hpp"
#include "inject/placeholder.hpp"
#include "inject/usable.hpp"
#include "json/value.hpp"
#include "provider/expand.hpp"
#include "provider/pattern_sample.hpp"

namespace claviger::inject {
namespace {

using base::ErrorCode;
using base::Result;

// "acme-crm", "api_key" -> "ACME_CRM_API_KEY"; every run of other characters is one underscore.
std::string default_name(std::string_view provider, std::string_view field) {
    std::string out;
    for (const char c : base::to_upper(std::string(provider) + "_" + std::string(field))) {
        const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (kept) out += c;
        else if (!out.ends_with('_')) out += '_';
    }
    if (out[0] >= '0' && out[0] <= '9') out.insert(0, "_");
    return out;
}

bool valid_environment_name(std::string_view name) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

// Other spellings of sources in foreign definitions mean these.
std::string canonical_source(const provider::ProviderDefinition& definition, const std::string& source) {
    const auto lower = base::to_lower(source);
    if (lower != "access_token" && lower != "api_token" && lower != "api_key") return source;
    if (definition.auth_type == provider::AuthType::oauth2) return "access_token";
    return definition.auth_type == provider::AuthType::api_key ? "api_key" : source;
}

std::vector<std::string> form_fields(const provider::ProviderDefinition& definition) {
    std::vector<std::string> names;
    if (const auto* schema = definition.credentials.schema.if_object()) {
        if (const auto* properties = json::object_at(*schema, "properties")) {
            for (const auto& property : *properties) names.emplace_back(property.key());
        }
    }
    return names;
}

std::vector<std::string> default_sources(const provider::ProviderDefinition& definition) {
    using provider::AuthType;
    switch (definition.auth_type) {
        case AuthType::oauth2:
        case AuthType::oauth1: return {"access_token"};
        case AuthType::api_key: return {"api_key"};
        case AuthType::basic: {
            auto fields = form_fields(definition);
            return fields.empty() ? std::vector<std::string>{"username", "password"} : fields;
        }
        case AuthType::custom: return form_fields(definition);
    }
    return {};
}

// Names and sources, in the order of the definition, each name once.
std::vector<provider::ExportRule> plan(const provider::ProviderDefinition& definition) {
    std::vector<provider::ExportRule> rules;
    const auto add = [&rules](std::string name, std::string source) {
        const bool taken = std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return rule.env_name == name; });
        const bool secret_of_ours = base::equal_ignoring_case(source, "refresh_token") ||
                                    base::equal_ignoring_case(source, "client_secret");
        if (!taken && !secret_of_ours) rules.push_back({std::move(name), std::move(source)});
    };
    for (const auto& rule : definition.exports) add(rule.env_name, canonical_source(definition, rule.source));
    if (definition.api_key && !definition.api_key->env_var.empty()) add(definition.api_key->env_var, "api_key");
    if (!rules.empty()) return rules;
    for (const auto& source : default_sources(definition)) add(default_name(definition.name, source), source);
    return rules;
}

}  // namespace

std::string first_api_url(const provider::ProviderDefinition& definition, const provider::VariableValues& variables) {
    for (const auto& target : definition.api_urls) {
        if (target.find('*') != std::string::npos || target.starts_with("regex:")) continue;
        const bool whole = target.find("://") != std::string::npos || target.starts_with("{base_url}");
        if (const auto url = provider::expand_url(whole ? target : "https://" + target, variables)) {
            return url->path() == "/" ? url->origin() : url->text();
        }
    }
    return {};
}

std::map<std::string, std::string> placeholders(const provider::ProviderDefinition& definition, const connection::Connection& connection) {
    const auto fields = CredentialFields::raw(definition, connection);
    std::map<std::string, std::string> values;
    for (const auto& rule : plan(definition)) {
        const bool api = base::equal_ignoring_case(rule.source, "api_url"), base_url = base::equal_ignoring_case(rule.source, "base_url");
        std::string value(kPlaceholder);
        if (api) value = first_api_url(definition, connection.variables);
        else if (base_url) value = fields.find("base_url").value_or("");
        else if (rule.source == "api_key" && definition.api_key) value = provider::pattern_sample(definition.api_key->key_pattern).value_or(value);
        const auto secret = fields.find(rule.source);
        if (!api && !base_url && secret && *secret == value) value = std::string(kPlaceholder) + "-";  // a pattern may allow one text alone
        if (!value.empty() && valid_environment_name(rule.env_name)) values.emplace(rule.env_name, std::move(value));
    }
    return values;
}

namespace {

// What the definition says is no secret, or what is none by its nature.
bool is_open(const provider::ProviderDefinition& definition, const std::vector<connection::FormField>& fields, const std::string& source) {
    for (const auto* name : {"api_url", "base_url", "client_id", "token_type", "scope", "expires_at"})
        if (base::equal_ignoring_case(source, name)) return true;
    const auto open = [&](const auto& one) { return one.name == source && !one.secret; };
    return std::any_of(definition.vars.begin(), definition.vars.end(), open) || std::any_of(fields.begin(), fields.end(), open);
}

}  // namespace

std::vector<std::string> credential_variables(const provider::ProviderDefinition& definition) {
    std::vector<connection::FormField> fields;
    if (auto form = connection::CredentialForm::make(definition)) fields = form->form().fields;
    std::vector<std::string> names;
    for (auto& rule : plan(definition))
        if (!is_open(definition, fields, rule.source) && valid_environment_name(rule.env_name)) names.push_back(std::move(rule.env_name));
    return names;
}

Result<std::vector<ExportValue>> export_values(const provider::ProviderDefinition& definition,
                                               const connection::Connection& connection, base::Instant now) {
    TRY_VOID(check_usable(definition, connection, now));
    const auto fields = CredentialFields::raw(definition, connection);
    std::vector<ExportValue> values;
    for (const auto& rule : plan(definition)) {
        if (!valid_environment_name(rule.env_name)) {
            return base::fail(ErrorCode::invalid_input,
                              fmt::format("the definition of {} exports to \"{}\", which is no name of an environment variable",
                                          definition.name, base::printable(rule.env_name, 64)));
        }
        auto value = fields.find(rule.source);
        std::string url;
        if (!value && base::equal_ignoring_case(rule.source, "api_url")) {
            url = first_api_url(definition, connection.variables);
            if (!url.empty()) value = url;
        }
        if (!value && base::equal_ignoring_case(rule.source, "base_url")) value = fields.find("base_url");
        if (value) values.push_back({rule.env_name, base::Secret(*value)});  // an optional field may be absent
    }
    return values;
}

}  // namespace claviger::inject
