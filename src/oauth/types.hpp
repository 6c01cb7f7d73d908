// The OAuth 2 protocol as values: no storage, no provider definitions, no human. Callers in connection/ translate.
// Thread rule: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "net/url.hpp"

namespace claviger::oauth {

using Parameters = std::vector<std::pair<std::string, std::string>>;

// RFC 6749 section 2.3 and RFC 7523 section 2.2: how a client says who it is.
enum class ClientAuthentication { none, client_secret_post, client_secret_basic, client_secret_jwt, private_key_jwt };

// A signed statement (RFC 7523 section 3), of a client about itself or as the grant of a service account.
struct Assertion {
    std::string algorithm;  // empty: what fits the key
    std::string key_id;     // "kid", empty: none
    std::string issuer, subject, audience;  // an empty one is left out
    Parameters claims;      // further ones
    std::chrono::seconds lifetime{300};  // never longer than that (OA-26), from `issued_ago` before now
    std::chrono::seconds issued_ago{0};  // for servers whose clock is behind ours
};

// The registration used at an authorization server.
struct Client {
    std::string client_id;
    base::Secret client_secret;  // empty for a public client, and with private_key_jwt
    ClientAuthentication authentication = ClientAuthentication::none;
    base::Secret private_key{};  // PEM or JWK, of private_key_jwt
    Assertion assertion{};       // of both _jwt methods; empty members: client id, client id, token endpoint
    [[nodiscard]] Client duplicate() const {
        return Client{client_id, client_secret.duplicate(), authentication, private_key.duplicate(), assertion};
    }
};

// RFC 8414 metadata, as far as the flows use it. Every URL https (loopback http allowed by `allow_loopback_http`).
struct ServerMetadata {
    std::string issuer;
    std::optional<net::Url> authorization_endpoint, token_endpoint, registration_endpoint, revocation_endpoint,
        device_authorization_endpoint, userinfo_endpoint, jwks_uri, pushed_authorization_request_endpoint;
    std::vector<std::string> scopes_supported, code_challenge_methods_supported,
        token_endpoint_auth_methods_supported, grant_types_supported;
    bool code_challenge_methods_stated = false;
    bool authorization_response_iss_parameter_supported = false;  // RFC 9207
    bool require_pushed_authorization_requests = false;
};

// RFC 6749 section 5.1, validated (OA-11, OA-13).
struct TokenResponse {
    base::Secret access_token;
    base::Secret refresh_token;  // empty when none
    base::Secret id_token;       // unverified; empty when none
    std::string token_type;      // "Bearer", "DPoP" as received
    std::optional<std::int64_t> expires_in;  // as sent, positive, in the server's unit; nullopt when absent or unusable
    std::optional<base::Instant> expires_at;  // when the server sent a date instead of a number
    std::string expires_text;    // what else stands there: the definition may know how it is read
    std::optional<std::int64_t> refresh_expires_in;          // the same of the refresh token's own end
    std::optional<base::Instant> refresh_expires_at;
    std::string refresh_expires_text;
    std::optional<std::vector<std::string>> scope;  // granted; nullopt when the answer does not say
    std::map<std::string, std::string> captured;
    base::Duration clock_skew{0};  // how far the server's clock was ahead of ours when it answered; see clock_skew()
};

// What one request to the token endpoint needs beyond its grant: quirks as data.
struct TokenRequestOptions {
    Parameters extra_parameters;   // token_params
    Parameters extra_headers;      // token_headers
    bool json_body = false;
    std::string xml_body;          // not empty: the body is this template, {{name}} the parameter of that name
    bool in_query = false;         // the parameters stand in the URL and the body is empty
    std::string method = "POST";   // GET: parameters in the URL too
    std::vector<std::string> access_token_pointers, refresh_token_pointers, expires_pointers, scope_pointers,
        token_type_pointers;       // empty = the RFC's member
    std::vector<std::string> refresh_expires_pointers;  // empty = refresh_token_expires_in, refresh_expires_in
    std::vector<std::string> error_pointers;            // where the error's code stands beside `error`
    std::vector<int> ok_status;                         // a success beside 2xx
    bool access_token_optional = false;                 // the answer may only move the end of the token that there is
    std::string scope_separator = " ";
    std::vector<std::pair<std::string, std::string>> capture;  // name -> pointer
    std::string response_format = "auto";                      // auto, json, form, xml, text: the body is the token
    Parameters rename;             // protocol name -> the server's name; an empty one: the parameter is not sent
    // JSON Pointer -> JSON text: an answer with one of these values is a failure, whatever its status.
    std::vector<std::pair<std::string, std::string>> error_when;
    // Beside 408, 425, 429 and 5xx: statuses that say "not now"; beside Retry-After: the header fields that say for how
    // long, in seconds or until when (a date, or seconds since 1970).
    std::vector<int> retry_status;
    std::string retry_after_header, retry_at_header;
    // The definition says itself how the token is presented, so any token_type will do (OA-13).
    bool any_token_type = false;
};

// Claims of an ID token after its signature, issuer, audience, nonce and times were found right (OA-31).
struct IdClaims {
    std::string issuer, subject, email, name, preferred_username;
    bool email_verified = false;
};

}  // namespace claviger::oauth
