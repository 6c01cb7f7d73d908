#include "connection/service_grants.hpp"

#include <algorithm>

#include "connection/token_options.hpp"
#include "crypto/jwk.hpp"

namespace claviger::connection {
namespace {

// The definition's texts, filled in; they may name secrets, since they go to the authorization server alone.
class Texts {
public:
    Texts(const RequestFields& fields, const oauth::Client& client) : fields_(fields), client_(client) {}
    [[nodiscard]] base::Result<base::Secret> secret(std::string_view text) const { return fields_.secret_text(text, client_); }
    [[nodiscard]] base::Result<std::string> plain(std::string_view text) const {
        TRY(value, fields_.secret_text(text, client_));
        return std::string(value.reveal());
    }

private:
    const RequestFields& fields_;
    const oauth::Client& client_;
};

base::Result<oauth::Assertion> assertion_of(const provider::AssertionRule& rule, const Texts& texts) {
    oauth::Assertion assertion;
    assertion.algorithm = rule.algorithm;
    assertion.lifetime = std::chrono::seconds(rule.lifetime_seconds);
    assertion.issued_ago = std::chrono::seconds(rule.issued_ago_seconds);
    struct Place { const std::string& text; std::string& into; };
    for (const auto& [text, into] : {Place{rule.key_id, assertion.key_id}, Place{rule.issuer, assertion.issuer},
                                     Place{rule.subject, assertion.subject}, Place{rule.audience, assertion.audience}}) {
        TRY(value, texts.plain(text));
        into = std::move(value);
    }
    for (const auto& [name, text] : rule.claims) {
        TRY(value, texts.plain(text));
        if (!value.empty()) assertion.claims.emplace_back(name, std::move(value));
    }
    return assertion;
}

RequestFields fields_of(const provider::ProviderDefinition& definition, const Connection& connection, const oauth::Client& client) {
    auto fields = RequestFields::of(definition, connection);
    fields.set("client_id", client.client_id);
    return fields;
}

// The key, and what it is to sign, whose texts may name it by its fingerprint.
struct Unsigned {
    crypto::Jwk key;
    oauth::Assertion assertion;
};

base::Result<Unsigned> unsigned_assertion(const provider::ProviderDefinition& definition, const Connection& connection, const oauth::Client& client) {
    const auto& rule = definition.oauth2->grant.assertion;
    auto fields = fields_of(definition, connection, client);
    TRY(text, fields.secret_text(rule.private_key.empty() ? "{{private_key}}" : rule.private_key, client));
    TRY(key, crypto::Jwk::private_key(text.reveal()));
    fields.set(std::string(provider::kPublicKeySha256), key.public_key_sha256());
    TRY(assertion, assertion_of(rule, Texts(fields, client)));
    return Unsigned{std::move(key), std::move(assertion)};
}

}  // namespace

base::Result<void> add_targets(const provider::ProviderDefinition& definition, const Connection& connection,
                               oauth::TokenRequest& request) {
    const auto& oauth = *definition.oauth2;
    if (!connection.requested_scopes.empty())
        request.grant.emplace_back(oauth.scope_param, base::Secret(joined_scopes(oauth, connection.requested_scopes)));
    TRY(resource, resource_parameter(oauth, connection.variables));
    if (!resource.empty()) request.grant.emplace_back("resource", base::Secret(resource));
    if (!oauth.audience.empty()) request.grant.emplace_back("audience", base::Secret(oauth.audience));
    return {};
}

base::Result<oauth::TokenRequest> jwt_bearer_request(const provider::ProviderDefinition& definition, const Connection& connection,
                                                     oauth::Client client, net::Url token_endpoint, const oauth::Signing& signing) {
    const auto& claims = definition.oauth2->grant.assertion.claims;
    TRY(made, unsigned_assertion(definition, connection, client));
    if (made.assertion.audience.empty()) made.assertion.audience = token_endpoint.text();
    TRY(jwt, oauth::sign_assertion(made.key, made.assertion, signing));
    const auto fields = fields_of(definition, connection, client);
    TRY(request, token_request(definition, fields, std::move(token_endpoint), std::move(client)));
    request.grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    request.grant.emplace_back("assertion", std::move(jwt));
    const bool claims_scope = std::any_of(claims.begin(), claims.end(), [](const auto& c) { return c.first == "scope"; });
    if (!claims_scope) TRY_VOID(add_targets(definition, connection, request));
    return request;
}

base::Result<oauth::TokenRequest> jwt_header_request(const provider::ProviderDefinition& definition, const Connection& connection,
                                                     oauth::Client client, net::Url token_endpoint, const oauth::Signing& signing) {
    TRY(made, unsigned_assertion(definition, connection, client));
    TRY(jwt, oauth::sign_assertion(made.key, made.assertion, signing));
    const auto fields = fields_of(definition, connection, client);
    TRY(request, token_request(definition, fields, std::move(token_endpoint), std::move(client)));
    request.bearer = std::move(jwt);
    TRY_VOID(add_targets(definition, connection, request));
    return request;
}

base::Result<oauth::TokenResponse> self_signed_jwt(const provider::ProviderDefinition& definition, const Connection& connection,
                                                   const oauth::Client& client, const oauth::Signing& signing) {
    TRY(made, unsigned_assertion(definition, connection, client));
    const auto now = std::chrono::floor<std::chrono::seconds>(signing.now());
    TRY(jwt, oauth::sign_assertion(made.key, made.assertion, signing));
    oauth::TokenResponse token;
    token.access_token = std::move(jwt);
    token.token_type = "Bearer";
    token.expires_at = now - made.assertion.issued_ago + oauth::life_of(made.assertion);
    return token;
}

base::Result<oauth::TokenRequest> token_exchange_request(const provider::ProviderDefinition& definition, const Connection& connection,
                                                         oauth::Client client, net::Url token_endpoint) {
    const auto& rule = definition.oauth2->grant;
    const auto fields = fields_of(definition, connection, client);
    const Texts texts(fields, client);
    TRY(subject, texts.secret(rule.subject_token.empty() ? "{{subject_token}}" : rule.subject_token));
    TRY(request, token_request(definition, fields, std::move(token_endpoint), std::move(client)));
    request.grant_type = "urn:ietf:params:oauth:grant-type:token-exchange";
    request.grant.emplace_back("subject_token", std::move(subject));
    const auto& type = rule.subject_token_type;
    request.grant.emplace_back("subject_token_type", base::Secret(type.empty() ? "urn:ietf:params:oauth:token-type:access_token" : type));
    if (!rule.requested_token_type.empty())
        request.grant.emplace_back("requested_token_type", base::Secret(rule.requested_token_type));
    TRY_VOID(add_targets(definition, connection, request));
    return request;
}

}  // namespace claviger::connection
