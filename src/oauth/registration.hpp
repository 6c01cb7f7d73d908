// Dynamic client registration, RFC 7591. The answer is what counts: method, secret and redirect URIs are taken as
// registered (OA-16). Thread rule: on the Loop's thread; the readers are pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "oauth/types.hpp"

namespace claviger::oauth {

struct RegistrationRequest {
    net::Url endpoint;
    std::string client_name, redirect_uri;  // without a redirect URI: without the authorization code grant
    std::vector<std::string> scopes;
    ClientAuthentication authentication = ClientAuthentication::none;  // what is asked for
    base::Secret private_key{};  // JWK, P-256, with private_key_jwt: its public part is registered
    bool device_code = false;    // for the device authorization grant too (RFC 8628)
    bool for_device = false;     // that grant is what is wanted now: an answer without it is no use, one without redirect URI is
    bool redirect_optional = false;  // a server that refuses is asked once more, without the redirect URI
    Parameters rename{};         // names of the protocol's members -> this server's; an empty one leaves the member out
};

struct Registration {
    Client client;
    base::Secret registration_access_token;   // empty when the server gives none
    std::string registration_client_uri;      // of the endpoint's origin, else empty (RFC 7592)
    std::string redirect_uri;                 // the one asked for, if it is registered
    std::optional<base::Instant> secret_expires_at;
};

std::string_view to_string(ClientAuthentication method);
std::optional<ClientAuthentication> client_authentication_from(std::string_view text);

// The method to ask for: public where the server allows it (RFC 8252 section 8.4), else the first that both know; a key of
// our own before an assertion by a shared secret, since it never leaves this machine.
// An empty list means that the server's metadata does not say.
base::Result<ClientAuthentication> choose_authentication(const std::vector<std::string>& supported);

base::Result<http::Request> registration_http_request(const RegistrationRequest& request);
base::Result<Registration> read_registration(const http::Response& response, const RegistrationRequest& request);
net::Task<base::Result<Registration>> register_client(http::Client& http, RegistrationRequest request);

}  // namespace claviger::oauth
