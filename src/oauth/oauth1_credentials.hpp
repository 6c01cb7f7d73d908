// How OAuth 1.0a gets its credentials (RFC 5849 section 2): temporary ones, the resource owner's authorization, then
// those of a token. Values and messages only; who sends them is another's. Thread rule: pure functions.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "http/client.hpp"
#include "oauth/oauth1.hpp"
#include "oauth/types.hpp"

namespace claviger::oauth {

struct CredentialRequest {
    net::Url endpoint;
    std::string realm;
    bool in_query = false;     // the protocol parameters, instead of in the Authorization field
    ProtocolParameters more;   // oauth_callback (section 2.1), oauth_verifier (section 2.3)
};

// A signed POST without a body. ErrorCode::invalid_input when the endpoint's query has a protocol parameter;
// denied as OAuth1Signer::sign.
base::Result<http::Request> credential_http_request(const OAuth1Signer& signer, CredentialRequest request, const Stamp& stamp);

struct OAuth1Credentials {
    base::Secret token, secret;
    bool callback_confirmed = false;
    std::optional<std::chrono::seconds> expires_in;  // oauth_expires_in, which some services add
    std::map<std::string, std::string> further;      // other fields, never ones that look like a credential
};

// `what`: "temporary credentials", "token credentials", for errors. authorization_failed = refused, with the service's
// words cleaned (OA-32); network = not now (429, 5xx); protocol = a redirect, no form, a parameter missing or repeated.
base::Result<OAuth1Credentials> read_credentials(const http::Response& response, std::string_view what);

// Section 2.2. An `extra` parameter, or one in the endpoint's query, named as a protocol parameter: invalid_input (OA-29).
base::Result<net::Url> owner_authorization_url(const net::Url& endpoint, const base::Secret& token, const Parameters& extra);

// The verifier out of a callback that carries the token of this flow. authorization_failed when the human said no, or
// when the token is another (OA-25).
base::Result<base::Secret> read_owner_authorization(const Parameters& callback, const base::Secret& token);

}  // namespace claviger::oauth
