#include "oauth/discovery.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "net/tcp.hpp"
#include "oauth/foreign_text.hpp"
#include "oauth/metadata_fetch.hpp"

namespace claviger::oauth {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxListed = 1000;

std::vector<std::string> texts(const json::Object& object, std::string_view key) {
    std::vector<std::string> out;
    const auto* array = json::array_at(object, key);
    if (array == nullptr) return out;
    for (const auto& item : *array)
        if (item.is_string() && out.size() < kMaxListed) out.emplace_back(std::string_view(item.get_string()));
    return out;
}

// `local`: the document is about this machine. A server elsewhere must not point us at services of this machine: its
// word would turn our requests against them.
base::Result<std::optional<net::Url>> endpoint(const json::Object& object, std::string_view key, bool local) {
    const auto text = json::string_at(object, key);
    if (!text) return std::optional<net::Url>();
    auto url = net::Url::parse(*text);
    if (!url) return base::fail(ErrorCode::protocol, fmt::format("the metadata's {} is not a URL", key));
    if (auto good = check_endpoint(*url, key); !good)
        return base::fail(ErrorCode::protocol, "the metadata is not usable: " + good.error().message);
    if (url->host_is_loopback() && !local)
        return base::fail(ErrorCode::protocol, fmt::format("the metadata's {} points at this machine", key));
    return std::optional<net::Url>(*url);
}

net::Url with_path(const net::Url& base, const std::string& path) {
    return *base.resolve(path);  // an absolute path against a checked URL always resolves
}

std::string path_without_final_slash(const net::Url& url) {
    std::string path = url.path();
    while (!path.empty() && path.back() == '/') path.pop_back();
    return path;
}

}  // namespace

std::string issuer_text(const net::Url& issuer, bool final_slash) {
    auto text = issuer.text();
    if (!final_slash && issuer.path() == "/" && text.ends_with('/')) text.pop_back();
    return text;
}

std::vector<net::Url> server_metadata_urls(const net::Url& issuer) {
    const auto path = path_without_final_slash(issuer);
    std::vector<net::Url> urls{with_path(issuer, "/.well-known/oauth-authorization-server" + path),
                               with_path(issuer, "/.well-known/openid-configuration" + path)};
    if (!path.empty()) urls.push_back(with_path(issuer, path + "/.well-known/openid-configuration"));
    return urls;
}

base::Result<ServerMetadata> read_server_metadata(std::string_view document, std::string_view issuer) {
    auto value = json::parse(document);
    if (!value || !value->is_object()) return base::fail(ErrorCode::protocol, "the metadata is not a JSON object");
    const auto& object = value->get_object();
    const auto said = json::string_at(object, "issuer");
    if (!said || *said != issuer) {
        return base::fail(ErrorCode::protocol,
                          fmt::format("the metadata names the issuer '{}' instead of '{}'",
                                      said ? clean_text(*said) : "", base::printable(issuer)),
                          "write the issuer in the definition exactly as the server does");
    }
    const auto issuer_url = net::Url::parse(issuer);
    const bool local = issuer_url && issuer_url->host_is_loopback();
    ServerMetadata metadata;
    metadata.issuer = std::string(*said);
    struct Place { std::string_view key; std::optional<net::Url>* into; };
    const Place places[] = {
        {"authorization_endpoint", &metadata.authorization_endpoint},
        {"token_endpoint", &metadata.token_endpoint},
        {"registration_endpoint", &metadata.registration_endpoint},
        {"revocation_endpoint", &metadata.revocation_endpoint},
        {"device_authorization_endpoint", &metadata.device_authorization_endpoint},
        {"userinfo_endpoint", &metadata.userinfo_endpoint},
        {"jwks_uri", &metadata.jwks_uri},
        {"pushed_authorization_request_endpoint", &metadata.pushed_authorization_request_endpoint},
    };
    for (const auto& place : places) {
        TRY(url, endpoint(object, place.key, local));
        *place.into = std::move(url);
    }
    metadata.scopes_supported = texts(object, "scopes_supported");
    metadata.code_challenge_methods_supported = texts(object, "code_challenge_methods_supported");
    metadata.code_challenge_methods_stated = json::array_at(object, "code_challenge_methods_supported") != nullptr;
    metadata.token_endpoint_auth_methods_supported = texts(object, "token_endpoint_auth_methods_supported");
    metadata.grant_types_supported = texts(object, "grant_types_supported");
    metadata.authorization_response_iss_parameter_supported =
        json::bool_at(object, "authorization_response_iss_parameter_supported").value_or(false);
    metadata.require_pushed_authorization_requests =
        json::bool_at(object, "require_pushed_authorization_requests").value_or(false);
    return metadata;
}

net::Task<base::Result<ServerMetadata>> discover_server(http::Client& http, std::string issuer) {
    CO_TRY(url, net::Url::parse(issuer));
    CO_TRY_VOID(check_endpoint(url, "issuer"));
    if (url.query()) co_return base::fail(ErrorCode::invalid_input, "the issuer has a query", "write it without one");
    std::optional<base::Error> not_json;
    for (const auto& place : server_metadata_urls(url)) {
        auto document = co_await fetch_metadata(http, place);
        if (!document) co_return base::fail(document.error());
        if (!*document) continue;
        // A site that answers every path with its front page has no metadata there: look on.
        if (!base::trim(**document).starts_with('{')) continue;
        co_return read_server_metadata(**document, issuer);
    }
    co_return base::fail(ErrorCode::not_found,
                         fmt::format("{} publishes no authorization server metadata", url.redacted()),
                         "write authorization_url and token_url into the definition");
}

base::Result<void> check_s256(const ServerMetadata& server, const net::Url& resource) {
    const auto& methods = server.code_challenge_methods_supported;
    if (!server.authorization_endpoint || std::find(methods.begin(), methods.end(), "S256") != methods.end()) return {};
    return base::fail(ErrorCode::authorization_failed,
                      fmt::format("the authorization server {} of {} does not announce PKCE with S256, without which no code is asked of it",
                                  base::printable(server.issuer), resource.redacted()),
                      "ask its operator to list S256 in code_challenge_methods_supported");
}

std::vector<net::Url> resource_metadata_urls(const net::Url& resource) {
    const auto path = path_without_final_slash(resource);
    std::vector<net::Url> urls{with_path(resource, "/.well-known/oauth-protected-resource" + path)};
    if (!path.empty()) urls.push_back(with_path(resource, "/.well-known/oauth-protected-resource"));
    return urls;
}

base::Result<ProtectedResource> read_protected_resource(std::string_view document, const net::Url& asked,
                                                        bool parent_allowed) {
    auto value = json::parse(document);
    if (!value || !value->is_object())
        return base::fail(ErrorCode::protocol, "the resource metadata is not a JSON object");
    const auto& object = value->get_object();
    const auto said = json::string_at(object, "resource").value_or("");
    const auto url = net::Url::parse(said);
    const auto path = url ? path_without_final_slash(*url) : std::string();
    const auto asked_path = path_without_final_slash(asked);
    const bool same = url && url->origin() == asked.origin() && !url->fragment() && path == asked_path;
    const bool parent = url && parent_allowed && url->origin() == asked.origin() && !url->query() && !url->fragment() &&
                        asked_path.starts_with(path) && (path.size() == asked_path.size() || asked_path[path.size()] == '/');
    if (!same && !parent) {
        return base::fail(ErrorCode::protocol,
                          fmt::format("the resource metadata is for '{}', not for {}", clean_text(said), asked.redacted()),
                          "ask with the URL that the service itself names");
    }
    ProtectedResource resource;
    resource.resource = std::string(said);
    resource.name = clean_text(json::string_at(object, "resource_name").value_or(""));
    for (const auto& server : texts(object, "authorization_servers")) {
        const auto server_url = net::Url::parse(server);
        if (server_url && (asked.host_is_loopback() || !server_url->host_is_loopback()))
            resource.authorization_servers.push_back(server);
    }
    resource.scopes_supported = texts(object, "scopes_supported");
    resource.bearer_methods_supported = texts(object, "bearer_methods_supported");
    return resource;
}

std::string resource_metadata_of(std::string_view www_authenticate) {
    constexpr std::string_view kName = "resource_metadata";
    const auto lower = base::to_lower(www_authenticate);
    for (auto at = lower.find(kName); at != std::string::npos; at = lower.find(kName, at + 1)) {
        const bool starts = at == 0 || lower[at - 1] == ' ' || lower[at - 1] == ',' || lower[at - 1] == '\t';
        auto rest = base::trim(www_authenticate.substr(at + kName.size()));
        if (!starts || !rest.starts_with('=')) continue;
        rest = base::trim(rest.substr(1));
        if (!rest.starts_with('"')) return std::string(rest.substr(0, rest.find_first_of(", \t")));
        rest.remove_prefix(1);
        const auto end = rest.find('"');
        return end == std::string_view::npos ? std::string() : std::string(rest.substr(0, end));
    }
    return {};
}

base::Result<void> check_metadata_place(const net::Url& place, const net::Url& resource) {
    const auto refused = [&](std::string_view why) {
        return base::fail(ErrorCode::protocol, fmt::format("{} names metadata at {}, which {}", resource.redacted(), place.redacted(), why),
                          "name the issuer of the service instead");
    };
    if (!check_endpoint(place, "resource_metadata")) return refused("is no plain https URL");
    if (place.host_is_loopback()) return resource.host_is_loopback() ? base::Result<void>() : refused("is on this machine");
    if (!place.host_is_ip() || place.host() == resource.host()) return {};
    if (!net::check_address(place.dial_host(), place.port(), {})) return refused("is an address of a private network");
    return {};
}

net::Task<base::Result<ProtectedResource>> discover_resource(http::Client& http, net::Url resource) {
    CO_TRY_VOID(check_endpoint(resource, "resource URL"));
    bool parent_allowed = false;  // only the document at the root may speak for a parent
    for (const auto& place : resource_metadata_urls(resource)) {
        auto document = co_await fetch_metadata(http, place);
        if (!document) co_return base::fail(document.error());
        if (*document && base::trim(**document).starts_with('{'))
            co_return read_protected_resource(**document, resource, parent_allowed);
        parent_allowed = true;
    }
    http::Request request{"GET", resource, {}, {}};
    auto answer = co_await http.send(std::move(request));
    if (!answer) co_return base::fail(answer.error().within("cannot reach " + resource.redacted()));
    std::string place;
    for (const auto field : answer->fields.all("WWW-Authenticate"))
        if (place.empty()) place = resource_metadata_of(field);
    if (answer->status == 401 && !place.empty()) {
        const auto url = net::Url::parse(place);
        if (!url) co_return base::fail(ErrorCode::protocol, fmt::format("{} names metadata at what is not a URL", resource.redacted()));
        CO_TRY_VOID(check_metadata_place(*url, resource));
        auto document = co_await fetch_metadata(http, *url);
        if (!document) co_return base::fail(document.error());
        if (*document) co_return read_protected_resource(**document, resource, true);
    }
    co_return base::fail(ErrorCode::not_found,
                         fmt::format("{} publishes no protected resource metadata", resource.redacted()),
                         "name the issuer of the service instead");
}

}  // namespace claviger::oauth
