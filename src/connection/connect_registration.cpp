#include <algorithm>

#include "connection/attempt.hpp"
#include "oauth/registration.hpp"

namespace claviger::connection {
namespace {

using oauth::ClientAuthentication;
using provider::TokenAuthMethod;

// What the definition states wins over what the metadata offers.
base::Result<ClientAuthentication> method_to_ask_for(const provider::OAuth2& oauth,
                                                     const std::vector<std::string>& supported) {
    if (oauth.token_auth_method == TokenAuthMethod::none) return ClientAuthentication::none;
    if (oauth.token_auth_method == TokenAuthMethod::client_secret_basic) return ClientAuthentication::client_secret_basic;
    if (oauth.token_auth_method == TokenAuthMethod::client_secret_post) return ClientAuthentication::client_secret_post;
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
    CO_TRY(method, method_to_ask_for(*attempt.definition.oauth2, endpoints.authentication_methods));
    oauth::RegistrationRequest request{*endpoints.registration, "Claviger (" + attempt.definition.name + ")",
                                       redirect_uri, scopes_to_register(attempt), method};
    auto registered = co_await oauth::register_client(attempt.with.http, std::move(request));
    if (!registered) co_return base::fail(registered.error());

    ClientRecord record;
    record.provider = attempt.definition.name;
    record.origin = endpoints.token.origin();
    record.client_id = registered->client.client_id;
    record.client_secret = registered->client.client_secret.duplicate();
    record.authentication = std::string(oauth::to_string(registered->client.authentication));
    record.dynamically_registered = true;
    record.registration_access_token = std::move(registered->registration_access_token);
    record.registration_client_uri = std::move(registered->registration_client_uri);
    record.secret_expires_at = registered->secret_expires_at;
    record.redirect_uri = redirect_uri;
    ReadyClient ready;
    ready.client = std::move(registered->client);
    ready.to_save = std::move(record);
    co_return ready;
}

}  // namespace claviger::connection
