#include <fmt/format.h>

#include "connection/attempt.hpp"
#include "connection/flow_choice.hpp"
#include "oauth/discovery.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/transcript.hpp"
#include "provider/expand.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;

// nullopt for an empty template.
base::Result<std::optional<net::Url>> expanded(const std::string& url_template, const provider::VariableValues& values,
                                               std::string_view what) {
    if (url_template.empty()) return std::optional<net::Url>();
    TRY(url, provider::expand_url(url_template, values));
    TRY_VOID(oauth::check_endpoint(url, what));
    return std::optional<net::Url>(std::move(url));
}

struct Known {  // by the definition alone
    std::optional<net::Url> authorization, token, registration, device_authorization, jwks, pushed_authorization;
    std::string issuer;
};

base::Result<Known> known_endpoints(const provider::OAuth2& oauth, const provider::VariableValues& values) {
    Known known;
    std::optional<net::Url> authorization;
    if (!oauth.authorization_url.empty()) {
        TRY(page, provider::expand_page(oauth.authorization_url, values));
        authorization = std::move(page);
    }
    TRY(token, expanded(oauth.token_url, values, "token URL"));
    TRY(registration, expanded(oauth.registration_endpoint, values, "registration endpoint"));
    TRY(jwks, expanded(oauth.jwks_url, values, "JWKS URL"));
    TRY(pushed, expanded(oauth.pushed_authorization_url, values, "pushed authorization URL"));
    TRY(device, expanded(oauth.device_authorization_url, values, "device authorization URL"));
    TRY(issuer, expanded(oauth.issuer, values, "issuer"));
    known.authorization = std::move(authorization);
    known.token = std::move(token);
    known.registration = std::move(registration);
    known.jwks = std::move(jwks);
    known.pushed_authorization = std::move(pushed);
    known.device_authorization = std::move(device);
    if (issuer) known.issuer = oauth::issuer_text(*issuer, oauth.issuer.ends_with('/'));
    return known;
}

bool by_code(provider::Flow flow) { return flow == provider::Flow::pkce || flow == provider::Flow::dcr_pkce; }

bool needs_discovery(const Known& known, const Attempt& attempt) {
    if (!known.token) return true;
    if (registers_client(*attempt.definition.oauth2, attempt.flow) && !known.registration) return true;
    if (attempt.flow == provider::Flow::device_code) return !known.device_authorization;
    return by_code(attempt.flow) && !known.authorization;
}

// RFC 9728: the resource names its server. Such servers must do S256 (OA-02).
net::Task<base::Result<oauth::ServerMetadata>> discover_by_resource(Attempt& attempt) {
    CO_TRY(url, provider::expand_url(attempt.definition.oauth2->resource, attempt.variables));
    if (attempt.with.recorder != nullptr) attempt.with.recorder->expect(url, oauth::Step::Kind::metadata);  // its challenge names it
    auto resource = co_await oauth::discover_resource(attempt.with.http, url);
    if (!resource) co_return base::fail(resource.error());
    if (resource->authorization_servers.empty())
        co_return base::fail(ErrorCode::protocol, fmt::format("{} names no authorization server", url.redacted()));
    auto metadata = co_await oauth::discover_server(attempt.with.http, resource->authorization_servers.front());
    if (!metadata) co_return base::fail(metadata.error());
    if (by_code(attempt.flow)) CO_TRY_VOID(oauth::check_s256(*metadata, url));
    co_return metadata;
}

net::Task<base::Result<oauth::ServerMetadata>> discover(Attempt& attempt, Known known) {
    const auto* place = known.authorization ? &known.authorization : &known.token;
    if (known.issuer.empty() && !*place && !attempt.definition.oauth2->resource.empty()) {
        auto by_resource = co_await discover_by_resource(attempt);
        co_return by_resource;
    }
    // A definition with endpoints and without an issuer: the usual issuer is the origin itself.
    auto issuer = known.issuer;
    if (issuer.empty() && *place) issuer = (*place)->origin();
    if (issuer.empty())
        co_return base::fail(ErrorCode::invalid_input,
                             fmt::format("the definition of {} has neither endpoints nor an issuer", attempt.definition.name),
                             "add oauth.authorization_url and oauth.token_url, or oauth.issuer");
    auto by_issuer = co_await oauth::discover_server(attempt.with.http, issuer);
    co_return by_issuer;
}

base::Error lacks(const Attempt& attempt, std::string_view what, std::string_view member) {
    return base::Error::make(ErrorCode::protocol,
                             fmt::format("{} publishes no {}", attempt.definition.name, what),
                             fmt::format("write oauth.{} into the definition", member));
}

base::Result<void> check_complete(const Attempt& attempt, const Endpoints& endpoints) {
    if (by_code(attempt.flow) && !endpoints.authorization)
        return base::fail(lacks(attempt, "authorization endpoint", "authorization_url"));
    if (registers_client(*attempt.definition.oauth2, attempt.flow) && !endpoints.registration)
        return base::fail(lacks(attempt, "registration endpoint", "registration_endpoint"));
    if (attempt.flow == provider::Flow::device_code && !endpoints.device_authorization)
        return base::fail(lacks(attempt, "device authorization endpoint", "device_authorization_url"));
    return {};
}

// So that `explain` calls each request by its name.
void label(const Attempt& attempt, const Endpoints& endpoints) {
    using Kind = oauth::Step::Kind;
    auto* recorder = attempt.with.recorder;
    if (recorder == nullptr) return;
    recorder->expect(endpoints.token, Kind::token);
    struct Row { const std::optional<net::Url>& url; Kind kind; };
    for (const auto& [url, kind] : {Row{endpoints.registration, Kind::registration}, Row{endpoints.jwks, Kind::keys}, Row{endpoints.revocation, Kind::revocation},
                                    Row{endpoints.pushed_authorization, Kind::pushed_authorization}, Row{endpoints.userinfo, Kind::userinfo},
                                    Row{endpoints.device_authorization, Kind::device_authorization}}) {
        if (url) recorder->expect(*url, kind);
    }
}

}  // namespace

net::Task<base::Result<Endpoints>> find_endpoints(Attempt& attempt) {
    if (!attempt.definition.oauth2)
        co_return base::fail(ErrorCode::invalid_input, fmt::format("the definition of {} has no oauth block", attempt.definition.name));
    CO_TRY(known, known_endpoints(*attempt.definition.oauth2, attempt.variables));
    oauth::ServerMetadata metadata;
    if (needs_discovery(known, attempt)) {
        auto discovered = co_await discover(attempt, known);
        if (!discovered) co_return base::fail(discovered.error().within("cannot discover the endpoints"));
        metadata = std::move(*discovered);
    }
    const auto token = known.token ? known.token : metadata.token_endpoint;
    if (!token) co_return base::fail(lacks(attempt, "token endpoint", "token_url"));
    Endpoints endpoints;
    endpoints.token = *token;
    endpoints.authorization = known.authorization ? known.authorization : metadata.authorization_endpoint;
    endpoints.registration = known.registration ? known.registration : metadata.registration_endpoint;
    endpoints.device_authorization =
        known.device_authorization ? known.device_authorization : metadata.device_authorization_endpoint;
    endpoints.jwks = known.jwks;
    endpoints.pushed_authorization = known.pushed_authorization;
    endpoints.issuer = known.issuer;
    endpoints.iss_required = attempt.definition.oauth2->callback.iss_required;
    CO_TRY_VOID(check_complete(attempt, endpoints));
    // What its metadata adds is for the tokens of this server alone.
    if (metadata.token_endpoint == token) {
        endpoints.revocation = metadata.revocation_endpoint;
        endpoints.userinfo = metadata.userinfo_endpoint;
    }
    // Only a server whose own endpoint is used can be held to what its metadata announces.
    const bool its_own = by_code(attempt.flow) ? metadata.authorization_endpoint == endpoints.authorization
                                               : metadata.token_endpoint == token;
    if (its_own) {
        endpoints.issuer = metadata.issuer;
        endpoints.iss_required = endpoints.iss_required || metadata.authorization_response_iss_parameter_supported;
        if (!endpoints.jwks) endpoints.jwks = metadata.jwks_uri;
        // RFC 9126 section 5: used where the server wants it, or the definition does (OA-24).
        if (metadata.require_pushed_authorization_requests && !endpoints.pushed_authorization) {
            endpoints.pushed_authorization = metadata.pushed_authorization_request_endpoint;
            if (!endpoints.pushed_authorization)
                co_return base::fail(lacks(attempt, "pushed authorization request endpoint, which it requires", "pushed_authorization_url"));
        }
    }
    endpoints.authentication_methods = std::move(metadata.token_endpoint_auth_methods_supported);
    label(attempt, endpoints);
    co_return endpoints;
}

}  // namespace claviger::connection
