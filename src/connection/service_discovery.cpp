#include "connection/service_discovery.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;
constexpr std::size_t kMostScopes = 200;

bool holds(const std::vector<std::string>& list, std::string_view item) { return std::find(list.begin(), list.end(), item) != list.end(); }

// A wrong or missing document at one place says nothing of the next place; a host that cannot be reached does.
bool hopeless(const base::Error& error) {
    return error.code == ErrorCode::network || error.code == ErrorCode::tls || error.code == ErrorCode::address_refused ||
           error.code == ErrorCode::timeout || error.code == ErrorCode::denied || error.code == ErrorCode::invalid_input;
}

// Somebody may well paste the address of the metadata itself.
net::Url without_well_known(const net::Url& url) {
    for (const std::string_view name : {"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/oauth-protected-resource"}) {
        const auto at = url.path().find(name);
        if (at == std::string::npos) continue;
        const auto path = url.path().substr(0, at) + url.path().substr(at + name.size());
        if (auto rest = url.resolve(path.empty() ? "/" : path)) return *rest;
    }
    return url;
}

// Issuers are compared as text, and people leave out or add a final slash.
std::vector<std::string> issuers_of(const net::Url& url) {
    auto text = oauth::issuer_text(url, false);
    if (text.ends_with('/')) return {text, text.substr(0, text.size() - 1)};
    return {text, text + "/"};
}

net::Task<base::Result<oauth::ServerMetadata>> server_at(http::Client& http, net::Url url) {
    std::optional<base::Error> first;
    for (const auto& issuer : issuers_of(url)) {
        auto metadata = co_await oauth::discover_server(http, issuer);
        if (metadata || hopeless(metadata.error())) co_return metadata;
        if (!first || first->code == ErrorCode::not_found) first = metadata.error();
    }
    co_return base::fail(*first);
}

base::Error nothing_there(const net::Url& url) {
    return base::Error::make(ErrorCode::not_found,
                             fmt::format("{} publishes no metadata: neither as a protected resource (RFC 9728) nor as an authorization server (RFC 8414, "
                                         "OpenID), and its origin does not either", url.redacted()),
                             "describe the service yourself: claviger provider new");
}

void take_scopes(const DiscoveredService& service, provider::OAuth2& oauth) {
    const auto& listed = service.resource && !service.resource->scopes_supported.empty() ? service.resource->scopes_supported : service.server.scopes_supported;
    const auto usable = [](const std::string& scope) {
        return !scope.empty() && scope.size() <= 200 && std::all_of(scope.begin(), scope.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
    };
    for (const auto& scope : listed) {
        const bool twice = std::any_of(oauth.available_scopes.begin(), oauth.available_scopes.end(), [&](const auto& known) { return known.value == scope; });
        if (!usable(scope) || twice || oauth.available_scopes.size() >= kMostScopes) continue;
        oauth.available_scopes.push_back({scope, "", "", {}});
    }
    // Without offline_access many servers give no refresh token, and OpenID servers take no notice of it without openid.
    const auto offered = [&](std::string_view scope) { return holds(service.server.scopes_supported, scope) || holds(listed, scope); };
    if (!offered("offline_access")) return;
    if (offered("openid")) oauth.scopes.emplace_back("openid");
    oauth.scopes.emplace_back("offline_access");
}

std::optional<provider::TokenAuthMethod> method_of(const oauth::ServerMetadata& server) {
    const auto& methods = server.token_endpoint_auth_methods_supported;
    if (methods.empty() || holds(methods, "client_secret_post") || holds(methods, "none")) return std::nullopt;  // the default does
    for (const std::string_view name : {"client_secret_basic", "private_key_jwt", "client_secret_jwt"}) {
        if (holds(methods, name)) return provider::token_auth_method_from(name);
    }
    return std::nullopt;
}

std::string text_of(const std::optional<net::Url>& url) { return url ? url->text() : std::string(); }

provider::Flow flow_of(const oauth::ServerMetadata& server) {
    if (server.registration_endpoint && server.authorization_endpoint) return provider::Flow::dcr_pkce;
    if (!server.authorization_endpoint && server.device_authorization_endpoint) return provider::Flow::device_code;
    if (!server.authorization_endpoint) return provider::Flow::client_credentials;
    return provider::Flow::pkce;
}

std::string api_of(const DiscoveredService& service) {
    if (!service.resource && !service.is_api) return {};
    const auto& url = service.asked;
    const bool whole = url.path() == "/" || url.path().empty();
    if (whole && url.scheme() == "https") return url.authority();
    return whole ? url.origin() : url.origin() + url.path();
}

}  // namespace

net::Task<base::Result<DiscoveredService>> discover_service(http::Client& http, net::Url given, std::function<void(std::string_view)> say) {
    const auto url = without_well_known(given);
    DiscoveredService service{url, {}, false, {}, {}};
    say("Asking " + url.redacted() + " which authorization server it trusts ...");
    auto resource = co_await oauth::discover_resource(http, url);
    if (!resource && hopeless(resource.error())) co_return base::fail(resource.error());
    if (resource && resource->authorization_servers.empty())
        co_return base::fail(ErrorCode::protocol, url.redacted() + " describes itself as a protected resource, but names no authorization server",
                             "describe the service yourself: claviger provider new");
    if (resource) {
        std::optional<base::Error> last;
        for (const auto& issuer : resource->authorization_servers) {
            say("Asking the authorization server " + base::printable(issuer) + " ...");
            auto metadata = co_await oauth::discover_server(http, issuer);
            auto usable = metadata ? oauth::check_s256(*metadata, url) : base::Result<void>(base::fail(metadata.error()));
            if (!usable) {
                last = usable.error();
                continue;
            }
            service.server = std::move(*metadata);
            for (const auto& other : resource->authorization_servers) {
                if (other != issuer) service.other_servers.push_back(other);
            }
            service.resource = std::move(*resource);
            co_return service;
        }
        co_return base::fail(last->within("the authorization server that " + url.redacted() + " names is of no use"));
    }
    say("Asking " + url.redacted() + " as an authorization server ...");
    auto metadata = co_await server_at(http, url);
    const bool at_origin = url.path() == "/" || url.path().empty();
    if (!metadata && (hopeless(metadata.error()) || (at_origin && metadata.error().code != ErrorCode::not_found))) co_return base::fail(metadata.error());
    // A resource whose metadata is there and not to be believed (OA-07) is no API of whatever server its origin names.
    if (!metadata && resource.error().code != ErrorCode::not_found) co_return base::fail(resource.error());
    if (!metadata && at_origin) co_return base::fail(nothing_there(url));
    if (!metadata) {
        CO_TRY(origin, net::Url::parse(url.origin()));
        say("Asking " + origin.redacted() + " as an authorization server ...");
        metadata = co_await server_at(http, origin);
        if (!metadata && metadata.error().code == ErrorCode::not_found) co_return base::fail(nothing_there(url));
        if (!metadata) co_return base::fail(metadata.error());
        service.is_api = true;
    }
    service.server = std::move(*metadata);
    co_return service;
}

std::string suggested_name(const net::Url& url) {
    if (url.host_is_ip() || url.host() == "localhost") return "local";
    std::string host = url.host();
    while (true) {
        const auto dot = host.find('.');
        if (dot == std::string::npos || net::is_public_suffix(host.substr(dot + 1))) break;
        host.erase(0, dot + 1);
    }
    const auto name = base::to_lower(host.substr(0, host.find('.')));
    return base::valid_name(name) ? name : "service";
}

provider::ProviderDefinition definition_of(const DiscoveredService& service, const std::string& name) {
    provider::ProviderDefinition d;
    const auto& server = service.server;
    d.name = name;
    d.display_name = service.resource ? base::printable(service.resource->name, 100) : std::string();
    if (base::trim(d.display_name).empty()) {
        d.display_name = name;
        if (d.display_name.front() >= 'a' && d.display_name.front() <= 'z') d.display_name.front() = static_cast<char>(d.display_name.front() - 'a' + 'A');
    }
    d.auth_type = provider::AuthType::oauth2;
    d.flow = flow_of(server);
    if (const auto api = api_of(service); !api.empty()) d.api_urls = {api};
    provider::OAuth2 oauth;
    oauth.issuer = server.issuer;
    oauth.authorization_url = text_of(server.authorization_endpoint);
    oauth.token_url = text_of(server.token_endpoint);
    oauth.revocation_url = text_of(server.revocation_endpoint);
    oauth.device_authorization_url = text_of(server.device_authorization_endpoint);
    oauth.registration_endpoint = text_of(server.registration_endpoint);
    oauth.userinfo_url = text_of(server.userinfo_endpoint);
    if (server.require_pushed_authorization_requests) oauth.pushed_authorization_url = text_of(server.pushed_authorization_request_endpoint);
    oauth.jwks_url = text_of(server.jwks_uri);
    oauth.supports_dcr = server.registration_endpoint.has_value();
    oauth.supports_device_code = server.device_authorization_endpoint.has_value();
    oauth.token_auth_method = method_of(server);
    // A login by all these endpoints asks for no metadata: what they announce is kept here (RFC 9207 section 2.4).
    oauth.callback.iss_required = server.authorization_endpoint && server.authorization_response_iss_parameter_supported;
    if (service.resource) oauth.resource = service.resource->resource;
    take_scopes(service, oauth);
    d.oauth2 = std::move(oauth);
    std::string variable = base::to_upper(name);
    std::replace_if(variable.begin(), variable.end(), [](char c) { return c == '-' || c == '.'; }, '_');
    if (variable.front() >= '0' && variable.front() <= '9') variable.insert(0, "_");
    d.exports = {{variable + "_ACCESS_TOKEN", "access_token"}};
    return d;
}

DiscoveryNotes notes_on(const DiscoveredService& service) {
    DiscoveryNotes notes;
    const auto& server = service.server;
    if (service.resource) notes.found.push_back("an API that trusts " + base::printable(server.issuer));
    else notes.found.push_back("the authorization server " + base::printable(server.issuer));
    notes.found.push_back(server.registration_endpoint ? "it registers clients by itself: no app to register, no client id to enter"
                                                       : "it registers no clients by itself: register an app there; login asks for its client id");
    const auto offers = [&](const std::optional<net::Url>& url, std::string_view what) { (url ? notes.found : notes.missing).push_back(fmt::format("{}{}", url ? "" : "no ", what)); };
    offers(server.revocation_endpoint, "revocation endpoint: logout there");
    offers(server.userinfo_endpoint, "userinfo endpoint: whose account it is");
    offers(server.device_authorization_endpoint, "device endpoint: login without a browser on this machine");
    const auto& methods = server.code_challenge_methods_supported;
    if (holds(methods, "S256")) notes.found.push_back("PKCE with S256");
    else if (server.code_challenge_methods_stated) notes.missing.push_back("PKCE with S256: it lists other methods only; S256 is sent all the same (\"pkce\": false in the definition would switch it off)");
    else notes.missing.push_back("a word on PKCE: S256 is used, as every server should take it");
    if (server.require_pushed_authorization_requests) notes.found.push_back("it requires pushed authorization requests (RFC 9126)");
    if (!server.token_endpoint) notes.missing.push_back("token endpoint: add oauth.token_url");
    if (!service.resource && !service.is_api) notes.missing.push_back("API host: add \"api_url\", or the credential goes nowhere");
    if (server.scopes_supported.empty() && (!service.resource || service.resource->scopes_supported.empty())) notes.missing.push_back("list of scopes: see the service's documentation");
    for (const auto& other : service.other_servers) notes.missing.push_back("another authorization server was named and not used: " + base::printable(other));
    return notes;
}

}  // namespace claviger::connection
