#include "connection/mint.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/service_grants.hpp"
#include "connection/token_options.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using oauth::TokenFailure;

oauth::TokenOutcome not_sent(base::Error error) {
    TokenFailure failure;
    failure.kind = TokenFailure::Kind::not_sent;
    failure.shown = std::move(error);
    return tl::unexpected<TokenFailure>(std::move(failure));
}

// RFC 6749 section 4.4.2, with RFC 8707's resource and the audience that some servers want.
base::Result<oauth::TokenRequest> client_credentials_request(const provider::ProviderDefinition& definition,
                                                             const Connection& connection, oauth::Client client,
                                                             net::Url token_endpoint) {
    auto fields = RequestFields::of(definition, connection);
    fields.set("client_id", client.client_id);
    TRY(request, token_request(definition, fields, std::move(token_endpoint), std::move(client)));
    request.grant_type = "client_credentials";
    TRY_VOID(add_targets(definition, connection, request));
    return request;
}

base::Result<oauth::TokenRequest> request_of(const provider::ProviderDefinition& definition, const Connection& connection,
                                             oauth::Client client, net::Url token_endpoint, const oauth::Signing& signing) {
    if (!definition.oauth2) {
        return base::fail(ErrorCode::invalid_input,
                          fmt::format("the definition of {} has no oauth block", definition.name));
    }
    const auto& grant = definition.oauth2->grant.type;
    if (grant == "jwt_bearer")
        return jwt_bearer_request(definition, connection, std::move(client), std::move(token_endpoint), signing);
    if (grant == "jwt_header")
        return jwt_header_request(definition, connection, std::move(client), std::move(token_endpoint), signing);
    if (grant == "token_exchange")
        return token_exchange_request(definition, connection, std::move(client), std::move(token_endpoint));
    if (grant == "client_credentials")
        return client_credentials_request(definition, connection, std::move(client), std::move(token_endpoint));
    return base::fail(ErrorCode::unsupported, fmt::format("the grant {} is not in this version of Claviger", grant),
                      "use client_credentials if the service allows it");
}

}  // namespace

net::Task<oauth::TokenOutcome> mint_token(MintParts with, const provider::ProviderDefinition& definition,
                                          const Connection& connection, oauth::Client client, net::Url token_endpoint) {
    const oauth::Signing signing{&with.clock, &with.random};
    if (definition.oauth2 && definition.oauth2->grant.type == "self_signed_jwt") {
        auto made = self_signed_jwt(definition, connection, client, signing);
        if (!made) co_return not_sent(made.error());
        co_return std::move(*made);
    }
    auto request = request_of(definition, connection, std::move(client), std::move(token_endpoint), signing);
    if (!request) co_return not_sent(request.error());
    request->dpop_key = connection.dpop_key.duplicate();
    request->signing = signing;
    auto outcome = co_await oauth::ask_token(with.http, std::move(*request));
    // RFC 6749 section 4.4.3: there should be none. What can be minted again needs no longer-lived secret.
    if (outcome) outcome->refresh_token = base::Secret();
    co_return outcome;
}

}  // namespace claviger::connection
