#include "connection/renewal.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/expiry.hpp"
#include "connection/token_options.hpp"
#include "provider/expand.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using oauth::ClientAuthentication;
using oauth::TokenFailure;
using Scopes = std::vector<std::string>;

base::Result<net::Url> renewal_endpoint(const provider::OAuth2& oauth, const RequestFields& fields,
                                        const Connection& connection) {
    if (oauth.refresh_url.empty()) return net::Url::parse(connection.token_endpoint);
    TRY(values, fields.url_values());
    return provider::expand_url(oauth.refresh_url, values);
}

// `refresh.auth` for a client as it is stored; without a secret there is nothing to authenticate with.
base::Result<oauth::Client> authenticated(oauth::Client client, const provider::RefreshQuirk& refresh) {
    if (!refresh.auth) return client;
    switch (*refresh.auth) {
        case provider::TokenAuthMethod::none:
            client.authentication = ClientAuthentication::none;
            client.client_secret = base::Secret();
            client.private_key = base::Secret();
            break;
        case provider::TokenAuthMethod::client_secret_post:
            client.authentication = ClientAuthentication::client_secret_post;
            break;
        case provider::TokenAuthMethod::client_secret_basic:
            client.authentication = ClientAuthentication::client_secret_basic;
            break;
        case provider::TokenAuthMethod::client_secret_jwt:
            client.authentication = ClientAuthentication::client_secret_jwt;
            break;
        case provider::TokenAuthMethod::private_key_jwt: break;  // the token endpoint's method too: no other client has a key
    }
    return client;
}

base::Error nothing_to_refresh(const Connection& connection, std::string_view what) {
    return base::Error::make(ErrorCode::needs_login,
                             fmt::format("{} ({}) has no {} to get a new one with", connection.provider, connection.name, what),
                             fmt::format("run: claviger login {} --connection {}", connection.provider, connection.name));
}

bool contains(const Scopes& scopes, const std::string& scope) {
    return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

// OA-18. When nobody said so far what was granted, names of which none was asked for are other names for the same.
void narrow_scopes(Connection& connection, const std::optional<Scopes>& answered) {
    if (!answered) return;
    Scopes kept;
    const auto& before = connection.scopes();
    std::copy_if(answered->begin(), answered->end(), std::back_inserter(kept),
                 [&](const auto& scope) { return contains(before, scope); });
    if (kept.empty() && !answered->empty() && !connection.granted_scopes) return;
    connection.granted_scopes = std::move(kept);
}

// A session that ends when it ends: the answer says nothing new, or the same time again. Whole seconds make that inexact.
bool extended(const Connection& before, base::Instant end, base::Instant now) {
    return !before.refresh_expires_at || end - *before.refresh_expires_at >= (now - before.obtained_at) / 2;
}

void take_ends(const provider::OAuth2& oauth, const oauth::TokenResponse& token, Connection& connection, base::Instant now) {
    const auto life = connection.expires_at ? std::optional(*connection.expires_at - connection.obtained_at) : std::nullopt;
    auto unbounded = oauth.expires;
    unbounded.max_seconds.reset();
    auto end = expiry_of(token, unbounded, now);
    // RFC 6749 section 5.1: what is left out is what the service documents, and that is what it said before.
    const bool silent = !token.expires_in && !token.expires_at && token.expires_text.empty();
    if (!end && silent && life && life->count() > 0) end = now + *life;
    connection.expires_at = no_later_than_max(end, oauth.expires, now);
    auto refresh_end = refresh_expiry_of(token, oauth.expires, now);
    if (!refresh_end && token.refresh_token.empty()) refresh_end = connection.refresh_expires_at;
    if (refresh_end && *refresh_end <= now) refresh_end.reset();  // it does not hold
    connection.refresh_end_fixed = refresh_end && !extended(connection, *refresh_end, now);
    connection.refresh_expires_at = refresh_end;
    connection.obtained_at = now;
}

// ASCII only: a code, a status or a phrase of the description, without case.
bool matches(const std::string& rule, const TokenFailure& failure) {
    if (rule.empty()) return false;
    if (base::equal_ignoring_case(rule, failure.error)) return true;
    if (rule == std::to_string(failure.status)) return true;
    const auto word = base::to_lower(rule), said = base::to_lower(failure.description);
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    for (auto at = said.find(word); at != std::string::npos; at = said.find(word, at + 1)) {
        const auto end = at + word.size();
        if ((at == 0 || !letter(said[at - 1])) && (end == said.size() || !letter(said[end]))) return true;
    }
    return false;
}

bool any_matches(const Scopes& rules, const TokenFailure& failure) {
    return std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return matches(rule, failure); });
}

FailureClass class_of_unsent(const base::Error& error) {
    switch (error.code) {
        case ErrorCode::invalid_input:
        case ErrorCode::usage:
        case ErrorCode::unsupported: return FailureClass::configuration;
        case ErrorCode::denied:
        case ErrorCode::address_refused:
        case ErrorCode::suspended: return FailureClass::policy;
        default: return FailureClass::transient;
    }
}

FailureClass class_of_refusal(const TokenFailure& failure) {
    const bool answered = failure.status == 400 || failure.status == 401;
    if (answered && failure.error == "invalid_grant") return FailureClass::terminal;
    constexpr std::array<std::string_view, 8> kConfiguration{
        "invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type",
        "invalid_scope",  "invalid_target",      "invalid_dpop_proof", "unsupported_token_type"};
    const bool ours = std::find(kConfiguration.begin(), kConfiguration.end(), failure.error) != kConfiguration.end();
    return ours ? FailureClass::configuration : FailureClass::transient;
}

}  // namespace

base::Result<oauth::TokenRequest> renewal_request(const provider::ProviderDefinition& definition,
                                                  const Connection& connection, oauth::Client client) {
    if (!definition.oauth2)
        return base::fail(ErrorCode::invalid_input, fmt::format("the definition of {} has no oauth block", definition.name));
    const auto& oauth = *definition.oauth2;
    const bool by_access = oauth.refresh.token == "access_token";
    const auto& token = by_access ? connection.access_token : connection.refresh_token;
    if (token.empty()) return base::fail(nothing_to_refresh(connection, by_access ? "access token" : "refresh token"));
    const auto fields = RequestFields::of(definition, connection);
    TRY(endpoint, renewal_endpoint(oauth, fields, connection));
    TRY(sender, authenticated(std::move(client), oauth.refresh));
    TRY(request, refresh_request(definition, fields, std::move(endpoint), std::move(sender)));
    request.grant_type = oauth.refresh.grant_type;
    request.grant.emplace_back("refresh_token", token.duplicate());
    TRY(resource, resource_parameter(oauth, connection.variables));
    if (!resource.empty()) request.grant.emplace_back("resource", base::Secret(resource));
    request.dpop_key = connection.dpop_key.duplicate();
    if (!oauth.refresh.method.empty()) request.options.method = oauth.refresh.method;
    if (const auto format = oauth.refresh.content_type) set_format(oauth, *format, request.options);
    request.options.access_token_optional = oauth.refresh.mode == "extend";
    return request;
}

void take_tokens(const provider::ProviderDefinition& definition, oauth::TokenResponse token, Connection& connection,
                 base::Instant now) {
    connection.expires_at.reset();
    connection.refresh_expires_at.reset();
    connection.refresh_end_fixed = false;
    take_ends(*definition.oauth2, token, connection, now);
    connection.granted_scopes = std::move(token.scope);
    connection.access_token = std::move(token.access_token);
    connection.refresh_token = std::move(token.refresh_token);
    connection.token_type = std::move(token.token_type);
    connection.captured = std::move(token.captured);
    adopt_captured(definition, connection);
}

base::Result<void> take_renewal(const provider::ProviderDefinition& definition, oauth::TokenResponse token,
                                Connection& connection, base::Instant now) {
    const auto& refresh = definition.oauth2->refresh;
    if (token.access_token.empty() && refresh.mode != "extend")
        return base::fail(ErrorCode::protocol, "the token endpoint answered without a usable access token");
    if (token.refresh_token.empty() && refresh.rotation == "always")
        return base::fail(ErrorCode::protocol, "the token endpoint answered without a new refresh token",
                          "set refresh.rotation in the definition to auto if the old one stays good");
    take_ends(*definition.oauth2, token, connection, now);
    narrow_scopes(connection, token.scope);
    if (!token.access_token.empty()) {
        connection.access_token = std::move(token.access_token);
        // Bound at the login, bound for good: a server that answers otherwise gets proofs all the same (RFC 9449, OA-22).
        if (connection.dpop_key.empty()) connection.token_type = std::move(token.token_type);
    }
    if (!token.refresh_token.empty()) connection.refresh_token = std::move(token.refresh_token);
    for (auto& [name, value] : token.captured) connection.captured.insert_or_assign(name, std::move(value));
    adopt_captured(definition, connection);
    connection.login_needed = false;
    connection.login_reason.clear();
    connection.last_refresh_failure.reset();
    connection.refresh_failures = 0;
    return {};
}

FailureClass classify(const provider::ProviderDefinition& definition, const oauth::TokenFailure& failure) {
    using Kind = TokenFailure::Kind;
    const bool answered = failure.kind == Kind::unavailable || failure.kind == Kind::refused;
    if (answered && definition.oauth2) {
        const auto& errors = definition.oauth2->errors;
        if (any_matches(errors.terminal, failure)) return FailureClass::terminal;
        if (any_matches(errors.config, failure)) return FailureClass::configuration;
        if (any_matches(errors.transient, failure)) return FailureClass::transient;
    }
    if (failure.kind == Kind::not_sent) return class_of_unsent(failure.shown);
    if (failure.kind == Kind::refused) return class_of_refusal(failure);
    // The server renews, but what it gives cannot be used: asking soon only spends one more refresh token.
    if (failure.kind == Kind::broken && !failure.refresh_token.empty()) return FailureClass::configuration;
    return FailureClass::transient;
}

}  // namespace claviger::connection
