#include "connection/revoke.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/client_of.hpp"
#include "connection/request_fields.hpp"
#include "connection/secret_variables.hpp"
#include "connection/token_options.hpp"
#include "provider/expand.hpp"
#include "provider/template_text.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using oauth::Revoked;
using oauth::RevocationOutcome;

struct Live {  // one token to be revoked, in order
    std::string_view name;
    const base::Secret* value;
};

std::vector<Live> live_tokens(const provider::RevokeQuirk& quirk, const Connection& connection, base::Instant now) {
    std::vector<Live> tokens;
    const bool expired = connection.expires_at && *connection.expires_at <= now;
    if (!connection.refresh_token.empty() && quirk.order != "access_only") tokens.push_back({"refresh_token", &connection.refresh_token});
    const bool access = !connection.access_token.empty() && !expired && quirk.order != "refresh_only";
    if (access) tokens.push_back({"access_token", &connection.access_token});
    if (quirk.order == "access_first") std::reverse(tokens.begin(), tokens.end());
    return tokens;
}

// The endpoint as a template of the definition, or the URL that the metadata named at the login; empty: there is none.
std::string place_of(const provider::OAuth2& oauth, const Connection& connection) {
    if (!oauth.revoke.url.empty()) return oauth.revoke.url;
    if (!oauth.revocation_url.empty()) return oauth.revocation_url;
    return connection.revocation_endpoint;
}

// A place that the metadata alone names, and that is not where the tokens came from: a client's secret is not for it (OA-27).
bool elsewhere(const provider::OAuth2& oauth, const Connection& connection) {
    if (!oauth.revoke.url.empty() || !oauth.revocation_url.empty()) return false;
    const auto place = net::Url::parse(connection.revocation_endpoint), token = net::Url::parse(connection.token_endpoint);
    return !place || !token || place->origin() != token->origin();
}

bool has_credentials(const oauth::Client& client) {
    return client.authentication != oauth::ClientAuthentication::none || !client.client_secret.empty();
}

constexpr std::string_view kInUrl = "{token}";

// A captured value counts here only under a rule of the definition: the refresh token goes there (RequestFields::url_values).
base::Result<net::Url> endpoint_of(const provider::ProviderDefinition& definition, const Connection& connection, const base::Secret& token) {
    const auto place = place_of(*definition.oauth2, connection);
    TRY(values, RequestFields::of(definition, connection).url_values());
    if (place.find(kInUrl) != std::string::npos) values["token"] = std::string(token.reveal());
    return provider::expand_url(place, values);
}

bool names_the_token(std::string_view text) {
    const auto names = provider::fields_in(text);
    return std::any_of(names.begin(), names.end(), [](const auto& name) { return name == "token" || name == "access_token" || name == "refresh_token"; });
}

// Where the definition says itself how the token is given, the parameters of RFC 7009 stay out.
bool says_where_the_token_is(const provider::OAuth2& oauth) {
    const auto& quirk = oauth.revoke;
    if (quirk.url.find(kInUrl) != std::string::npos) return true;
    if (std::any_of(quirk.params.begin(), quirk.params.end(), [](const auto& pair) { return names_the_token(pair.second); })) return true;
    return quirk.auth == "bearer" && quirk.params.empty() && !oauth.rename.contains("revoke");
}

struct Fields {  // {{names}} of revoke.params
    const Connection& connection;
    const oauth::Client& client;
    const Live& token;
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const {
        if (name == "token") return token.value->reveal();
        if (name == "token_type_hint") return token.name;
        if (name == "access_token") return connection.access_token.reveal();
        if (name == "refresh_token") return connection.refresh_token.reveal();
        if (name == "client_id") return client.client_id;
        if (name == "client_secret") return client.client_secret.reveal();
        if (const auto value = connection.variables.find(std::string(name)); value != connection.variables.end()) return value->second;
        if (const auto value = connection.captured.find(std::string(name)); value != connection.captured.end()) return value->second;
        return std::nullopt;
    }
};

base::Result<void> add_parameters(const provider::ProviderDefinition& definition, const Fields& fields, oauth::TokenRequest& message) {
    const auto& oauth = *definition.oauth2;
    if (!says_where_the_token_is(oauth)) {
        message.grant.emplace_back("token", fields.token.value->duplicate());
        message.grant.emplace_back("token_type_hint", base::Secret(fields.token.name));
    }
    for (const auto& [name, text] : oauth.revoke.params) {
        TRY(value, provider::render_text(text, definition.name, [&fields](std::string_view field) { return fields.find(field); }));
        if (!value.empty()) message.grant.emplace_back(name, std::move(value));
    }
    return {};
}

// revoke.auth overrides how the client authenticates; "bearer" is the access token instead of the client.
base::Result<void> authenticate(const provider::RevokeQuirk& quirk, const Connection& connection, oauth::TokenRequest& request) {
    if (quirk.auth.empty()) return {};
    if (quirk.auth == "bearer" || quirk.auth == "none") {
        request.client = {};
        request.basic.reset();
        request.sign = nullptr;
        if (quirk.auth == "none") return {};
        if (connection.access_token.empty()) return base::fail(ErrorCode::invalid_input, "there is no access token to ask with");
        request.bearer = connection.access_token.duplicate();
        return {};
    }
    if (request.client.client_secret.empty()) return base::fail(ErrorCode::invalid_input, "the client has no secret to authenticate with");
    request.client.authentication = quirk.auth == "client_secret_basic" ? oauth::ClientAuthentication::client_secret_basic
                                                                        : oauth::ClientAuthentication::client_secret_post;
    return {};
}

base::Result<oauth::TokenRequest> request_for(RevokeParts with, const provider::ProviderDefinition& definition, const Connection& connection,
                                                   const oauth::Client& client, const Live& token) {
    TRY(endpoint, endpoint_of(definition, connection, *token.value));
    TRY(request, revoke_request(definition, RequestFields::of(definition, connection), std::move(endpoint), client.duplicate()));
    request.signing = {&with.clock, &with.random};
    TRY_VOID(add_parameters(definition, Fields{connection, client, token}, request));
    TRY_VOID(authenticate(definition.oauth2->revoke, connection, request));
    return request;
}

// Without a record (it was removed) the tokens can still be those of a public client.
base::Result<oauth::Client> client_for(const provider::ProviderDefinition& definition, const Connection& connection,
                                       const ClientRecord* record) {
    if (record != nullptr) return client_of(*record, definition, connection);
    oauth::Client client;
    client.client_id = connection.client_id;
    return client;
}

RevokedToken not_a_token(const provider::ProviderDefinition& definition) {
    std::string what = "credential";
    if (definition.auth_type == provider::AuthType::api_key) what = "api_key";
    if (definition.auth_type == provider::AuthType::basic) what = "password";
    if (definition.auth_type == provider::AuthType::oauth1) what = "access_token";
    return {std::move(what), {Revoked::unsupported, "it stays valid until it is deleted at the provider"}};
}

}  // namespace

net::Task<std::vector<RevokedToken>> revoke_at_provider(RevokeParts with, const provider::ProviderDefinition& definition,
                                                        const Connection& connection, const ClientRecord* client) {
    std::vector<RevokedToken> results;
    if (!definition.oauth2) {
        if (!connection.fields.empty() || !connection.access_token.empty()) results.push_back(not_a_token(definition));
        co_return results;
    }
    const auto& oauth = *definition.oauth2;
    const auto tokens = live_tokens(oauth.revoke, connection, with.clock.now());
    const bool known = !place_of(oauth, connection).empty();
    const auto ready = client_for(definition, connection, client);
    const auto hidden = secret_variables(definition, connection);
    for (const auto& token : tokens) {
        RevokedToken result{std::string(token.name), {}};
        if (!known) {
            result.outcome = {Revoked::unsupported, "the provider publishes no way to revoke it"};
        } else if (!ready) {
            result.outcome = {Revoked::refused, "not sent: " + ready.error().describe()};
        } else if (has_credentials(*ready) && elsewhere(oauth, connection)) {
            result.outcome = {Revoked::unsupported, "not sent: the revocation endpoint that the provider publishes is at another origin than its token "
                                                    "endpoint, which the client's secret is not for; oauth.revocation_url in the definition would allow it"};
        } else if (auto request = request_for(with, definition, connection, *ready, token); !request) {
            result.outcome = {Revoked::refused, "not sent: " + request.error().describe()};
        } else {
            auto outcome = co_await oauth::revoke_token(with.http, std::move(*request));
            result.outcome = std::move(outcome);
        }
        result.outcome.why = hidden.masked(result.outcome.why);
        results.push_back(std::move(result));
    }
    co_return results;
}

}  // namespace claviger::connection
