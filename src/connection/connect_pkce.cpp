#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/attempt.hpp"
#include "connection/flow_choice.hpp"
#include "connection/form_fields.hpp"
#include "connection/introspected_end.hpp"
#include "connection/jwt_claims.hpp"
#include "connection/renewal.hpp"
#include "connection/request_fields.hpp"
#include "connection/scopes.hpp"
#include "connection/token_options.hpp"
#include "oauth/authorize.hpp"
#include "oauth/dpop.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/par.hpp"
#include "oauth/pkce.hpp"
#include "oauth/registration.hpp"
#include "oauth/token.hpp"
#include "provider/expand.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;

struct Leg {  // what the authorization request fixes for the token request
    std::string redirect_uri;
    std::string resource;  // RFC 8707, the same in both requests (OA-21)
    oauth::Pkce pkce;
    base::Secret state;
    std::string nonce;     // of OpenID Connect; empty where no ID token is asked for
};

base::Result<oauth::AuthorizationRequest> authorization_request(const Attempt& attempt, const Endpoints& endpoints,
                                                                const oauth::Client& client, const Leg& leg) {
    const auto& oauth = *attempt.definition.oauth2;
    oauth::AuthorizationRequest request;
    request.endpoint = *endpoints.authorization;
    request.client_id = client.client_id;
    request.redirect_uri = leg.redirect_uri;
    request.state = leg.state.duplicate();
    request.scopes = attempt.scopes;
    request.scope_param = oauth.scope_param;
    request.scope_separator = oauth.scope_separator;
    if (oauth.pkce) request.code_challenge = leg.pkce.challenge;
    request.resource = leg.resource;
    const std::map<std::string, std::string> captured;
    RequestFields fields(attempt.definition, attempt.variables, captured);
    fields.set("client_id", client.client_id);
    fields.set("redirect_uri", leg.redirect_uri);
    fields.set("scope", joined_scopes(oauth, attempt.scopes));
    TRY(extra, fields.parameters(oauth.authorization_params));
    request.extra = std::move(extra);
    if (!oauth.audience.empty()) request.extra.emplace_back("audience", oauth.audience);
    request.rename = renames_of(oauth, "authorize");
    request.nonce = leg.nonce;
    if (attempt.dpop_key.empty()) return request;
    TRY(thumbprint, oauth::dpop_thumbprint(attempt.dpop_key));
    request.dpop_jkt = std::move(thumbprint);
    return request;
}

oauth::Signing signing_of(const Attempt& attempt) { return {&attempt.with.connections.clock(), &attempt.with.random}; }

// The client's credentials are the token endpoint's origin's alone (OA-27); another place gets them by the definition's word.
base::Result<void> check_pushing(const Attempt& attempt, const Endpoints& endpoints, const oauth::Client& client) {
    if (!attempt.definition.oauth2->pushed_authorization_url.empty()) return {};
    const auto& oauth = *attempt.definition.oauth2;
    if (client.authentication == oauth::ClientAuthentication::none && !oauth.token_signature && oauth.token_headers.empty()) return {};
    const auto& place = *endpoints.pushed_authorization;
    if (place.origin() == endpoints.token.origin()) return {};
    return base::fail(ErrorCode::authorization_failed,
                      fmt::format("the server requires pushed authorization requests at {}, which is another origin than its token endpoint's, so the "
                                  "client's credentials are not sent there", place.redacted()),
                      fmt::format("if that is right, write oauth.pushed_authorization_url into the definition of {}", attempt.definition.name));
}

base::Result<oauth::TokenRequest> push_request(const Attempt& attempt, const Endpoints& endpoints, const oauth::Client& client) {
    const std::map<std::string, std::string> captured;
    RequestFields fields(attempt.definition, attempt.variables, captured);
    fields.set("client_id", client.client_id);
    fields.set("scope", joined_scopes(*attempt.definition.oauth2, attempt.scopes));
    TRY(request, client_request(attempt.definition, fields, *endpoints.pushed_authorization, client.duplicate()));
    request.dpop_key = attempt.dpop_key.duplicate();
    request.signing = signing_of(attempt);
    return request;
}

net::Task<base::Result<net::Url>> authorization_link(Attempt& attempt, const Endpoints& endpoints,
                                                     const oauth::Client& client, const Leg& leg) {
    CO_TRY(request, authorization_request(attempt, endpoints, client, leg));
    if (!endpoints.pushed_authorization) co_return oauth::authorization_url(request);
    CO_TRY_VOID(check_pushing(attempt, endpoints, client));
    CO_TRY(push, push_request(attempt, endpoints, client));
    oauth::PushedAuthorization pushed{std::move(request), std::move(push)};
    auto link = co_await oauth::push_authorization(attempt.with.http, std::move(pushed));
    co_return link;
}

// Where the code does not come back with the browser, the human brings it: neither `state` nor `iss` comes with it.
net::Task<base::Result<oauth::AuthorizationGrant>> entered_code(Attempt& attempt, net::Url link) {
    FormField field;
    field.name = "code";
    field.label = "Code";
    field.secret = true;
    auto form = form_for(attempt.definition);
    form.intro = "The code does not come back by itself: open the page, and enter the code that it leads to.";
    form.guide = {};
    form.guide.steps.push_back({"open this page and approve there", link.text()});
    form.fields = {field};
    FormCheck check = [field](const Answers& answers) {
        std::map<std::string, std::string> wrong;
        if (auto message = complaint(field, trimmed_answer(answers, field.name)); !message.empty()) wrong.emplace(field.name, std::move(message));
        return wrong;
    };
    auto answers = co_await ask_checked(attempt, std::move(form), std::move(check));
    if (!answers) co_return base::fail(answers.error());
    oauth::AuthorizationGrant grant;
    grant.code = base::Secret(trimmed_answer(*answers, field.name));
    co_return grant;
}

net::Task<base::Result<oauth::AuthorizationGrant>> authorize(Attempt& attempt, const Endpoints& endpoints,
                                                             const oauth::Client& client, const Leg& leg) {
    auto link = co_await authorization_link(attempt, endpoints, client, leg);
    if (!link) co_return base::fail(link.error());
    const auto& oauth = *attempt.definition.oauth2;
    if (!oauth.pkce) attempt.with.dialog.say("note: the definition switches PKCE off for this provider");
    auto state = leg.state.duplicate();
    const auto deadline = net::in(kFlowLifetime);
    auto* recorder = attempt.with.recorder;
    if (recorder != nullptr) recorder->sent_to_browser(*link);
    if (oauth.callback.code_entry) {
        auto grant = co_await entered_code(attempt, std::move(*link));
        if (grant && recorder != nullptr) recorder->browser_returned({});
        co_return grant;
    }
    auto response =
        co_await attempt.with.dialog.authorize(std::move(*link), oauth.callback.state_param, std::move(state), deadline);
    if (!response) co_return base::fail(response.error());
    if (recorder != nullptr) recorder->browser_returned(response->parameters);
    const oauth::ResponseRules rules{endpoints.issuer, endpoints.iss_required, oauth.callback.code_param,
                                     oauth.callback.capture};
    co_return oauth::read_authorization_response(response->parameters, rules);
}

net::Task<base::Result<oauth::TokenResponse>> exchange(Attempt& attempt, const Endpoints& endpoints,
                                                       const oauth::Client& client, const Leg& leg,
                                                       oauth::AuthorizationGrant grant) {
    const auto& oauth = *attempt.definition.oauth2;
    RequestFields fields(attempt.definition, attempt.variables, grant.captured);
    fields.set("state", std::string(leg.state.reveal()));
    fields.set("client_id", client.client_id);
    fields.set("redirect_uri", leg.redirect_uri);
    fields.set("scope", joined_scopes(oauth, attempt.scopes));
    auto sender = client.duplicate();
    CO_TRY(request, token_request(attempt.definition, fields, endpoints.token, std::move(sender)));
    request.grant_type = "authorization_code";
    request.grant.emplace_back("code", std::move(grant.code));
    request.grant.emplace_back("redirect_uri", base::Secret(leg.redirect_uri));
    if (oauth.pkce) request.grant.emplace_back("code_verifier", leg.pkce.verifier.duplicate());
    if (!leg.resource.empty()) request.grant.emplace_back("resource", base::Secret(leg.resource));
    request.dpop_key = attempt.dpop_key.duplicate();
    request.signing = signing_of(attempt);
    auto token = co_await oauth::request_token(attempt.with.http, std::move(request));
    co_return token;
}

// Some services tell only in the callback on which of their hosts the account lives: the code goes there, and the client
// with it, since the definition bounds these hosts as one service (OA-27).
base::Result<std::optional<net::Url>> moved_token_endpoint(const Attempt& attempt, const oauth::AuthorizationGrant& grant,
                                                           const Endpoints& endpoints) {
    const auto& token_url = attempt.definition.oauth2->token_url;
    if (grant.captured.empty() || token_url.empty()) return std::optional<net::Url>();
    TRY(values, RequestFields(attempt.definition, attempt.variables, grant.captured).url_values());
    if (values == attempt.variables) return std::optional<net::Url>();
    TRY(endpoint, provider::expand_url(token_url, values));
    TRY_VOID(oauth::check_endpoint(endpoint, "token URL"));
    if (endpoint == endpoints.token) return std::optional<net::Url>();
    return std::optional(std::move(endpoint));
}

// What one trip of the human to the server brought.
struct Trip {
    oauth::TokenResponse token;
    net::Url token_endpoint;  // where it came from
    std::map<std::string, std::string> captured;
    std::string nonce;
};

// One authorization and its exchange, with a state, a verifier and a nonce of their own.
net::Task<base::Result<Trip>> obtain(Attempt& attempt, Endpoints endpoints, const oauth::Client& client, std::string redirect_uri,
                                        std::string resource) {
    Leg leg;
    leg.redirect_uri = std::move(redirect_uri);
    leg.resource = std::move(resource);
    leg.pkce = oauth::make_pkce(attempt.with.random);
    constexpr std::size_t kStateBytes = 32;
    leg.state = attempt.with.random.secret_token(kStateBytes);
    if (std::find(attempt.scopes.begin(), attempt.scopes.end(), "openid") != attempt.scopes.end())
        leg.nonce = attempt.with.random.token(kStateBytes);

    auto grant = co_await authorize(attempt, endpoints, client, leg);
    if (!grant) co_return base::fail(grant.error());
    CO_TRY(moved, moved_token_endpoint(attempt, *grant, endpoints));
    if (moved) {
        endpoints.token = std::move(*moved);
        if (attempt.with.recorder != nullptr) attempt.with.recorder->expect(endpoints.token, oauth::Step::Kind::token);
    }
    auto captured = grant->captured;
    auto token = co_await exchange(attempt, endpoints, client, leg, std::move(*grant));
    if (!token) co_return base::fail(token.error());
    co_return Trip{std::move(*token), std::move(endpoints.token), std::move(captured), std::move(leg.nonce)};
}

// Whether a client that registered itself (RFC 7591) is gone at the server: then only another one helps. One that a human
// entered is the human's to replace.
bool is_forgotten(const Attempt& attempt, const Endpoints& endpoints, const ReadyClient& client, const base::Error& error) {
    if (client.is_new || error.code != ErrorCode::authorization_failed || error.message.find("invalid_client") == std::string::npos) return false;
    if (!registers_client(*attempt.definition.oauth2, attempt.flow)) return false;
    const auto stored = attempt.with.connections.client(attempt.definition.name, endpoints.token.origin());
    return stored && *stored && (*stored)->dynamically_registered && (*stored)->client_id == client.client.client_id;
}

// A host that only the callback told has the client of the first one, for the refreshes that go there.
base::Result<void> add_client_of(const std::string& token_origin, const std::string& client_origin, const Attempt& attempt, std::vector<ClientRecord>& records) {
    if (token_origin == client_origin) return {};
    if (records.empty()) {
        TRY(stored, attempt.with.connections.client(attempt.definition.name, client_origin));
        if (!stored) return {};
        records.push_back(std::move(*stored));
    } else {
        records.push_back(records.front().duplicate());
    }
    records.back().origin = token_origin;
    return {};
}

}  // namespace

base::Error with_client_hint(const Attempt& attempt, const ReadyClient& client, base::Error error) {
    if (!client.is_new && !client.client.client_id.empty() && error.message.find("invalid_client") != std::string::npos)
        error.hint = fmt::format("the stored client id or secret is no longer accepted; enter another: claviger login {} --new-client", attempt.definition.name);
    return error;
}

ConnectOutcome outcome_of(const Attempt& attempt, const Endpoints& endpoints, const oauth::Client& client,
                          oauth::TokenResponse token) {
    ConnectOutcome outcome;
    auto& connection = outcome.connection;
    connection = new_connection(attempt);
    const bool has_id_token = !token.id_token.empty();
    take_tokens(attempt.definition, std::move(token), connection, connection.obtained_at);
    connection.client_id = client.client_id;
    connection.issuer = endpoints.issuer;
    connection.token_endpoint = endpoints.token.text();
    if (endpoints.authorization) connection.oauth_endpoints.push_back(endpoints.authorization->text());
    connection.oauth_endpoints.push_back(endpoints.token.text());
    for (const auto* other : {&endpoints.device_authorization, &endpoints.registration, &endpoints.pushed_authorization, &endpoints.jwks})
        if (*other) connection.oauth_endpoints.push_back((*other)->text());
    if (endpoints.revocation) connection.revocation_endpoint = endpoints.revocation->text();
    if (endpoints.userinfo) connection.userinfo_endpoint = endpoints.userinfo->text();
    outcome.warnings = fewer_scopes_warning(attempt.definition, connection, has_id_token);
    if (auto other = other_audience(attempt.definition, connection)) outcome.warnings.push_back(std::move(*other));
    return outcome;
}

// Flows pkce and dcr_pkce. One attempt is one set of endpoints; nothing of it is shared with another attempt, so two logins
// cannot be crossed (OA-05).
net::Task<base::Result<ConnectOutcome>> connect_by_authorization_code(Attempt& attempt) {
    auto endpoints = co_await find_endpoints(attempt);
    if (!endpoints) co_return base::fail(endpoints.error());
    CO_TRY(redirect_uri, attempt.with.dialog.redirect_uri());
    if (attempt.with.recorder != nullptr) attempt.with.recorder->transcript().redirect_uri = redirect_uri;
    CO_TRY(resource, resource_parameter(*attempt.definition.oauth2, attempt.variables));
    auto client = co_await ready_client(attempt, *endpoints, redirect_uri);
    if (!client) co_return base::fail(client.error());
    auto trip = co_await obtain(attempt, *endpoints, client->client, redirect_uri, resource);
    if (!trip && is_forgotten(attempt, *endpoints, *client, trip.error())) {
        attempt.with.dialog.say("The server no longer knows the client that was registered there: another one is registered. Approve once more in the browser.");
        client = co_await register_new_client(attempt, *endpoints, redirect_uri);
        if (!client) co_return base::fail(client.error());
        trip = co_await obtain(attempt, *endpoints, client->client, redirect_uri, resource);
    }
    if (!trip) co_return base::fail(with_client_hint(attempt, *client, trip.error()));

    const auto client_origin = endpoints->token.origin();
    endpoints->token = std::move(trip->token_endpoint);
    auto& token = trip->token;
    CO_TRY_VOID(check_binding(attempt, token.token_type));
    auto id_token = token.id_token.duplicate();
    const bool endless = wants_introspection(attempt.definition, token, attempt.with.connections.clock().now());
    auto outcome = outcome_of(attempt, *endpoints, client->client, std::move(token));
    outcome.connection.captured.merge(trip->captured);
    adopt_captured(attempt.definition, outcome.connection);
    CO_TRY_VOID(add_client_of(endpoints->token.origin(), client_origin, attempt, client->to_save));
    auto stored = co_await store_tokens(attempt, outcome.connection, client->to_save);
    if (!stored) co_return base::fail(std::move(stored).error());
    co_await learn_end(attempt, client->client, endless, outcome);
    co_await ask_steps_of(attempt, client->client, outcome);
    // Over the network, and only now: a human who does not wait for it keeps the grant.
    auto claims = co_await verified_claims(attempt, *endpoints, client->client, std::move(id_token), trip->nonce, outcome.warnings);
    outcome.id_claims = std::move(claims);
    co_return outcome;
}

}  // namespace claviger::connection
