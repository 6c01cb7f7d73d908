#include <algorithm>

#include "connection/attempt.hpp"
#include "oauth/discovery.hpp"
#include "oauth/id_token.hpp"

namespace claviger::connection {
namespace {

struct Issuer {
    std::string name;
    net::Url jwks;
};

// Of an earlier discovery or the definition; else the metadata of the issuer, or of the endpoint's own origin,
// which must be about this very token endpoint. nullopt: the server does not say.
net::Task<std::optional<Issuer>> issuer_of(Attempt& attempt, Endpoints endpoints) {
    if (!endpoints.issuer.empty() && endpoints.jwks) co_return Issuer{endpoints.issuer, *endpoints.jwks};
    const auto& own = endpoints.authorization ? *endpoints.authorization : endpoints.token;
    auto name = endpoints.issuer.empty() ? own.origin() : endpoints.issuer;
    auto metadata = co_await oauth::discover_server(attempt.with.http, std::move(name));
    if (!metadata || !metadata->token_endpoint || metadata->token_endpoint->text() != endpoints.token.text()) co_return std::nullopt;
    const auto& jwks = endpoints.jwks ? endpoints.jwks : metadata->jwks_uri;
    if (!jwks) co_return std::nullopt;
    co_return Issuer{metadata->issuer, *jwks};
}

}  // namespace

net::Task<std::optional<oauth::IdClaims>> verified_claims(Attempt& attempt, const Endpoints& endpoints, const oauth::Client& client,
                                                          base::Secret id_token, std::string nonce, std::vector<std::string>& warnings) {
    if (id_token.empty()) co_return std::nullopt;
    const auto& provider = attempt.definition.name;
    const auto issuer = co_await issuer_of(attempt, endpoints);
    if (!issuer) {
        attempt.with.log.info("id_token.unchecked", {{"provider", provider}});
        co_return std::nullopt;
    }
    const auto now = attempt.with.connections.clock().now();
    oauth::IdTokenRules rules{issuer->name, client.client_id, std::move(nonce), now, client.client_secret.duplicate()};
    auto claims = co_await oauth::verify_id_token(attempt.with.http, issuer->jwks, std::move(id_token), std::move(rules));
    if (claims) co_return std::move(*claims);
    attempt.with.log.warn("id_token.ignored", {{"provider", provider}, {"reason", claims.error().message}});
    warnings.push_back("the ID token was ignored, so whose account this is stays unknown: " + claims.error().message);
    co_return std::nullopt;
}

}  // namespace claviger::connection
