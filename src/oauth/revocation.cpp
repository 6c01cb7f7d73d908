#include "oauth/revocation.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "oauth/answer.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::oauth {
std::string_view to_string(Revoked result) {
    switch (result) {
        case Revoked::revoked: return "revoked";
        case Revoked::refused: return "refused";
        case Revoked::unreachable: return "unreachable";
        case Revoked::unsupported: return "unsupported";
    }
    return "unreachable";
}

// RFC 7009 section 2.2 gives the body of a success no meaning, so one that cannot be read says nothing.
RevocationOutcome read_revocation(const http::Response& response, const TokenRequestOptions& rules) {
    auto options = rules;
    // The definition's format is that of tokens: no token is read here, and JSON is JSON.
    if (base::trim(response.body).starts_with('{')) options.response_format = "json";
    else if (options.response_format != "form") options.response_format = "auto";
    const auto members = read_members(response, options);
    const bool success = is_success(response.status, options);
    if (success && (!members || !is_failure(*members, options))) return {Revoked::revoked, {}};
    const auto said = members ? words_of(*members, options) : Complaint();
    if (said.error == "unsupported_token_type") return {Revoked::unsupported, "the provider cannot revoke such a token"};
    if (cannot_now(response.status, said.error, options))
        return {Revoked::unreachable, fmt::format("the provider answered HTTP {}", response.status)};
    if (!success && response.status >= 300 && response.status < 400)
        return {Revoked::refused, "the provider answered with a redirect, which is never followed"};
    const auto sentence = said.sentence();
    return {Revoked::refused, sentence.empty() ? fmt::format("the provider answered HTTP {}{}", response.status, success ? ", and that it is an error" : "") : sentence};
}

net::Task<RevocationOutcome> revoke_token(http::Client& http, TokenRequest request) {
    auto message = token_http_request(request);
    if (!message) co_return RevocationOutcome{Revoked::refused, "not sent: " + message.error().describe()};
    const auto options = request.options;
    auto answer = co_await http.send(std::move(*message));
    if (!answer) co_return RevocationOutcome{Revoked::unreachable, answer.error().describe()};
    co_return read_revocation(*answer, options);
}

net::Task<RevocationOutcome> delete_client(http::Client& http, net::Url registration_client_uri, base::Secret registration_access_token) {
    if (auto good = check_endpoint(registration_client_uri, "client's URI"); !good)
        co_return RevocationOutcome{Revoked::refused, "not sent: " + good.error().describe()};
    http::Request request{"DELETE", std::move(registration_client_uri), {}, {}};
    request.fields.set("Authorization", bearer_credentials(registration_access_token));
    auto answer = co_await http.send(std::move(request));
    if (!answer) co_return RevocationOutcome{Revoked::unreachable, answer.error().describe()};
    // Section 2.3: 401 means that the client is gone, or that this token of its never was.
    if (answer->status == 405 || answer->status == 501) co_return RevocationOutcome{Revoked::unsupported, "the provider deletes no clients"};
    const TokenRequestOptions options;
    co_return read_revocation(*answer, options);
}

}  // namespace claviger::oauth
