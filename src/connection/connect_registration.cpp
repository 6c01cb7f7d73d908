#include <algorithm>

#include "connection/attempt.hpp"
#include "connection/client_of.hpp"
#include "connection/token_options.hpp"
#include "crypto/jwk.hpp"
#include "oauth/device.hpp"
#include "oauth/registration.hpp"

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

}  // namespace

net::Task<base::Result<ReadyClient>> register_new_client(Attempt& attempt, const Endpoints& endpoints,
                                                         std::string redirect_uri) {
    const auto& oauth = *attempt.definition.oauth2;
    const bool by_device = attempt.flow == provider::Flow::device_code;
    // One client for every flow that this definition can have, so that no flow takes another's client away.
    if (by_device && endpoints.authorization) redirect_uri = kRedirectUri;
    CO_TRY(method, method_to_ask_for(oauth, endpoints.authentication_methods));
    oauth::RegistrationRequest request{*endpoints.registration, "Claviger (" + attempt.definition.name + ")",
                                       redirect_uri, scopes_to_register(attempt), method};
    request.device_code = by_device || oauth.supports_device_code || !oauth.device_authorization_url.empty();
    request.for_device = by_device;
    request.rename = renames_of(oauth, "register");
    if (method == ClientAuthentication::private_key_jwt) {
        CO_TRY(key, crypto::Jwk::generate_p256());
        CO_TRY(text, key.private_json());
        request.private_key = std::move(text);
    }
    auto registered = co_await oauth::register_client(attempt.with.http, std::move(request));
    if (!registered) co_return base::fail(registered.error());

    ClientRecord record;
    record.provider = attempt.definition.name;
    record.origin = endpoints.token.origin();
    record.client_id = registered->client.client_id;
    record.client_secret = registered->client.client_secret.duplicate();
    record.private_key = registered->client.private_key.duplicate();
    record.key_id = registered->client.assertion.key_id;
    record.authentication = std::string(oauth::to_string(registered->client.authentication));
    record.dynamically_registered = true;
    record.registration_access_token = std::move(registered->registration_access_token);
    record.registration_client_uri = std::move(registered->registration_client_uri);
    record.secret_expires_at = registered->secret_expires_at;
    record.redirect_uri = redirect_uri;
    ReadyClient ready;
    const auto token = endpoints.token.text();
    const AssertionAudience audience{endpoints.issuer, token};
    CO_TRY(client, client_of(record, attempt.definition, attempt.variables, audience));
    ready.client = std::move(client);
    ready.to_save = std::move(record);
    co_return ready;
}

}  // namespace claviger::connection
