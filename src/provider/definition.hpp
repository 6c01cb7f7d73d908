// ProviderDefinition: the one model of how a service authenticates. Flows, vault, proxy and commands know only
// this; dialects read foreign formats into it. Immutable once validated, shared by value or const pointer.
// Meaning of each field: docs/provider-definition.md. No provider is named in C++.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/value.hpp"

namespace claviger::provider {

enum class AuthType { oauth2, oauth1, api_key, basic, custom };
enum class Flow { pkce, dcr_pkce, device_code, client_credentials, oauth1, api_key, basic, custom };
enum class TokenAuthMethod { client_secret_post, client_secret_basic, none, private_key_jwt, client_secret_jwt };
enum class BodyFormat { form, json, query, xml };  // query: parameters in the URL, the body empty; xml: `token_body`

std::string_view to_string(AuthType);
std::string_view to_string(Flow);
std::string_view to_string(TokenAuthMethod);
std::optional<AuthType> auth_type_from(std::string_view);
std::optional<Flow> flow_from(std::string_view);
std::optional<TokenAuthMethod> token_auth_method_from(std::string_view);
bool flow_fits(AuthType, Flow);

using StringMap = std::vector<std::pair<std::string, std::string>>;  // keeps the order of the file

struct SetupStep { std::string label, url; };
struct SetupGuide { std::string callback_url_hint; std::vector<SetupStep> steps; };
struct ScopeChoice { std::string value, label, description; std::vector<std::string> implies; };

struct Variable {
    std::string name, title, description, pattern, default_value, example;
    std::vector<std::string> choices;  // "enum"
    bool secret = false;
};

// code_entry: the code does not come back with the browser, the user brings it (an installation told to somebody else).
struct CallbackQuirk {
    std::string code_param = "code", state_param = "state";
    std::vector<std::string> capture;
    bool code_entry = false;
    bool iss_required = false;  // RFC 9207: a response without `iss` is refused, as one is whose metadata announces it
};
struct CaptureRule { std::string name, pointer; };  // name -> JSON Pointer in the answer
struct ResponseQuirk {
    std::vector<std::string> access_token, refresh_token, expires, scope, token_type;  // JSON Pointers, first hit wins
    std::vector<std::string> refresh_expires;  // when the refresh token itself dies
    std::vector<std::string> error;            // where the error's code stands beside `error`
    std::vector<int> ok_status;                // further ones than 2xx that are a success
    std::string scope_separator;               // of the answer; empty: the request's, a space or a comma
    std::string format = "auto";  // auto, json, form, text, xml
    json::Value error_when;       // as in the file; null when absent
    std::vector<CaptureRule> capture;
};
// kind: relative, absolute (a number since 1970 or a date), jwt_exp (the access token's own `exp`).
// max: whatever the answer says, the token is over then.
struct ExpiryQuirk {
    std::string unit = "seconds", kind = "relative";
    std::optional<std::int64_t> default_seconds, max_seconds;
};
struct RefreshQuirk {
    std::string rotation = "auto";  // auto, always, never
    std::optional<std::int64_t> margin_seconds, min_interval_seconds;
    std::string mode = "refresh";   // refresh, remint, extend (the answer holds no new token, only a new end)
    std::string method;             // POST, GET; empty: as at the token endpoint
    std::string grant_type = "refresh_token";
    std::string token = "refresh_token";            // which token is sent: refresh_token, access_token
    std::optional<TokenAuthMethod> auth;            // nullopt: as at the token endpoint
    std::optional<BodyFormat> content_type;         // nullopt: as at the token endpoint
    StringMap headers;                              // beside token_headers, before which they count
    std::optional<std::int64_t> idle_max_seconds;   // the refresh token dies when it is not used for so long
    std::optional<std::int64_t> grace_seconds;      // an old refresh token is still taken for so long after a rotation
};
// A signed JWT: of the client (RFC 7523 section 2.2) or as the grant (section 2.1). Every text is a template over
// {{field}}; `private_key` is PEM or JWK.
struct AssertionRule {
    std::string algorithm, issuer, subject, audience, key_id, private_key;  // algorithm: empty means what fits the key
    StringMap claims;
    std::int64_t lifetime_seconds = 300, issued_ago_seconds = 0;  // `iat` is set back by so much
    bool present = false;
};
// A field of the texts of `grant.assertion`: Jwk::public_key_sha256() of the key that signs.
constexpr std::string_view kPublicKeySha256 = "public_key.sha256";
// How a connection without a human's browser gets its token: client_credentials, jwt_bearer (RFC 7523), jwt_header (the JWT is
// the Bearer token of the request for one), self_signed_jwt (the JWT is the token, nobody is asked), token_exchange (RFC 8693).
// The texts are templates over {{field}}.
struct GrantRule {
    std::string type = "client_credentials";
    AssertionRule assertion;                                     // jwt_bearer, jwt_header, self_signed_jwt
    std::string subject_token, subject_token_type, requested_token_type;  // token_exchange
};
// What stands for user and password where client authentication is Basic; both empty: the client's id and secret.
struct BasicTemplate {
    std::string username, password;
    bool form_encoded = true;  // each, as RFC 6749 section 2.3.1 wants it
    bool present = false;
};
struct ErrorQuirk { std::vector<std::string> terminal, config, transient; };
struct RevokeQuirk { std::string method = "POST", url, auth, order; StringMap params; bool present = false; };

// A keyed hash over a text of the request. `message` and `headers` are templates over {{field}} and {{request.X}}.
struct HmacSignature {
    std::string algorithm = "sha256", key, key_encoding, message, encoding = "hex", timestamp = "seconds";
    StringMap headers;
};

// A further request after each token answer, whose answer holds a token of its own: a session of the service, a second token.
// `name` is the field that it becomes for templates. Texts are templates over {{field}}, those of earlier steps included.
struct TokenStep {
    std::string name, url, method = "POST";
    BodyFormat content_type = BodyFormat::form;
    StringMap params, headers;
    ResponseQuirk response;  // access_token: where the step's token stands
    ExpiryQuirk expires;
};

struct OAuth2 {
    std::string authorization_url, token_url, refresh_url, revocation_url, device_authorization_url,
        registration_endpoint, issuer, userinfo_url, pushed_authorization_url, jwks_url, introspection_url, base_url;  // may hold {variables}
    std::vector<std::string> scopes;                           // default scopes
    std::vector<ScopeChoice> available_scopes;
    bool scopes_required = false;
    std::string scope_separator = " ", scope_param = "scope";
    bool pkce = true, supports_device_code = false, supports_dcr = false;
    bool client_secret_required = false;
    std::optional<TokenAuthMethod> token_auth_method;  // nullopt: post when there is a secret, else none
    BodyFormat token_content_type = BodyFormat::form;
    StringMap authorization_params, token_params, refresh_params, token_headers;
    std::string resource, audience;
    std::map<std::string, StringMap> rename;  // request ("authorize", "token", "refresh", "revoke") -> old -> new name
    CallbackQuirk callback;
    ResponseQuirk response;
    ExpiryQuirk expires;
    RefreshQuirk refresh;
    ErrorQuirk errors;
    RevokeQuirk revoke;
    std::string device_token_request = "oauth2_form";
    std::string token_method = "POST";  // POST, GET
    BasicTemplate basic;
    AssertionRule client_assertion;     // private_key_jwt, client_secret_jwt
    GrantRule grant;                    // flow client_credentials
    bool dpop = false;                  // RFC 9449: tokens bound to a key of the connection
    std::string token_body;             // token_content_type xml: a template over the parameters of the request
    std::optional<HmacSignature> token_signature;  // of requests to the token endpoint
    std::vector<TokenStep> steps;
};

struct OAuth1 {
    std::string request_token_url, authorization_url, access_token_url, signature_method = "HMAC-SHA1", realm;
    std::string placement = "header";  // of the protocol parameters: header, query
    StringMap authorization_params;
};

struct ApiKey {
    std::string header_name = "Authorization", header_prefix = "Bearer", query_param, env_var, key_pattern,
        key_pattern_hint;
};

struct Transform { std::string template_text; std::string encoding; };  // "{{user}}:{{pass}}", "base64" or ""

struct Credentials {
    json::Value schema;       // null when absent
    std::string field_name;   // which field is "the" credential
    std::optional<Transform> transform;
};

// Where a signature version 4 names which region and service: the first place whose host fits (all do without one). In the
// host `*` is one label, `{region}` and `{service}` are one label and say what it is.
struct SigV4Place {
    std::string host, region, service;  // region and service: templates over {{field}}
    bool object_store = false;          // paths are signed as they are; long bodies go unsigned over https
};
struct AwsSigV4 {
    std::string access_key_id = "{{access_key_id}}", secret_access_key = "{{secret_access_key}}", session_token = "{{session_token}}";
    std::vector<SigV4Place> places;
};

struct InjectRules {
    StringMap headers, query, cookies;  // templates over {{field}}
    std::string sign;                   // "", oauth1, aws_sigv4, hmac
    std::optional<AwsSigV4> aws_sigv4;  // how, where `sign` says so
    std::optional<HmacSignature> hmac;
    std::vector<std::string> reserved;  // what the caller may not override
    std::vector<std::string> pass;      // fields like credentials that the caller may send; Cookie: the service too
    bool present = false;               // false: the default of the auth type holds
};

struct Identity { std::string url, id_pointer, label_pointer; };
struct Probe { std::string method = "GET", url; std::vector<int> ok_status; };
struct Retry { std::vector<int> status; std::string after_header, at_header; };

struct ExportRule { std::string env_name, source; };  // source: access_token, api_key, base_url, api_url or a field

struct ProviderDefinition {
    int schema_version = 1;
    std::string name, display_name, description, icon, docs_url;
    std::vector<std::string> categories;
    SetupGuide setup_guide;
    AuthType auth_type = AuthType::api_key;
    Flow flow = Flow::api_key;

    std::vector<std::string> api_urls;        // "api_url": host, https://host/prefix, *.host, **.host, regex:...
    std::vector<std::string> authorized_uris;
    bool allow_all_uris = false;
    bool websocket = false;                   // requests may open one (RFC 6455)
    // "1.3" and up: '*' = one segment, '**' = any depth; otherwise a trailing '/*' covers the subtree.
    std::string uri_pattern_dialect;          // "", "afps-1.3"

    std::vector<Variable> vars;
    std::optional<OAuth2> oauth2;
    std::optional<OAuth1> oauth1;
    std::optional<ApiKey> api_key;
    Credentials credentials;
    InjectRules inject;
    std::optional<Identity> identity;
    std::optional<Probe> probe;
    std::vector<CaptureRule> capture;         // after connect
    Retry retry;
    std::vector<ExportRule> exports;

    json::Object unknown;   // unknown members, by JSON pointer of their parent -> kept for `inspect`
    std::string dialect = "native";  // where it came from; information only
};

// Canonical native JSON of the whole definition: what `inspect` prints and what registers again to the same value.
json::Value to_native_json(const ProviderDefinition& definition);

// SHA-256 (hex) over the canonical form of the security fields: endpoints, where the credential may go, how it is
// put in, client authentication. A connection is pinned to it (PK-06, CL-10).
std::string security_digest(const ProviderDefinition& definition);
// The same fields, for showing a difference: JSON pointer -> value.
std::map<std::string, std::string> security_fields(const ProviderDefinition& definition);

// Values for the {variables} in URLs; provider/expand.hpp checks that a value cannot change the scheme, add
// userinfo or leave its host label (OA-27).
using VariableValues = std::map<std::string, std::string>;

}  // namespace claviger::provider
