#include "oauth/par.hpp"

#include <fmt/format.h>

#include "json/parse.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxRequestUri = 2048;

// As the definition's `rename.authorize` has it; empty: it is not sent.
std::string name_of_client_id(const AuthorizationRequest& authorization) {
    for (const auto& [name, sent_as] : authorization.rename)
        if (name == "client_id") return sent_as;
    return "client_id";
}

// The parameters have the server's names already; the names of `request` are those of the client's authentication, of which
// the client's id is one of the authorization request's too.
void add_parameters(TokenRequest& request, const std::string& client_id, const Parameters& parameters) {
    auto& rename = request.options.rename;
    std::erase_if(rename, [](const auto& name) { return name.first == "client_id"; });
    rename.emplace_back("client_id", client_id);
    const bool in_body = request.client.authentication != ClientAuthentication::client_secret_basic;
    for (const auto& [name, value] : parameters) {
        if (name == client_id && in_body) continue;  // the client's authentication says it
        request.grant.emplace_back(name, base::Secret(value));
    }
}

base::Error refusal(const http::Response& response, const json::Value* answer) {
    auto said = fmt::format("HTTP {}", response.status);
    if (answer != nullptr && answer->is_object()) {
        const auto& object = answer->get_object();
        if (const auto error = json::string_at(object, "error"))
            said = error_sentence(*error, json::string_at(object, "error_description").value_or(""));
    }
    return base::Error::make(response.status >= 500 ? ErrorCode::network : ErrorCode::authorization_failed,
                             "the pushed authorization request was refused: " + said);
}

base::Result<std::string> read_request_uri(const http::Response& response) {
    if (response.status >= 300 && response.status < 400)
        return base::fail(ErrorCode::protocol, "the pushed authorization endpoint answered with a redirect, which is never followed",
                          "correct pushed_authorization_url in the definition");
    const auto answer = json::parse(response.body, {.storage = json::secret_storage()});
    if (response.status != 201 && response.status != 200) return base::fail(refusal(response, answer ? &*answer : nullptr));
    const auto uri = answer && answer->is_object() ? json::string_at(answer->get_object(), "request_uri").value_or("") : std::string_view();
    if (!is_vschar(uri, kMaxRequestUri))
        return base::fail(ErrorCode::protocol, "the pushed authorization endpoint answered without a usable request_uri");
    return std::string(uri);
}

}  // namespace

net::Task<base::Result<net::Url>> push_authorization(http::Client& http, PushedAuthorization pushed) {
    CO_TRY_VOID(check_endpoint(pushed.request.endpoint, "pushed authorization URL"));
    CO_TRY(parameters, authorization_parameters(pushed.authorization));
    const auto endpoint = pushed.authorization.endpoint;
    const auto client_id = name_of_client_id(pushed.authorization);
    Parameters reference;
    if (!client_id.empty()) reference.emplace_back(client_id, pushed.authorization.client_id);
    add_parameters(pushed.request, client_id, parameters);
    auto request = std::move(pushed.request);
    auto answer = co_await send_authenticated(http, std::move(request));
    if (!answer) co_return base::fail(answer.error().within("cannot push the authorization request"));
    CO_TRY(uri, read_request_uri(*answer));
    reference.emplace_back("request_uri", uri);
    co_return endpoint.with_query(reference);
}

}  // namespace claviger::oauth
