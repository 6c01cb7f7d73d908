// The token endpoint (RFC 6749 sections 2.3.1, 4.1.3, 5.1, 5.2): one request, one answer, no redirect (OA-08),
// exactly one way of client authentication (OA-14). Thread rule: on the Loop's thread; the readers are pure.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.hpp"
#include "oauth/assertion.hpp"
#include "oauth/types.hpp"

namespace claviger::oauth {

// The Authorization field of RFC 6750 section 2.1.
base::WipedString bearer_credentials(const base::Secret& token);

using SecretParameters = std::vector<std::pair<std::string, base::Secret>>;

struct TokenRequest {
    net::Url endpoint;
    Client client;
    // Empty: no grant, but a request to another endpoint that clients authenticate at (RFC 9126, RFC 8628, RFC 7009), or of a
    // dialect that names none.
    std::string grant_type;
    SecretParameters grant;  // code, redirect_uri, code_verifier, resource ...
    TokenRequestOptions options;
    // What stands for id and secret in Basic. Absent: the client's own.
    std::optional<std::pair<base::Secret, base::Secret>> basic;
    base::Secret dpop_key{};  // private JWK: the token is to be bound to it (RFC 9449); empty: a bearer token
    Signing signing{};
    // The last change of the message, made over it exactly as it goes out; absent: none. Called anew for each message.
    std::function<base::Result<void>(http::Request&, const Signing&)> sign{};
    bool basic_form_encoded = true;  // RFC 6749 section 2.3.1; false: as they are, for servers that do not decode
    base::Secret bearer{};           // instead of a client: the Authorization of the request (a JWT made for it)
};

// ErrorCode::invalid_input before anything is sent when method and secret do not fit, or an extra parameter or header
// would override one of the protocol. Assertions and proofs are made anew at every call; `dpop_nonce`: as the server
// gave it (RFC 9449 section 8), "" at first.
base::Result<http::Request> token_http_request(const TokenRequest& request, std::string_view dpop_nonce = {});

// What a failed token request was, for those who must decide rather than show it (refresh, explain).
struct TokenFailure {
    enum class Kind {
        not_sent,     // nothing of the request can have reached the server
        in_doubt,     // it may have been received; no usable answer came back
        unavailable,  // the server answered that it cannot now: 429, 5xx, or what the definition calls transient
        refused,      // the server answered no and has committed nothing: `error` is its code; a redirect is such a no
        broken        // an answer that breaks the rules, although it says success: the server may have committed
    };
    Kind kind = Kind::not_sent;
    std::string error;                           // RFC 6749 section 5.2 code, cleaned; "" when there is none
    std::string description;                     // what else the server said, cleaned
    int status = 0;                              // HTTP status, 0 when none came
    std::optional<std::chrono::seconds> retry_after;
    base::Error shown;                           // for a human
    base::Secret refresh_token{};                // what a broken answer brought all the same: the one before may be dead
};
using TokenOutcome = tl::expected<TokenResponse, TokenFailure>;

// 2xx with `error`, or without a usable access token, is a failure (OA-12). `shown` of one: authorization_failed = the
// server refused; network = it cannot answer now (408, 425, 429, 5xx, whatever the body says); protocol = its answer
// breaks the rules. Retry-After in both forms of RFC 9110 section 10.2.3; a date counts from the answer's own Date.
TokenOutcome read_token_answer(const http::Response& response, const TokenRequestOptions& options);
// The same for those who only show a failure.
base::Result<TokenResponse> read_token_response(const http::Response& response, const TokenRequestOptions& options);

// Sends it and gives the answer as it came; `left` as in http::Client::send. For every endpoint that clients
// authenticate at.
net::Task<base::Result<http::Response>> send_authenticated(http::Client& http, TokenRequest request, bool* left = nullptr);

// `http` outlives the tasks. A server that wants a nonce in the DPoP proof is asked once more with it, which is still one
// request: it has looked at nothing else. request_token is ask_token for those who only show a failure.
net::Task<TokenOutcome> ask_token(http::Client& http, TokenRequest request);
net::Task<base::Result<TokenResponse>> request_token(http::Client& http, TokenRequest request);

}  // namespace claviger::oauth
