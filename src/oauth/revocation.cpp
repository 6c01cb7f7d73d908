#include "oauth/revocation.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

base::WipedString bearer_value(const base::Secret& token) {
    base::WipedString value("Bearer ");
    value.append(token.reveal());
    return value;
}

}  // namespace

std::string_view to_string(Revoked result) {
    switch (result) {
        case Revoked::revoked: return "revoked";
        case Revoked::refused: return "refused";
        case Revoked::unreachable: return "unreachable";
        case Revoked::unsupported: return "unsupported";
    }
    return "unreachable";
}

base::Result<http::Request> revocation_http_request(const RevocationRequest& request) {
    TRY(http, token_http_request(request.message));
    if (!request.bearer.empty()) http.fields.set("Authorization", bearer_value(request.bearer));
    return http;
}

RevocationOutcome read_revocation(const http::Response& response, const TokenRequestOptions& options) {
    const auto said = said_in(response, options);
    if (said.error == "unsupported_token_type") return {Revoked::unsupported, "the provider cannot revoke such a token"};
    const auto& more = options.ok_status;
    const bool success = (response.status >= 200 && response.status < 300) || std::find(more.begin(), more.end(), response.status) != more.end();
    if (success && !said.failure) return {Revoked::revoked, {}};
    if (response.status == 429 || response.status >= 500)
        return {Revoked::unreachable, fmt::format("the provider answered HTTP {}", response.status)};
    if (response.status >= 300 && response.status < 400)
        return {Revoked::refused, "the provider answered with a redirect, which is never followed"};
    return {Revoked::refused, said.sentence.empty() ? fmt::format("the provider answered HTTP {}", response.status) : said.sentence};
}

net::Task<RevocationOutcome> revoke_token(http::Client& http, RevocationRequest request) {
    auto message = revocation_http_request(request);
    if (!message) co_return RevocationOutcome{Revoked::refused, "not sent: " + message.error().describe()};
    const auto options = request.message.options;
    auto answer = co_await http.send(std::move(*message));
    if (!answer) co_return RevocationOutcome{Revoked::unreachable, answer.error().describe()};
    co_return read_revocation(*answer, options);
}

net::Task<RevocationOutcome> delete_client(http::Client& http, net::Url registration_client_uri, base::Secret registration_access_token) {
    if (auto good = check_endpoint(registration_client_uri, "client's URI"); !good)
        co_return RevocationOutcome{Revoked::refused, "not sent: " + good.error().describe()};
    http::Request request{"DELETE", std::move(registration_client_uri), {}, {}};
    request.fields.set("Authorization", bearer_value(registration_access_token));
    auto answer = co_await http.send(std::move(request));
    if (!answer) co_return RevocationOutcome{Revoked::unreachable, answer.error().describe()};
    // Section 2.3: 401 means that the client is gone, or that this token of its never was.
    if (answer->status == 405 || answer->status == 501) co_return RevocationOutcome{Revoked::unsupported, "the provider deletes no clients"};
    const TokenRequestOptions options;
    co_return read_revocation(*answer, options);
}

}  // namespace claviger::oauth
