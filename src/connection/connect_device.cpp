#include <functional>
#include <utility>

#include "connection/attempt.hpp"
#include "connection/flow_choice.hpp"
#include "connection/form_fields.hpp"
#include "connection/introspected_end.hpp"
#include "connection/request_fields.hpp"
#include "connection/token_options.hpp"
#include "oauth/device.hpp"
#include "oauth/poll_schedule.hpp"

namespace claviger::connection {
namespace {

base::Result<oauth::TokenRequest> authorization_request(const Attempt& attempt, const Endpoints& endpoints,
                                                        const oauth::Client& client) {
    const auto& oauth = *attempt.definition.oauth2;
    const auto& endpoint = *endpoints.device_authorization;
    const std::map<std::string, std::string> captured;
    RequestFields fields(attempt.definition, attempt.variables, captured);
    fields.set("client_id", client.client_id);
    fields.set("scope", joined_scopes(oauth, attempt.scopes));
    TRY(request, device_request(attempt.definition, fields, endpoint, client.duplicate()));
    // The secret is the token endpoint's origin's alone (OA-27), and so is what it signs.
    if (endpoint.origin() != endpoints.token.origin()) {
        request.client = {};
        request.client.client_id = client.client_id;
        request.basic.reset();
        request.sign = nullptr;
        request.options.extra_headers.clear();
    }
    request.signing = {&attempt.with.connections.clock(), &attempt.with.random};
    if (!attempt.scopes.empty())
        request.grant.emplace_back(oauth.scope_param, base::Secret(joined_scopes(oauth, attempt.scopes)));
    TRY(resource, resource_parameter(oauth, attempt.variables));
    if (!resource.empty()) request.grant.emplace_back("resource", base::Secret(resource));
    if (!oauth.audience.empty()) request.grant.emplace_back("audience", base::Secret(oauth.audience));
    return request;
}

// RFC 8628 section 3.4, or the definition's JSON dialect: the code and nothing of a grant.
base::Result<oauth::TokenRequest> poll_request(const Attempt& attempt, const Endpoints& endpoints,
                                               const oauth::Client& client, const base::Secret& device_code) {
    const auto& oauth = *attempt.definition.oauth2;
    const std::map<std::string, std::string> captured;
    RequestFields fields(attempt.definition, attempt.variables, captured);
    fields.set("client_id", client.client_id);
    fields.set("scope", joined_scopes(oauth, attempt.scopes));
    TRY(request, token_request(attempt.definition, fields, endpoints.token, client.duplicate()));
    if (oauth.device_token_request == "json") {
        request.options.json_body = true;
    } else {
        request.grant_type = oauth::kDeviceCodeGrant;
    }
    request.grant.emplace_back("device_code", device_code.duplicate());
    TRY(resource, resource_parameter(oauth, attempt.variables));
    if (!resource.empty()) request.grant.emplace_back("resource", base::Secret(resource));
    request.dpop_key = attempt.dpop_key.duplicate();
    request.signing = {&attempt.with.connections.clock(), &attempt.with.random};
    return request;
}

// A device is asked for no secret, but some services want one all the same.
base::Error with_secret_hint(const Attempt& attempt, const ReadyClient& client, base::Error error) {
    const auto says = [&](std::string_view word) { return error.message.find(word) != std::string::npos; };
    const bool known = client.client.authentication != oauth::ClientAuthentication::none;
    if (known || (!says("invalid_client") && !says("client_secret")))
        return with_client_hint(attempt, client, std::move(error));
    error.hint = "check the client id; if the service wants the client secret for device logins too, write "
                 "\"token_auth_method\": \"client_secret_post\" into its definition, and it is asked for";
    return error;
}

}  // namespace

// Flow device_code: the code is shown, and the human approves it wherever there is a browser. Lasts as long as the code
// does; no listener is needed on this machine.
net::Task<base::Result<ConnectOutcome>> connect_by_device_code(Attempt& attempt) {
    auto endpoints = co_await find_endpoints(attempt);
    if (!endpoints) co_return base::fail(endpoints.error());
    ReadyClient client;
    const auto& oauth = *attempt.definition.oauth2;
    if (registers_client(oauth, attempt.flow) || !client_fields(oauth, attempt.flow).empty()) {
        auto ready = co_await ready_client(attempt, *endpoints, std::string());
        if (!ready) co_return base::fail(ready.error());
        client = std::move(*ready);
    }
    CO_TRY(asked, authorization_request(attempt, *endpoints, client.client));
    auto authorization = co_await oauth::authorize_device(attempt.with.http, std::move(asked));
    if (!authorization) co_return base::fail(with_secret_hint(attempt, client, authorization.error()));

    auto waiting = oauth::waiting_on(attempt.with.loop);
    const oauth::PollSchedule schedule(authorization->interval, authorization->expires_in, waiting.now());
    DeviceCode shown{authorization->user_code, authorization->verification_uri, authorization->verification_uri_complete,
                     schedule.end()};
    co_await attempt.with.dialog.show_device_code(std::move(shown));
    const auto& sender = client.client;
    std::function<base::Result<oauth::TokenRequest>()> poll = [&] {
        return poll_request(attempt, *endpoints, sender, authorization->device_code);
    };
    auto token = co_await oauth::await_device_token(attempt.with.http, std::move(waiting), schedule, std::move(poll));
    if (!token) co_return base::fail(with_secret_hint(attempt, client, token.error()));

    CO_TRY_VOID(check_binding(attempt, token->token_type));
    auto id_token = token->id_token.duplicate();
    std::string nonce;  // RFC 8628 sends none
    const bool endless = wants_introspection(attempt.definition, *token, attempt.with.connections.clock().now());
    auto outcome = outcome_of(attempt, *endpoints, client.client, std::move(*token));
    auto stored = co_await store_tokens(attempt, outcome.connection, client.to_save);
    if (!stored) co_return base::fail(std::move(stored).error());
    co_await learn_end(attempt, client.client, endless, outcome);
    co_await ask_steps_of(attempt, client.client, outcome);
    // Over the network, and only now: a human who does not wait for it keeps the grant.
    auto claims = co_await verified_claims(attempt, *endpoints, client.client, std::move(id_token), std::move(nonce), outcome.warnings);
    outcome.id_claims = std::move(claims);
    co_return outcome;
}

}  // namespace claviger::connection
