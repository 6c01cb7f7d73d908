#include <algorithm>
#include <utility>

#include "connection/attempt.hpp"
#include "connection/client_of.hpp"
#include "connection/token_options.hpp"
#include "crypto/jwk.hpp"
#include "oauth/device.hpp"
#include "oauth/registration.hpp"
#include "oauth/revocation.hpp"
#include "oauth/transcript.hpp"

namespace claviger::connection {
namespace {

using oauth::ClientAuthentication;

// What the definition states wins over what the metadata offers.
base::Result<ClientAuthentication> method_to_ask_for(const provider::OAuth2& oauth,
                                                     const std::vector<std::string>& supported) {
    if (const auto stated = stated_method(oauth)) return *stated;
    return oauth::choose_authentication(supported);
}

// A server may limit a client to the scopes it was registered with, so the usual ones are registered as well.
std::vector<std::string> scopes_to_register(const Attempt& attempt) {
    auto scopes = attempt.scopes;
    for (const auto& scope : attempt.definition.oauth2->scopes)
        if (std::find(scopes.begin(), scopes.end(), scope) == scopes.end()) scopes.push_back(scope);
    return scopes;
}

// One client for every flow, so that no flow takes another's client away: a device's has the redirect URI too, unless the
// server will not have it and shows no page for browsers anyway.
base::Result<oauth::RegistrationRequest> request_for(const Attempt& attempt, const Endpoints& endpoints, std::string redirect_uri) {
    const auto& oauth = *attempt.definition.oauth2;
    const bool by_device = attempt.flow == provider::Flow::device_code;
    if (by_device) redirect_uri = kRedirectUri;
    TRY(method, method_to_ask_for(oauth, endpoints.authentication_methods));
    oauth::RegistrationRequest request{*endpoints.registration, "Claviger (" + attempt.definition.name + ")",
                                       std::move(redirect_uri), scopes_to_register(attempt), method};
    request.for_device = by_device;
    request.device_code = by_device || oauth.supports_device_code || !oauth.device_authorization_url.empty();
    request.redirect_optional = by_device && !endpoints.authorization;
    request.rename = renames_of(oauth, "register");
    if (method == ClientAuthentication::private_key_jwt) {
        TRY(key, crypto::Jwk::generate_p256());
        TRY(text, key.private_json());
        request.private_key = std::move(text);
    }
    return request;
}

ClientRecord record_of(const Attempt& attempt, const Endpoints& endpoints, oauth::Registration registered) {
    ClientRecord record;
    record.provider = attempt.definition.name;
    record.origin = endpoints.token.origin();
    record.client_id = registered.client.client_id;
    record.client_secret = std::move(registered.client.client_secret);
    record.private_key = std::move(registered.client.private_key);
    record.key_id = registered.client.assertion.key_id;
    record.authentication = std::string(oauth::to_string(registered.client.authentication));
    record.dynamically_registered = true;
    record.registration_access_token = std::move(registered.registration_access_token);
    record.registration_client_uri = std::move(registered.registration_client_uri);
    record.secret_expires_at = registered.secret_expires_at;
    record.redirect_uri = std::move(registered.redirect_uri);
    return record;
}

// Whether its place is taken by one that connections live by: what they have must last until there is something better.
base::Result<bool> must_wait(const Attempt& attempt, const ClientRecord& record) {
    auto& connections = attempt.with.connections;
    TRY(stored, connections.client(record.provider, record.origin));
    if (!stored) return false;
    return connections.client_in_use(record.provider, stored->client_id);
}

// Whether it is the one of new logins still.
bool chosen(Connections& connections, const ClientRecord& record) {
    const auto stored = connections.client(record.provider, record.origin);
    return !stored || (*stored && (*stored)->client_id == record.client_id);
}

// True: the server has deleted it, which no connection uses. When it is not known whether one does, nothing is sent.
net::Task<bool> delete_unused(Attempt& attempt, const ClientRecord& record) {
    auto& connections = attempt.with.connections;
    const auto used = connections.client_in_use(record.provider, record.client_id);
    auto uri = net::Url::parse(record.registration_client_uri);
    if (!used || *used || !uri || record.registration_access_token.empty()) co_return false;
    if (attempt.with.recorder != nullptr) attempt.with.recorder->stop();
    const auto outcome = co_await oauth::delete_client(attempt.with.http, std::move(*uri), record.registration_access_token.duplicate());
    attempt.with.log.info("connect.client_withdrawn", {{"provider", record.provider}, {"result", oauth::to_string(outcome.result)}});
    co_return outcome.result == oauth::Revoked::revoked;
}

// Unless a connection has come to use it meanwhile: its owner then learns from the server what happened.
void forget(Attempt& attempt, const ClientRecord& record) {
    const auto used = attempt.with.connections.client_in_use(record.provider, record.client_id);
    if (!used || *used) return;
    if (auto erased = attempt.with.connections.erase_client(record); !erased)
        attempt.with.log.warn("connect.client_not_erased", {{"provider", record.provider}, {"error", erased.error().message}});
}

}  // namespace

net::Task<base::Result<ReadyClient>> register_new_client(Attempt& attempt, const Endpoints& endpoints,
                                                         std::string redirect_uri) {
    CO_TRY(request, request_for(attempt, endpoints, std::move(redirect_uri)));
    auto registered = co_await oauth::register_client(attempt.with.http, std::move(request));
    if (!registered) co_return base::fail(registered.error());
    attempt.registered = record_of(attempt, endpoints, std::move(*registered));
    const auto& record = *attempt.registered;
    const auto token = endpoints.token.text();
    const AssertionAudience audience{endpoints.issuer, token};
    ReadyClient ready;
    ready.is_new = true;
    CO_TRY(client, client_of(record, attempt.definition, attempt.variables, audience));
    ready.client = std::move(client);
    CO_TRY(later, must_wait(attempt, record));
    if (later) ready.to_save.push_back(record.duplicate());
    else CO_TRY_VOID(attempt.with.connections.save_client(record));
    co_return ready;
}

net::Task<void> withdraw_registration(Attempt& attempt) {
    if (!attempt.registered) co_return;
    auto record = std::move(*attempt.registered);
    const bool deleted = co_await delete_unused(attempt, std::as_const(record));
    if (deleted && chosen(attempt.with.connections, record)) forget(attempt, record);
}

net::Task<void> withdraw_replaced(Attempt& attempt) {
    if (!attempt.replaced_client) co_return;
    auto& connections = attempt.with.connections;
    if (!attempt.replaced_client->dynamically_registered || chosen(connections, *attempt.replaced_client)) co_return;
    auto record = std::move(*attempt.replaced_client);
    const bool deleted = co_await delete_unused(attempt, std::as_const(record));
    if (deleted) forget(attempt, record);
}

}  // namespace claviger::connection
