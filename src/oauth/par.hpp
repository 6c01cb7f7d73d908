// Pushed authorization requests (RFC 9126, OA-24): the parameters go to the server directly, by an authenticated client;
// the browser carries only a reference to them. Thread rule: on the Loop's thread.
#pragma once

#include "oauth/authorize.hpp"
#include "oauth/token.hpp"

namespace claviger::oauth {

struct PushedAuthorization {
    net::Url endpoint;
    AuthorizationRequest authorization;
    Client client;
    base::Secret dpop_key;  // as in TokenRequest
    Signing signing{};
};

// The URL to send the human to; its request_uri is good for one authorization. Errors as of authorization_url and of a
// token request: authorization_failed with the server's words, cleaned; protocol when it gives no request_uri.
net::Task<base::Result<net::Url>> push_authorization(http::Client& http, PushedAuthorization request);

}  // namespace claviger::oauth
