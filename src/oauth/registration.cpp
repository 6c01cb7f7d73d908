#include "oauth/registration.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "crypto/jwk.hpp"
#include "json/parse.hpp"
#include "oauth/device.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxClientValue = 4096;

std::string by_hand(const RegistrationRequest& request) {
    if (!request.for_device) return "register the application by hand and use --flow pkce";
    return "register the application by hand and write \"supports_dcr\": false into the definition, so that its client id is asked for";
}

// Absent means the RFC's default where a secret came, else public.
base::Result<ClientAuthentication> registered_method(const json::Object& answer, bool has_secret, const RegistrationRequest& request) {
    const auto text = json::string_at(answer, "token_endpoint_auth_method");
    if (!text) {
        if (!has_secret) return ClientAuthentication::none;
        const bool asked = request.authentication != ClientAuthentication::none;
        return asked ? request.authentication : ClientAuthentication::client_secret_basic;
    }
    if (const auto method = client_authentication_from(*text)) return *method;
    return base::fail(ErrorCode::unsupported,
                      fmt::format("the server registered the client for '{}' authentication", clean_text(*text)), by_hand(request));
}

// RFC 7591 section 2: what an assertion will be checked with.
base::Result<void> add_assertion(json::Object& body, const RegistrationRequest& request) {
    if (request.authentication == ClientAuthentication::client_secret_jwt) body["token_endpoint_auth_signing_alg"] = "HS256";
    if (request.authentication != ClientAuthentication::private_key_jwt) return {};
    TRY(key, crypto::Jwk::private_key(request.private_key.reveal()));
    auto members = key.public_members();
    members["kid"] = key.thumbprint();
    members["use"] = "sig";
    members["alg"] = "ES256";
    body["token_endpoint_auth_signing_alg"] = "ES256";
    body["jwks"] = json::Object{{"keys", json::Array{std::move(members)}}};
    return {};
}

void rename_members(json::Object& body, const Parameters& rename) {
    for (const auto& [from, to] : rename) {
        const auto found = body.find(from);
        if (found == body.end()) continue;
        auto value = std::move(found->value());
        body.erase(found);
        if (!to.empty()) body[to] = std::move(value);
    }
}

// What the answer leaves out is as it was asked for (RFC 7591 section 3.2.1).
bool registered(const json::Object& answer, std::string_view list, std::string_view text) {
    const auto* all = json::array_at(answer, list);
    return all == nullptr || std::any_of(all->begin(), all->end(), [&](const json::Value& one) {
        return one.is_string() && std::string_view(one.get_string()) == text;
    });
}

base::Result<void> check_registered(const json::Object& answer, const RegistrationRequest& request) {
    if (request.for_device && !registered(answer, "grant_types", kDeviceCodeGrant))
        return base::fail(ErrorCode::authorization_failed, "the server registered a client that may not use device codes", by_hand(request));
    if (request.for_device || registered(answer, "redirect_uris", request.redirect_uri)) return {};
    return base::fail(ErrorCode::protocol, "the server registered other redirect URIs than the one asked for", by_hand(request));
}

std::string same_origin_uri(const json::Object& answer, const net::Url& endpoint) {
    const auto text = json::string_at(answer, "registration_client_uri");
    if (!text) return {};
    const auto url = net::Url::parse(*text);
    return url && url->origin() == endpoint.origin() && !url->has_userinfo() ? url->text() : std::string();
}

base::Error refusal(const http::Response& response, const RegistrationRequest& request) {
    if (response.status >= 300 && response.status < 400)
        return base::Error::make(ErrorCode::protocol,
                                 "the registration endpoint answered with a redirect, which is never followed",
                                 "correct registration_endpoint in the definition");
    auto value = json::parse(response.body, {.storage = json::secret_storage()});
    std::string sentence = fmt::format("HTTP {}", response.status);
    if (value && value->is_object()) {
        const auto& object = value->get_object();
        if (const auto error = json::string_at(object, "error"))
            sentence = error_sentence(*error, json::string_at(object, "error_description").value_or(""));
    }
    return base::Error::make(response.status >= 500 ? ErrorCode::network : ErrorCode::authorization_failed,
                             "the server refused to register a client: " + sentence, by_hand(request));
}

}  // namespace

std::string_view to_string(ClientAuthentication method) {
    switch (method) {
        case ClientAuthentication::none: return "none";
        case ClientAuthentication::client_secret_post: return "client_secret_post";
        case ClientAuthentication::client_secret_basic: return "client_secret_basic";
        case ClientAuthentication::client_secret_jwt: return "client_secret_jwt";
        case ClientAuthentication::private_key_jwt: return "private_key_jwt";
    }
    return "none";
}

std::optional<ClientAuthentication> client_authentication_from(std::string_view text) {
    for (const auto method : {ClientAuthentication::none, ClientAuthentication::client_secret_post,
                              ClientAuthentication::client_secret_basic, ClientAuthentication::client_secret_jwt,
                              ClientAuthentication::private_key_jwt})
        if (to_string(method) == text) return method;
    return std::nullopt;
}

base::Result<ClientAuthentication> choose_authentication(const std::vector<std::string>& supported) {
    if (supported.empty()) return ClientAuthentication::none;
    for (const auto method : {ClientAuthentication::none, ClientAuthentication::client_secret_basic,
                              ClientAuthentication::client_secret_post, ClientAuthentication::private_key_jwt,
                              ClientAuthentication::client_secret_jwt})
        if (std::find(supported.begin(), supported.end(), to_string(method)) != supported.end()) return method;
    return base::fail(ErrorCode::unsupported, "the server supports no way of client authentication that Claviger does",
                      "register the application by hand and use --flow pkce");
}

base::Result<http::Request> registration_http_request(const RegistrationRequest& request) {
    TRY_VOID(check_endpoint(request.endpoint, "registration endpoint"));
    json::Object body;
    body["client_name"] = request.client_name;
    const bool by_browser = !request.redirect_uri.empty();
    json::Array redirect_uris, grant_types, response_types;
    if (by_browser) {
        redirect_uris.emplace_back(request.redirect_uri);
        grant_types.emplace_back("authorization_code");
        response_types.emplace_back("code");
    }
    if (request.device_code) grant_types.emplace_back(kDeviceCodeGrant);
    grant_types.emplace_back("refresh_token");
    body["redirect_uris"] = std::move(redirect_uris);
    body["grant_types"] = std::move(grant_types);
    body["response_types"] = std::move(response_types);
    body["token_endpoint_auth_method"] = to_string(request.authentication);
    body["application_type"] = "native";
    TRY_VOID(add_assertion(body, request));
    if (!request.scopes.empty()) body["scope"] = base::join(request.scopes, " ");
    rename_members(body, request.rename);
    http::Request http{"POST", request.endpoint, {}, {}};
    http.fields.set("Accept", "application/json");
    http.fields.set("Content-Type", "application/json");
    http.body = base::WipedString(json::to_text(body));
    return http;
}

base::Result<Registration> read_registration(const http::Response& response, const RegistrationRequest& request) {
    // RFC 7591 says 201; several servers say 200.
    if (response.status != 200 && response.status != 201) return base::fail(refusal(response, request));
    auto value = json::parse(response.body, {.storage = json::secret_storage()});
    if (!value || !value->is_object())
        return base::fail(ErrorCode::protocol, "the registration endpoint answered without a JSON object");
    const auto& answer = value->get_object();
    const auto id = json::string_at(answer, "client_id");
    const auto secret = json::string_at(answer, "client_secret").value_or("");
    if (!id || !is_vschar(*id, kMaxClientValue) || (!secret.empty() && !is_vschar(secret, kMaxClientValue)))
        return base::fail(ErrorCode::protocol, "the registration endpoint answered without a usable client id");
    TRY_VOID(check_registered(answer, request));
    TRY(method, registered_method(answer, !secret.empty(), request));
    const bool by_key = method == ClientAuthentication::private_key_jwt;
    if (by_key && request.private_key.empty())
        return base::fail(ErrorCode::protocol, "the server registered the client for a private key, which it was not offered");
    const bool wants_secret = method != ClientAuthentication::none && !by_key;
    if (wants_secret && secret.empty())
        return base::fail(ErrorCode::protocol, "the server registered the client for a secret, but gave none");

    Registration registration;
    registration.client.client_id = std::string(*id);
    registration.client.authentication = method;
    if (wants_secret) registration.client.client_secret = base::Secret(secret);
    if (by_key) {
        registration.client.private_key = request.private_key.duplicate();
        TRY(key, crypto::Jwk::private_key(request.private_key.reveal()));
        registration.client.assertion.key_id = key.thumbprint();
    }
    if (registered(answer, "redirect_uris", request.redirect_uri)) registration.redirect_uri = request.redirect_uri;
    registration.registration_client_uri = same_origin_uri(answer, request.endpoint);
    const auto token = json::string_at(answer, "registration_access_token");
    if (token && is_vschar(*token, kMaxClientValue) && !registration.registration_client_uri.empty())
        registration.registration_access_token = base::Secret(*token);
    const auto expires = json::int_at(answer, "client_secret_expires_at");
    constexpr std::int64_t kYear9999 = 253'402'300'799;
    if (expires && *expires > 0 && *expires <= kYear9999)
        registration.secret_expires_at = base::Instant(std::chrono::seconds(*expires));
    return registration;
}

net::Task<base::Result<Registration>> register_client(http::Client& http, RegistrationRequest request) {
    CO_TRY(message, registration_http_request(request));
    auto answer = co_await http.send(std::move(message));
    if (answer && answer->status == 400 && request.redirect_optional) {
        request.redirect_uri.clear();
        CO_TRY(without, registration_http_request(request));
        answer = co_await http.send(std::move(without));
    }
    if (!answer) co_return base::fail(answer.error().within("the registration request failed"));
    co_return read_registration(*answer, request);
}

}  // namespace claviger::oauth
