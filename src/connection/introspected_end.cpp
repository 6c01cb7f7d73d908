#include "connection/introspected_end.hpp"

#include <utility>

#include "connection/expiry.hpp"
#include "connection/request_fields.hpp"
#include "connection/secret_variables.hpp"
#include "connection/token_options.hpp"
#include "oauth/introspection.hpp"
#include "provider/expand.hpp"

namespace claviger::connection {
namespace {

// The endpoint is the definition's own word, so the client authenticates there like at the token endpoint (OA-27).
base::Result<oauth::TokenRequest> request_for(MintParts with, const provider::ProviderDefinition& definition,
                                              const Connection& connection, const oauth::Client& client) {
    auto fields = RequestFields::of(definition, connection);
    fields.set("client_id", client.client_id);
    TRY(values, fields.url_values());
    TRY(endpoint, provider::expand_url(definition.oauth2->introspection_url, values));
    TRY(request, client_request(definition, fields, std::move(endpoint), client.duplicate()));
    request.signing = {&with.clock, &with.random};
    return request;
}

std::string why(const provider::ProviderDefinition& definition, const Connection& connection, const base::Error& error) {
    return "the end of the token is not known by introspection: " + secret_variables(definition, connection).masked(error).describe();
}

}  // namespace

bool wants_introspection(const provider::ProviderDefinition& definition, const oauth::TokenResponse& token, base::Instant now) {
    const auto& oauth = definition.oauth2;
    return oauth && !oauth->introspection_url.empty() && !names_end(token, oauth->expires, now);
}

net::Task<IntrospectedEnd> introspected_end(MintParts with, const provider::ProviderDefinition& definition,
                                            const Connection& connection, const oauth::Client& client) {
    auto request = request_for(with, definition, connection, client);
    if (!request) co_return IntrospectedEnd{std::nullopt, why(definition, connection, request.error())};
    auto token = connection.access_token.duplicate();
    auto said = co_await oauth::introspect_token(with.http, std::move(*request), std::move(token));
    if (!said) co_return IntrospectedEnd{std::nullopt, why(definition, connection, said.error())};
    if (!said->active) co_return IntrospectedEnd{std::nullopt, "the provider says of the new token that it is not active"};
    const auto now = with.clock.now();
    const auto& expires = definition.oauth2->expires;
    if (!said->expires_at) co_return IntrospectedEnd{};
    constexpr std::int64_t kCentury = std::int64_t{100} * 365 * 24 * 3600;
    const base::Instant end{std::chrono::seconds(*said->expires_at)};
    if (end - now > std::chrono::seconds(kCentury)) co_return IntrospectedEnd{};  // it means never
    co_return IntrospectedEnd{no_later_than_max(end, expires, now), {}};
}

}  // namespace claviger::connection
