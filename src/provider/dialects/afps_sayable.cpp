// What AFPS v1 and the flat payload can say of a definition from elsewhere, without becoming wider.
#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"
#include "provider/dialects/afps_parts.hpp"
#include "provider/dialects/afps_write.hpp"
#include "provider/expand.hpp"
#include "provider/read.hpp"

namespace claviger::provider::afps {
namespace {

using base::ErrorCode;

bool is_plain_label(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
}

std::string filled_in(const std::string& text, const VariableValues& defaults) {
    if (text.starts_with("regex:")) return text;
    std::string result = text;
    for (const std::string& name : variables_in(text)) {
        const auto found = defaults.find(name);
        if (found == defaults.end()) return text;
        const std::string placeholder = "{" + name + "}";
        std::string value = found->second;
        if (is_origin_template(text) && text.starts_with(placeholder)) {
            const auto origin = canonical_base_url(value);
            if (!origin) return text;
            value = *origin;
        } else if (!is_plain_label(value)) {
            return text;
        }
        for (auto at = result.find(placeholder); at != std::string::npos; at = result.find(placeholder, at + value.size()))
            result.replace(at, placeholder.size(), value);
    }
    return result;
}

// A definition that a file of AFPS gave, whatever it went through since.
bool comes_from_afps(const ProviderDefinition& definition) {
    if (definition.dialect != "native") return true;
    const json::Object* top = json::object_at(definition.unknown, "");
    return top && (json::find(*top, "x-afps-v1") || json::find(*top, "x-afps-v2") || json::find(*top, "x-flat"));
}

tl::unexpected<base::Error> cannot_say(std::string_view form, std::string_view pointer, std::string_view why) {
    return base::fail(ErrorCode::invalid_input, fmt::format("the form '{}' cannot say {}: {}", form, pointer, why),
                      "use --format native");
}

// What was kept from elsewhere and has no place in this form.
void add_lost_members(const ProviderDefinition& definition, std::vector<std::string>& lost) {
    if (definition.dialect == "afps-v2" && !definition.unknown.empty()) lost.emplace_back("/x-afps-v2");
    if (definition.dialect != "native") return;
    for (const auto& place : definition.unknown) {
        const json::Object* members = place.value().if_object();
        if (!members) continue;
        for (const auto& member : *members) {
            const bool foreign = place.key().empty() && (member.key() == "x-afps-v1" || member.key() == "x-flat");
            if (!foreign) lost.push_back(json::pointer_append(place.key(), member.key()));
        }
    }
}

}  // namespace

bool is_unsayable_place(std::string_view api_url) {
    return api_url.starts_with("regex:") || api_url.starts_with("**.") || api_url.find("://**.") != std::string_view::npos;
}

bool is_origin_template(std::string_view url) {
    const std::size_t close = url.find('}');
    return url.starts_with('{') && close != std::string_view::npos && (close + 1 == url.size() || url[close + 1] == '/');
}

ProviderDefinition with_defaults(const ProviderDefinition& definition) {
    ProviderDefinition result = definition;
    VariableValues defaults;
    if (definition.oauth2 && !definition.oauth2->base_url.empty()) defaults["base_url"] = definition.oauth2->base_url;
    for (const Variable& variable : definition.vars)
        if (!variable.default_value.empty()) defaults[variable.name] = variable.default_value;
    if (defaults.empty()) return result;
    const auto fill = [&](std::string& text) { text = filled_in(text, defaults); };
    std::for_each(result.api_urls.begin(), result.api_urls.end(), fill);
    std::for_each(result.authorized_uris.begin(), result.authorized_uris.end(), fill);
    if (auto& oauth = result.oauth2)
        for (std::string* text : {&oauth->authorization_url, &oauth->token_url, &oauth->refresh_url}) fill(*text);
    if (auto& oauth = result.oauth1)
        for (std::string* text : {&oauth->request_token_url, &oauth->authorization_url, &oauth->access_token_url}) fill(*text);
    return result;
}

json::Value schema_to_write(const ProviderDefinition& definition) {
    if (!definition.credentials.schema.is_null()) return definition.credentials.schema;
    std::vector<std::string> names;
    switch (definition.auth_type) {
        case AuthType::oauth2:
        case AuthType::oauth1: return nullptr;
        case AuthType::api_key:
            names = {definition.credentials.field_name.empty() ? "api_key" : definition.credentials.field_name};
            break;
        case AuthType::basic: names = {"username", "password"}; break;
        case AuthType::custom: break;
    }
    json::Object properties;
    for (const std::string& name : names) properties[name] = json::Object{{"type", "string"}};
    return json::Object{{"type", "object"}, {"properties", std::move(properties)},
                        {"required", json::Array(names.begin(), names.end())}};
}

base::Result<> check_sayable(const ProviderDefinition& definition, std::string_view form, bool globs) {
    for (const std::string& url : definition.api_urls)
        if (is_unsayable_place(url))
            return cannot_say(form, "/api_url", fmt::format("it has no pattern for {}", base::printable(url)));
    if (definition.allow_all_uris && !comes_from_afps(definition))
        return cannot_say(form, "/allow_all_uris", "other readers would let the credential go to every host");
    if (!globs && definition.uri_pattern_dialect == "afps-1.3")
        for (const std::string& pattern : definition.authorized_uris)
            if (pattern.ends_with("/*"))
                return cannot_say(form, "/uri_pattern_dialect", fmt::format("{} would cover all that is below",
                                                                            base::printable(pattern)));
    if (const auto& oauth = definition.oauth2) {
        for (const auto& [pointer, url] : {std::pair{"/oauth/authorization_url", &oauth->authorization_url},
                                           std::pair{"/oauth/token_url", &oauth->token_url}})
            if (url->empty())
                return cannot_say(form, pointer, fmt::format("it must be there, and a definition of the flow {} that has none "
                                                             "cannot be written", to_string(definition.flow)));
        const auto method = oauth->token_auth_method.value_or(TokenAuthMethod::client_secret_post);
        if (method == TokenAuthMethod::private_key_jwt || method == TokenAuthMethod::client_secret_jwt)
            return cannot_say(form, "/oauth/token_auth_method", fmt::format("it has no word for {}", to_string(method)));
    }
    return {};
}

base::Result<Written> check_written(const ProviderDefinition& definition, std::string text, std::string_view form) {
    const ReadResult again = read_definition(text);
    for (const Finding& finding : again.findings)
        if (finding.severity == Severity::error)
            return cannot_say(form, finding.pointer.empty() ? "this definition" : finding.pointer, finding.message);
    if (again.definitions.size() != 1) return cannot_say(form, "this definition", "it would read as something else");
    const auto wanted = security_fields(definition), got = security_fields(again.definitions.front());
    for (const auto* side : {&wanted, &got})
        for (const auto& [pointer, value] : *side) {
            const auto& other = side == &wanted ? got : wanted;
            const auto found = other.find(pointer);
            if (found == other.end() || found->second != value) return cannot_say(form, pointer, "it would be lost or changed");
        }
    Written written{std::move(text), differences(definition, again.definitions.front())};
    add_lost_members(definition, written.lost);
    return written;
}

void forget_defaults(ProviderDefinition& definition) {
    json::Value* place = definition.unknown.if_contains("");
    json::Object* top = place ? place->if_object() : nullptr;
    if (!top) return;
    const std::pair<std::string_view, std::string> usual[] = {{"name", full_name(definition, {})},
                                                              {"version", version_of({})},
                                                              {"schemaVersion", schema_version_of(definition, {})}};
    const bool made_up = json::string_at(*top, "name") && std::all_of(std::begin(usual), std::end(usual), [&](const auto& entry) {
        const json::Value* value = json::find(*top, entry.first);
        return !value || (value->is_string() && value->get_string() == entry.second);
    });
    if (!made_up) return;
    for (const auto& entry : usual)
        if (const auto at = top->find(entry.first); at != top->end()) top->stable_erase(at);
    if (top->empty()) definition.unknown.erase("");
}

}  // namespace claviger::provider::afps
