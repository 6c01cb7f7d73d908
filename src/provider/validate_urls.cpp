// Rules: endpoints are https, variables cannot move them elsewhere, and the places where a credential may go are
// narrow. Patterns of URLs are judged part by part, never as a raw string (PX-03, PX-04).
#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"
#include "provider/describe.hpp"
#include "provider/expand.hpp"
#include "provider/pattern.hpp"
#include "provider/place_rules.hpp"
#include "provider/rule_check.hpp"
#include "provider/url_fields.hpp"

namespace claviger::provider {
namespace {

constexpr std::size_t kLongestUrl = 2048;

bool declared(const ProviderDefinition& definition, std::string_view name) {
    if (name == "base_url") return true;
    return std::any_of(definition.vars.begin(), definition.vars.end(), [&](const auto& v) { return v.name == name; });
}

void check_declared(RuleCheck& check, const UrlField& field) {
    if (field.text->size() > kLongestUrl) return;  // "too_long" is said elsewhere
    std::vector<std::string_view> names{"base_url"};
    for (const auto& variable : check.definition.vars) names.push_back(variable.name);
    for (const std::string& name : variables_in(*field.text)) {
        if (declared(check.definition, name)) continue;
        if (name == "token" && field.pointer == "/oauth/revoke/url") continue;  // the token that is revoked
        const auto guess = base::did_you_mean(name, names);
        check.error(field.pointer, "undeclared_variable",
                    guess ? fmt::format("uses {{{}}}, which is not in \"vars\"; did you mean {{{}}}?", name, *guess)
                          : fmt::format("uses {{{}}}; declare it in \"vars\"", name));
    }
}

void check_loopback(RuleCheck& check, std::string_view pointer, const net::Url& url) {
    if (url.scheme() != "http") return;
    if (check.options.allow_loopback_http) {
        check.warning(pointer, "loopback_http", "is plain http to this machine; use it for tests only");
    } else {
        check.error(pointer, "not_https", "must be https; write https://...");
    }
}

void refuse_url(RuleCheck& check, const UrlField& field, const base::Error& error) {
    const bool plain = base::to_lower(*field.text).starts_with("http://");
    check.error(field.pointer, plain ? "not_https" : "bad_url",
                plain ? "must be https; write https://..." : error.message + (error.hint.empty() ? "" : "; " + error.hint));
}

void check_endpoint(RuleCheck& check, const UrlField& field) {
    if (field.text->size() > kLongestUrl) {
        check.error(field.pointer, "too_long", "is longer than 2048 bytes; shorten it");
        return;
    }
    check_declared(check, field);
    const bool page = field.pointer == "/oauth/authorization_url";
    const auto values = sample_values(*field.text);
    const auto url = page ? expand_page(*field.text, values) : expand_url(*field.text, values);
    if (!url) {
        refuse_url(check, field, url.error());
        return;
    }
    if (const auto problem = variable_host_problem(*field.text)) check.error(field.pointer, problem->code, problem->message);
    check_loopback(check, field.pointer, *url);
}

}  // namespace

void check_endpoints(RuleCheck& check) {
    for (const UrlField& field : endpoint_fields(check.definition)) {
        if (field.pointer == "/oauth/base_url") {
            const auto base_url = canonical_base_url(*field.text);
            if (!base_url) {
                refuse_url(check, field, base_url.error());
                continue;
            }
            if (auto url = net::Url::parse(*base_url)) check_loopback(check, field.pointer, *url);
            continue;
        }
        check_endpoint(check, field);
    }
}

void check_places(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    for (const UrlField& field : place_fields(d)) {
        const bool target = field.pointer.starts_with("/api_url");
        if (!field.text->starts_with("regex:")) check_declared(check, field);
        for (const PlaceProblem& problem : target ? target_problems(*field.text) : uri_pattern_problems(*field.text)) {
            const bool serious = problem.severity == Severity::error ||
                                 (problem.code == "loopback_http" && !check.options.allow_loopback_http);
            serious ? check.error(field.pointer, problem.code, problem.message)
                    : check.warning(field.pointer, problem.code, problem.message);
        }
    }
    for (std::size_t i = 0; i < d.api_urls.size(); ++i) {
        if (d.api_urls[i].empty()) check.error(json::pointer_append("/api_url", i), "bad_place", "is empty; remove it");
    }
    for (std::size_t i = 0; i < d.authorized_uris.size(); ++i) {
        if (d.authorized_uris[i].empty()) {
            check.error(json::pointer_append("/authorized_uris", i), "bad_place", "is empty; remove it");
        }
    }
    if (d.allow_all_uris) {
        check.warning("/allow_all_uris", "allow_all_uris",
                      may_have_own_site(d)
                          ? "lets the credential go to the whole of the connection's own site, which a {variable} holds, and "
                            "to no host beyond; list the hosts in \"api_url\""
                          : "means the connection's own site, but no {variable} holds one, so it allows nothing; list the "
                            "hosts in \"api_url\"");
    } else if (d.api_urls.empty() && d.authorized_uris.empty()) {
        check.warning("/api_url", "no_place", "is absent, so no request gets the credential; write \"api_url\": \"api.host\"");
    }
}

// What comes through the browser is not the server's word alone, so it may name a tenant under a fixed domain at most.
void check_callback_origins(RuleCheck& check) {
    if (!check.definition.oauth2) return;
    for (const auto& name : check.definition.oauth2->callback.capture) {
        if (!is_origin_variable(check.definition, name)) continue;
        check.error("/oauth/callback/capture", "bad_capture",
                    fmt::format("\"{}\" comes through the browser and may not stand for a whole origin; write the domain in the "
                                "URL, or capture it from the token answer", name));
    }
}

void check_variables(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    for (const Variable& variable : d.vars) {
        const std::string pointer = json::pointer_append("/vars", variable.name);
        const bool named = variables_in("{" + variable.name + "}") == std::vector<std::string>{variable.name};
        if (!named || variable.name.size() > 64) {
            check.error(pointer, "bad_variable_name", "must be letters, digits and '_', and begin with a letter");
        }
        for (const std::string_view taken : {"access_token", "refresh_token", "api_key", "client_id", "client_secret"}) {
            if (variable.name == taken) check.error(pointer, "bad_variable_name", "is the name of a credential; choose another");
        }
        for (const std::string* text : {&variable.title, &variable.description, &variable.default_value, &variable.example}) {
            if (text->size() > 4000) check.error(pointer, "too_long", "has a text longer than 4000 bytes; shorten it");
            if (has_hidden_character(*text)) check.error(pointer, "control_character", "has a control character; remove it");
        }
        if (const auto problem = variable.pattern.empty() ? std::nullopt : pattern_problem(variable.pattern)) {
            check.error(pointer + "/pattern", "bad_pattern", *problem);
            continue;
        }
        const auto fits = [&](const std::string& value) {
            const bool listed = variable.choices.empty() ||
                std::find(variable.choices.begin(), variable.choices.end(), value) != variable.choices.end();
            return listed && (variable.pattern.empty() || pattern_matches(variable.pattern, value));
        };
        if (!variable.default_value.empty() && !fits(variable.default_value)) {
            check.error(pointer + "/default", "bad_default", "does not fit the variable's own \"pattern\" or \"enum\"");
        }
        if (!variable.example.empty() && !fits(variable.example)) {
            check.warning(pointer + "/example", "bad_default", "does not fit the variable's own \"pattern\" or \"enum\"");
        }
    }
    check_callback_origins(check);
}

}  // namespace claviger::provider
