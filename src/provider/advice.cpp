#include "provider/advice.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace claviger::provider {
namespace {

using List = std::vector<Advice>;

struct Spelling { std::string_view old_pointer, new_name; };
constexpr std::array<Spelling, 7> kOlder{{{"/host_url", "api_url"},
                                          {"/docs", "docs_url"},
                                          {"/logo", "icon"},
                                          {"/oauth/supports_device_flow", "supports_device_code"},
                                          {"/oauth/authorization_method", "token_auth_method"},
                                          {"/registration/registration_endpoint", "oauth.registration_endpoint"},
                                          {"/export/ACCESS_TOKEN", "access_token"}}};

void old_spellings(List& list, const json::Value& root) {
    for (const auto& [pointer, name] : kOlder) {
        if (json::at_pointer(root, pointer) != nullptr) list.push_back({false, "old_spelling", std::string(pointer), "is an older spelling", "write \"" + std::string(name) + "\""});
    }
}

bool names_a_secret(std::string_view key) {
    const auto lower = base::to_lower(key);
    constexpr std::array<std::string_view, 9> kNames{"client_secret", "clientsecret", "password", "private_key", "secret", "api_key", "apikey", "access_token", "refresh_token"};
    return std::find(kNames.begin(), kNames.end(), lower) != kNames.end();
}

// A name of a member or of the environment, a pointer, a template: not a secret itself.
bool only_refers(std::string_view value) {
    if (value.size() < 8 || value.starts_with('/') || value.find("{{") != std::string_view::npos) return true;
    const bool word = std::all_of(value.begin(), value.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    const bool variable = std::all_of(value.begin(), value.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9'); });
    return word || variable;
}

bool looks_like_a_credential(std::string_view value) {
    if (value.find("-----BEGIN") != std::string_view::npos) return value.find("PRIVATE KEY") != std::string_view::npos;
    const auto lower = base::to_lower(value.substr(0, 16));
    const bool presented = lower.starts_with("bearer ") || lower.starts_with("basic ") || lower.starts_with("token ");
    return presented && value.find("{{") == std::string_view::npos && value.size() > 20;
}

void secrets_in(List& list, const json::Value& value, const std::string& pointer, std::string_view key) {
    if (const auto* object = value.if_object()) {
        for (const auto& member : *object) {
            const auto below = json::pointer_append(pointer, member.key());
            // Here such names are names: of fields, of members of answers, of parameters.
            if (below == "/export" || below == "/oauth/rename" || below == "/oauth/response" || below == "/credentials/schema" || below == "/vars") continue;
            secrets_in(list, member.value(), below, member.key());
        }
    } else if (const auto* items = value.if_array()) {
        std::size_t index = 0;
        for (const auto& item : *items) secrets_in(list, item, json::pointer_append(pointer, index++), key);
    } else if (value.is_string()) {
        const std::string_view text = value.get_string();
        // A client secret refers to nothing, however short or plain it is.
        const bool client_secret = base::equal_ignoring_case(key, "client_secret") && !text.empty() && text.find("{{") == std::string_view::npos;
        if (client_secret || (names_a_secret(key) && !only_refers(text)) || looks_like_a_credential(text)) {
            list.push_back({true, "secret_in_file", pointer, "looks like a secret, and a definition is not secret",
                            "take it out (and replace it at the service if the file was shared): login asks for it and keeps it encrypted"});
        } else if (base::equal_ignoring_case(key, "client_id") && !only_refers(text)) {
            list.push_back({false, "client_in_file", pointer, "is of one app, while a definition is for everybody", "leave it out: login asks for it once"});
        }
    }
}

void places(List& list, const ProviderDefinition& d) {
    for (std::size_t i = 0; i < d.api_urls.size(); ++i) {
        const auto pointer = d.api_urls.size() == 1 ? std::string("/api_url") : json::pointer_append("/api_url", i);
        if (d.api_urls[i].starts_with("regex:")) list.push_back({false, "regex_host", pointer, "says by a regular expression which hosts get the credential, which is easily too wide", "write the hosts, or *.host for one label and **.host for any depth"});
        if (d.api_urls[i].starts_with("**.")) list.push_back({false, "deep_wildcard", pointer, "sends the credential to hosts at any depth", "write *.host if one label is enough"});
    }
    if (d.allow_all_uris && d.authorized_uris.empty() && d.api_urls.empty()) list.push_back({false, "wide", "/allow_all_uris", "lets the credential go to every URL of the connection's site", "list the API's paths in \"authorized_uris\""});
}

void oauth(List& list, const ProviderDefinition& d) {
    if (!d.oauth2) return;
    const auto& o = *d.oauth2;
    const bool browser = d.flow == Flow::pkce || d.flow == Flow::dcr_pkce;
    if (browser && !o.pkce) list.push_back({false, "pkce_off", "/oauth/pkce", "switches PKCE off: an intercepted code can be used by others", "leave it out unless the service refuses S256"});
    if (browser && o.revocation_url.empty() && !o.revoke.present && o.issuer.empty()) list.push_back({false, "no_revocation", "/oauth", "says no way to revoke a token at the service", "add \"revocation_url\" if it has one"});
    if (o.scopes_required && o.scopes.empty()) list.push_back({false, "no_scopes", "/oauth/scopes_required", "needs scopes and proposes none, so that every login must name them", "add \"scopes\""});
    if (!d.identity && o.userinfo_url.empty()) list.push_back({false, "no_identity", "", "does not say whose account a connection is", "add \"identity\" or oauth.userinfo_url"});
    for (const auto& [name, value] : o.token_headers) {
        if (base::equal_ignoring_case(name, "Accept") && base::equal_ignoring_case(value, "application/json"))
            list.push_back({false, "unused", json::pointer_append("/oauth/token_headers", name), "is sent anyway", "leave it out"});
    }
}

void usage(List& list, const ProviderDefinition& d) {
    if (!d.probe) list.push_back({false, "no_probe", "", "has no request by which to tell that a credential works", "add \"probe\" with a harmless URL that needs it"});
    if (d.docs_url.empty() && d.setup_guide.steps.empty() && !(d.flow == Flow::dcr_pkce)) list.push_back({false, "no_docs", "", "does not say where to get the credential", "add \"docs_url\""});
    if (d.inject.present && d.api_key && !d.inject.headers.empty() && d.api_key->header_name != "Authorization" && !d.api_key->header_name.empty()) {
        const bool same = std::any_of(d.inject.headers.begin(), d.inject.headers.end(), [&](const auto& h) { return base::equal_ignoring_case(h.first, d.api_key->header_name); });
        if (!same) list.push_back({false, "overridden", "/api_key/header_name", "is not sent, as \"inject\" says what is", "leave one of the two out"});
    }
}

}  // namespace

std::vector<Advice> advise(const json::Value& root, const ProviderDefinition* definition) {
    List list;
    secrets_in(list, root, "", "");
    if (definition == nullptr || definition->dialect == "native") old_spellings(list, root);
    if (definition == nullptr) return list;
    places(list, *definition);
    oauth(list, *definition);
    usage(list, *definition);
    return list;
}

}  // namespace claviger::provider
