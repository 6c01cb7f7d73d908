// The authorization request and its response (RFC 6749 section 4.1.1 and 4.1.2, RFC 8707, RFC 9207).
// Thread rule: pure functions over values.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/types.hpp"

namespace claviger::oauth {

struct AuthorizationRequest {
    net::Url endpoint;
    std::string client_id, redirect_uri;
    base::Secret state;
    std::vector<std::string> scopes;
    std::string scope_param = "scope", scope_separator = " ";
    std::string code_challenge;          // empty: the definition says `pkce: false`
    std::string resource;                // RFC 8707, empty = none
    std::string nonce;                   // OpenID Connect, empty = none
    std::string dpop_jkt;                // RFC 9449 section 10, empty = none
    Parameters extra;                    // authorization_params, audience
    Parameters rename;                   // protocol name -> the server's name
};

// An extra parameter, or one in the endpoint's query, that would override a protocol parameter is
// ErrorCode::invalid_input (OA-29).
base::Result<Parameters> authorization_parameters(const AuthorizationRequest& request);
// The URL to send the human to. The endpoint's own query is kept.
base::Result<net::Url> authorization_url(const AuthorizationRequest& request);

struct ResponseRules {
    std::string issuer;         // of this flow; empty = unknown, then `iss` cannot be compared
    bool iss_required = false;  // the metadata advertises RFC 9207
    std::string code_param = "code";
    std::vector<std::string> capture;  // further parameters to keep
};

struct AuthorizationGrant {
    base::Secret code;
    std::map<std::string, std::string> captured;
};

// `parameters` of a response whose state was already found right. Repeated parameters: protocol. `iss` missing or
// different: authorization_failed (OA-04). `error`: authorization_failed with the server's words, cleaned (OA-32).
base::Result<AuthorizationGrant> read_authorization_response(const Parameters& parameters, const ResponseRules& rules);

}  // namespace claviger::oauth
