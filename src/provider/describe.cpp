#include "provider/describe.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "provider/url_fields.hpp"

namespace claviger::provider {
namespace {

std::string place_of(const std::string& target) {
    if (target.starts_with("regex:")) return "hosts that match " + target.substr(6);
    std::string text = target.find("://") == std::string::npos && !target.starts_with("{base_url}") ? "https://" + target : target;
    while (text.ends_with('/')) text.pop_back();
    return text + "/*";
}

constexpr std::string_view kOwnSite = "the whole site that you log in to";

std::string host_of(std::string place) {
    if (place.starts_with("{base_url}")) return "the server that you log in to";
    if (const auto scheme = place.find("://"); scheme != std::string::npos) place = place.substr(scheme + 3);
    return place.substr(0, place.find('/'));
}

std::string credential_word(const ProviderDefinition& definition) {
    switch (definition.auth_type) {
        case AuthType::oauth2:
        case AuthType::oauth1: return "the access token";
        case AuthType::api_key: return "your key";
        case AuthType::basic: return "user name and password";
        case AuthType::custom: return "what you enter";
    }
    return "the credential";
}

void add_map(std::vector<std::string>& words, std::string_view kind, const StringMap& map) {
    for (const auto& [name, text] : map) words.push_back(fmt::format("the {} {}: {}", kind, name, text));
}

std::vector<std::string> injected(const ProviderDefinition& definition) {
    std::vector<std::string> words;
    const InjectRules& inject = definition.inject;
    add_map(words, "header", inject.headers);
    add_map(words, "query parameter", inject.query);
    add_map(words, "cookie", inject.cookies);
    const bool oauth1 = definition.auth_type == AuthType::oauth1;  // signs, whatever else is put in
    if (oauth1 || !inject.sign.empty()) words.push_back("a signature of each request (" + (oauth1 ? "oauth1" : inject.sign) + ")");
    return words;
}

}  // namespace

bool may_have_own_site(const ProviderDefinition& definition) {
    if (!definition.vars.empty() || (definition.oauth2 && !definition.oauth2->base_url.empty())) return true;
    const auto used = variables_used(definition);
    return std::find(used.begin(), used.end(), "base_url") != used.end();
}

std::vector<std::string> places_in_words(const ProviderDefinition& definition) {
    std::vector<std::string> places;
    for (const auto& target : definition.api_urls) places.push_back(place_of(target));
    for (const auto& pattern : definition.authorized_uris) places.push_back(pattern);
    if (definition.allow_all_uris && may_have_own_site(definition)) places.emplace_back(kOwnSite);
    return places;
}

std::string hosts_in_words(const ProviderDefinition& definition) {
    std::vector<std::string> hosts;
    for (const auto& place : places_in_words(definition)) {
        std::string host = place.starts_with("hosts that match ") || place == kOwnSite ? place : host_of(place);
        if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(std::move(host));
    }
    constexpr std::size_t kMost = 4;
    const std::size_t shown = std::min(hosts.size(), kMost);
    std::string text;
    for (std::size_t i = 0; i < shown; ++i) {
        const bool last = i + 1 == hosts.size();
        text += (i == 0 ? "" : last ? " and " : ", ") + hosts[i];
    }
    if (hosts.size() > shown) text += fmt::format(" and {} more", hosts.size() - shown);
    return text;
}

std::vector<std::string> injection_in_words(const ProviderDefinition& definition) {
    if (definition.inject.present) return injected(definition);
    const std::string what = credential_word(definition);
    std::vector<std::string> words;
    if (definition.auth_type == AuthType::basic) {
        words.push_back(what + " as the header Authorization: Basic ...");
    } else if (definition.auth_type == AuthType::oauth1) {
        words.push_back("a signature of each request (oauth1)");
    } else if (const auto& key = definition.api_key) {
        if (!key->header_name.empty())
            words.push_back(fmt::format("{} as the header {}{}", what, key->header_name, key->header_prefix.empty() ? "" : ": " + key->header_prefix + " ..."));
        if (!key->query_param.empty()) words.push_back(fmt::format("{} as the query parameter {}", what, key->query_param));
    } else if (definition.auth_type != AuthType::custom) {
        words.push_back(what + " as the header Authorization: Bearer ...");
    }
    return words;
}

}  // namespace claviger::provider
