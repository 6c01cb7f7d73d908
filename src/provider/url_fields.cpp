#include "provider/url_fields.hpp"

#include <algorithm>

#include "provider/expand.hpp"

namespace claviger::provider {
namespace {

void add(std::vector<UrlField>& fields, std::string pointer, const std::string& text) {
    if (!text.empty()) fields.push_back({std::move(pointer), &text});
}

void add_list(std::vector<UrlField>& fields, std::string_view pointer, const std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) add(fields, json::pointer_append(pointer, i), texts[i]);
}

std::vector<UrlField> all_fields(const ProviderDefinition& definition) {
    std::vector<UrlField> fields = endpoint_fields(definition);
    const std::vector<UrlField> places = place_fields(definition);
    fields.insert(fields.end(), places.begin(), places.end());
    return fields;
}

}  // namespace

std::vector<UrlField> endpoint_fields(const ProviderDefinition& definition) {
    std::vector<UrlField> fields;
    if (const auto& oauth = definition.oauth2) {
        add(fields, "/oauth/base_url", oauth->base_url);
        add(fields, "/oauth/issuer", oauth->issuer);
        add(fields, "/oauth/authorization_url", oauth->authorization_url);
        add(fields, "/oauth/token_url", oauth->token_url);
        add(fields, "/oauth/refresh_url", oauth->refresh_url);
        add(fields, "/oauth/revocation_url", oauth->revocation_url);
        add(fields, "/oauth/device_authorization_url", oauth->device_authorization_url);
        add(fields, "/oauth/registration_endpoint", oauth->registration_endpoint);
        add(fields, "/oauth/userinfo_url", oauth->userinfo_url);
        add(fields, "/oauth/pushed_authorization_url", oauth->pushed_authorization_url);
        add(fields, "/oauth/jwks_url", oauth->jwks_url);
        add(fields, "/oauth/introspection_url", oauth->introspection_url);
        add(fields, "/oauth/revoke/url", oauth->revoke.url);
        for (std::size_t i = 0; i < oauth->steps.size(); ++i)
            add(fields, json::pointer_append("/oauth/steps", i) + "/url", oauth->steps[i].url);
    }
    if (const auto& oauth = definition.oauth1) {
        add(fields, "/oauth1/request_token_url", oauth->request_token_url);
        add(fields, "/oauth1/authorization_url", oauth->authorization_url);
        add(fields, "/oauth1/access_token_url", oauth->access_token_url);
    }
    if (definition.identity) add(fields, "/identity/url", definition.identity->url);
    if (definition.probe) add(fields, "/probe/url", definition.probe->url);
    return fields;
}

std::vector<UrlField> place_fields(const ProviderDefinition& definition) {
    std::vector<UrlField> fields;
    add_list(fields, "/api_url", definition.api_urls);
    add_list(fields, "/authorized_uris", definition.authorized_uris);
    return fields;
}

std::vector<std::string> variables_used(const ProviderDefinition& definition) {
    std::vector<std::string> names;
    for (const UrlField& field : all_fields(definition)) {
        if (field.text->starts_with("regex:")) continue;  // braces are repetition there
        for (std::string& name : variables_in(*field.text)) {
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
        }
    }
    return names;
}

bool is_value_of(std::string_view captured, std::string_view variable) {
    return std::ranges::equal(captured, variable, [](char one, char other) { return (one == '-' ? '_' : one) == other; });
}

const std::string* captured_value(const std::map<std::string, std::string>& captured, std::string_view variable) {
    const auto found = std::ranges::find_if(captured, [&](const auto& item) { return is_value_of(item.first, variable); });
    return found == captured.end() ? nullptr : &found->second;
}

bool is_captured_variable(const ProviderDefinition& definition, std::string_view name) {
    const auto names_it = [&](const CaptureRule& rule) { return is_value_of(rule.name, name); };
    bool captured = std::any_of(definition.capture.begin(), definition.capture.end(), names_it);
    const auto& oauth = definition.oauth2;
    if (oauth) {
        const auto& of_callback = oauth->callback.capture;
        captured = captured || std::any_of(oauth->response.capture.begin(), oauth->response.capture.end(), names_it) ||
                   std::any_of(of_callback.begin(), of_callback.end(), [&](const auto& captured_as) { return is_value_of(captured_as, name); });
    }
    if (!captured) return false;
    // What is called with a token in hand; everything else stands before the first answer.
    constexpr std::string_view kAfterwards[] = {"/oauth/refresh_url", "/oauth/revocation_url", "/oauth/userinfo_url",
                                                "/oauth/revoke/url",  "/identity/url",         "/probe/url",
                                                "/oauth/introspection_url"};
    const auto fields = endpoint_fields(definition);
    return std::none_of(fields.begin(), fields.end(), [&](const UrlField& field) {
        if (std::find(std::begin(kAfterwards), std::end(kAfterwards), field.pointer) != std::end(kAfterwards)) return false;
        const auto used = variables_in(*field.text);
        return std::find(used.begin(), used.end(), name) != used.end();
    });
}

bool is_origin_variable(const ProviderDefinition& definition, std::string_view name) {
    const std::string start = "{" + std::string(name) + "}";
    const auto fields = all_fields(definition);
    return std::any_of(fields.begin(), fields.end(), [&](const UrlField& field) {
        const std::string& text = *field.text;
        return text.starts_with(start) && (text.size() == start.size() || text[start.size()] == '/');
    });
}

}  // namespace claviger::provider
