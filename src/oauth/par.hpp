// Pushed authorization requests (RFC 9126, OA-24): the parameters go to the server directly, by an authenticated client;
// the browser carries only a reference to them. Thread rule: on the Loop's thread.
#pragma once

#include "oauth/authorize.hpp"
#include "oauth/token.hpp"

namespace claviger::oauth {

struct PushedAuthorization {
    AuthorizationRequest authorization;
    TokenRequest request;  // endpoint and client, as for a token request: no grant_type, no parameters; `rename` has the client's alone
};

// The URL to send the human to; its request_uri is good for one authorization. Errors as of authorization_url and of a
// token request: authorization_failed with the server's words, cleaned; protocol when it gives no request_uri.
net::Task<base::Result<net::Url>> push_authorization(http::Client& http, PushedAuthorization pushed);

}  // namespace claviger::oauth
