// The token endpoint (RFC 6749 sections 2.3.1, 4.1.3, 5.1, 5.2): one request, one answer, no redirect (OA-08),
// exactly one way of client authentication (OA-14). Thread rule: on the Loop's thread; the readers are pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/client.hpp"
#include "oauth/types.hpp"

namespace claviger::oauth {

using SecretParameters = std::vector<std::pair<std::string, base::Secret>>;

struct TokenRequest {
    net::Url endpoint;
    Client client;
    std::string grant_type;
    SecretParameters grant;  // code, redirect_uri, code_verifier, resource ...
    TokenRequestOptions options;
};

// ErrorCode::invalid_input before anything is sent when method and secret do not fit, or an extra parameter or header
// would override one of the protocol.
base::Result<http::Request> token_http_request(const TokenRequest& request);

// 2xx with `error`, or without a usable access token, is a failure (OA-12). authorization_failed = the server refused;
// network = it could not answer now (429, 5xx); protocol = its answer breaks the rules.
base::Result<TokenResponse> read_token_response(const http::Response& response, const TokenRequestOptions& options);

// `http` outlives the task.
net::Task<base::Result<TokenResponse>> request_token(http::Client& http, TokenRequest request);

}  // namespace claviger::oauth
