#include "connection/client_of.hpp"

#include <map>
#include <string>

#include <fmt/format.h>

#include "connection/request_fields.hpp"
#include "oauth/registration.hpp"
#include "provider/expand.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
using oauth::ClientAuthentication;

ClientAuthentication method_of(const ClientRecord& record, const provider::OAuth2& oauth) {
    if (const auto registered = oauth::client_authentication_from(record.authentication)) return *registered;
    const auto stated = stated_method(oauth);
    // What can be post or basic is done without where the human had no secret to enter.
    const bool optional_secret = !stated || *stated == ClientAuthentication::none;
    if (!optional_secret) return *stated;
    return stated || record.client_secret.empty() ? ClientAuthentication::none : ClientAuthentication::client_secret_post;
}

// The texts of the rule filled in, "" where there is none.
base::Result<oauth::Assertion> assertion_of(const provider::ProviderDefinition& definition, const provider::VariableValues& variables,
                                            const oauth::Client& client) {
    const auto& rule = definition.oauth2->client_assertion;
    const std::map<std::string, std::string> captured;
    RequestFields fields(definition, variables, captured);
    fields.set("client_id", client.client_id);
    oauth::Assertion assertion;
    assertion.algorithm = rule.algorithm;
    assertion.lifetime = std::chrono::seconds(rule.lifetime_seconds);
    assertion.issued_ago = std::chrono::seconds(rule.issued_ago_seconds);
    TRY(claims, fields.parameters(rule.claims));
    assertion.claims = std::move(claims);
    struct Place { const std::string& text; std::string& into; };
    for (const auto& [text, into] : {Place{rule.key_id, assertion.key_id}, Place{rule.issuer, assertion.issuer},
                                     Place{rule.subject, assertion.subject}, Place{rule.audience, assertion.audience}}) {
        TRY(value, fields.secret_text(text, client));
        into = std::string(value.reveal());
    }
    // An identifier is sent as it is written; only one with {variables} is expanded.
    const bool url_of_variables = rule.audience.find("{{") == std::string::npos && !provider::variables_in(rule.audience).empty();
    if (!url_of_variables) return assertion;
    TRY(url, provider::expand_url(rule.audience, variables));
    assertion.audience = url.text();
    return assertion;
}

tl::unexpected<base::Error> lacks(const ClientRecord& record, std::string_view what) {
    return base::fail(ErrorCode::invalid_input, fmt::format("the stored client has no {}, but the definition needs one", what),
                      fmt::format("run: claviger login {} --new-client", record.provider));
}

}  // namespace

std::optional<ClientAuthentication> stated_method(const provider::OAuth2& oauth) {
    if (!oauth.token_auth_method) return std::nullopt;
    return oauth::client_authentication_from(provider::to_string(*oauth.token_auth_method));
}

base::Result<oauth::Client> client_of(const ClientRecord& record, const provider::ProviderDefinition& definition,
                                      const provider::VariableValues& variables, const AssertionAudience& audience) {
    const auto& oauth = *definition.oauth2;
    oauth::Client client;
    client.client_id = record.client_id;
    client.authentication = method_of(record, oauth);
    const bool by_key = client.authentication == ClientAuthentication::private_key_jwt;
    const bool by_secret = !by_key && client.authentication != ClientAuthentication::none;
    if (by_secret) client.client_secret = record.client_secret.duplicate();
    if (by_key) client.private_key = record.private_key.duplicate();
    if (by_secret && client.client_secret.empty()) return lacks(record, "secret");
    if (by_key && client.private_key.empty()) return lacks(record, "private key");
    const bool asserts_later = by_secret && oauth.refresh.auth == provider::TokenAuthMethod::client_secret_jwt;
    if (by_key || asserts_later || client.authentication == ClientAuthentication::client_secret_jwt) {
        TRY(assertion, assertion_of(definition, variables, client));
        if (assertion.audience.empty()) assertion.audience = std::string(audience.issuer.empty() ? audience.token_endpoint : audience.issuer);
        if (!record.key_id.empty()) assertion.key_id = record.key_id;
        client.assertion = std::move(assertion);
    }
    return client;
}

base::Result<oauth::Client> client_of(const ClientRecord& record, const provider::ProviderDefinition& definition,
                                      const Connection& connection) {
    return client_of(record, definition, connection.variables, {connection.issuer, connection.token_endpoint});
}

}  // namespace claviger::connection
