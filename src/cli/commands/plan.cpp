#include "cli/commands/plan.hpp"

#include <set>

#include "base/text.hpp"
#include "connection/flow_choice.hpp"
#include "connection/form_fields.hpp"
#include "provider/describe.hpp"

namespace claviger::cli {
namespace {

using provider::Flow;
using provider::ProviderDefinition;

std::string_view kind_in_words(const ProviderDefinition& d) {
    switch (d.flow) {
        case Flow::pkce: return "OAuth 2 in the browser";
        case Flow::dcr_pkce: return "OAuth 2 in the browser, registers itself as a client";
        case Flow::device_code: return "OAuth 2 with a device code";
        case Flow::client_credentials: return "OAuth 2 client credentials";
        case Flow::oauth1: return "OAuth 1.0a";
        case Flow::api_key: return "API key";
        case Flow::basic: return "user name and password";
        case Flow::custom: return "fields of its own";
    }
    return "";
}

std::string listed(const std::vector<std::string>& words) {
    constexpr std::size_t kMost = 12;
    if (words.size() <= kMost) return base::join(words, ", ");
    const std::vector<std::string> first(words.begin(), words.begin() + kMost);
    return base::join(first, ", ") + " and " + std::to_string(words.size() - kMost) + " more";
}

std::string login_in_words(const provider::OAuth2& oauth) {
    const std::string source = !oauth.issuer.empty() ? oauth.issuer : oauth.resource;
    std::string text = oauth.authorization_url.empty() ? "the authorization server that " + source + " names" : oauth.authorization_url;
    if (oauth.grant.type == "self_signed_jwt") return "signs its token itself, and asks nobody for it";
    if (oauth.authorization_url.empty() && source.empty()) return oauth.token_url.empty() ? "" : "gets its token from " + oauth.token_url;
    if (!oauth.token_url.empty()) text += ", the token comes from " + oauth.token_url;
    return "logs in at " + text;
}

std::vector<std::string> asked_for(const ProviderDefinition& d) {
    std::vector<std::string> labels;
    for (const auto& variable : d.vars) {
        if (variable.default_value.empty()) labels.push_back(variable.title.empty() ? variable.name : variable.title);
    }
    if (d.oauth2) {
        if (connection::registers_client(*d.oauth2, d.flow)) return labels;
        const auto client = connection::client_fields(*d.oauth2, d.flow);
        for (const auto& field : client) labels.push_back(base::to_lower(field.label) + (field.required ? "" : ", if there is one"));
    } else if (d.oauth1) {
        labels.insert(labels.end(), {"consumer key", d.oauth1->signature_method == "RSA-SHA1" ? "private key" : "consumer secret"});
    } else if (const auto form = connection::CredentialForm::make(d)) {
        for (const auto& field : form->form().fields) labels.push_back(field.label + (field.required ? "" : " (optional)"));
    }
    return labels;
}

}  // namespace

std::vector<std::string> plan_of(const ProviderDefinition& d) {
    std::vector<std::string> lines{d.name + " (" + d.display_name + "): " + std::string(kind_in_words(d))};
    const auto add = [&](std::string_view label, const std::string& text) {
        if (!text.empty()) lines.push_back("  " + std::string(label) + text);
    };
    if (d.oauth2) {
        add("", login_in_words(*d.oauth2));
        add("scopes: ", listed(d.oauth2->scopes));
        if (!d.oauth2->pkce) add("", "without PKCE");
    }
    if (d.oauth1) add("", "logs in at " + d.oauth1->authorization_url + ", the token comes from " + d.oauth1->access_token_url);
    const auto injected = provider::injection_in_words(d);
    const auto places = provider::places_in_words(d);
    if (injected.empty() || places.empty()) add("", injected.empty() ? "puts nothing into requests by itself" : "sends the credential nowhere by itself: it names no host");
    else add("sends ", base::join(injected, " and ") + " to " + listed(places));
    add("asks for: ", listed(asked_for(d)));
    std::vector<std::string> names;
    for (const auto& rule : d.exports) names.push_back(rule.env_name);
    add("exports: ", listed(names));
    for (auto& line : lines) line = base::printable(line, 1000);
    return lines;
}

std::vector<std::string> difference(const std::map<std::string, std::string>& before, const std::map<std::string, std::string>& after) {
    std::set<std::string> pointers;
    for (const auto& [pointer, value] : before) pointers.insert(pointer);
    for (const auto& [pointer, value] : after) pointers.insert(pointer);
    std::vector<std::string> lines;
    for (const auto& pointer : pointers) {
        const auto old_value = before.find(pointer);
        const auto new_value = after.find(pointer);
        if (old_value != before.end() && new_value != after.end() && old_value->second == new_value->second) continue;
        if (old_value != before.end()) lines.push_back("  - " + base::printable(pointer) + ": " + base::printable(old_value->second, 400));
        if (new_value != after.end()) lines.push_back("  + " + base::printable(pointer) + ": " + base::printable(new_value->second, 400));
    }
    return lines;
}

}  // namespace claviger::cli
