// Discovery: RFC 8414 and OpenID Connect metadata of an authorization server, RFC 9728 metadata of a protected
// resource. Only https (loopback http aside), redirects only within the same origin, the issuer and the resource
// must be the ones that were asked for (OA-06, OA-07). Thread rule: on the Loop's thread; the readers are pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/client.hpp"
#include "oauth/types.hpp"

namespace claviger::oauth {

// The issuer as servers write it: an origin without path has no final slash.
std::string issuer_text(const net::Url& issuer, bool final_slash);

// Where metadata may lie, in the order to try: RFC 8414 section 3.1 (inserted), OpenID inserted, OpenID appended.
std::vector<net::Url> server_metadata_urls(const net::Url& issuer);
// `issuer` must stand in the document exactly (RFC 8414 section 3.3): ErrorCode::protocol otherwise.
base::Result<ServerMetadata> read_server_metadata(std::string_view document, std::string_view issuer);
net::Task<base::Result<ServerMetadata>> discover_server(http::Client& http, std::string issuer);

// A client of a protected resource does PKCE with S256 or nothing (OA-02, MCP): ErrorCode::authorization_failed where the
// metadata of its server does not list it. Only for servers that have an authorization endpoint to use it at.
base::Result<void> check_s256(const ServerMetadata& server, const net::Url& resource);

struct ProtectedResource {
    std::string resource, name;
    std::vector<std::string> authorization_servers, scopes_supported, bearer_methods_supported;
};

std::vector<net::Url> resource_metadata_urls(const net::Url& resource);
// `resource` must be the URL that was asked, or, when `parent_allowed`, one of its parents on the same origin.
base::Result<ProtectedResource> read_protected_resource(std::string_view document, const net::Url& asked,
                                                        bool parent_allowed);
// The `resource_metadata` parameter of a WWW-Authenticate field (RFC 9728 section 5.1); empty when there is none.
std::string resource_metadata_of(std::string_view www_authenticate);
// Whether such a parameter of `resource` may be followed (OA-07): https; no address of this machine or of a private network,
// unless the resource is there itself. ErrorCode::protocol otherwise, before anything is sent.
base::Result<void> check_metadata_place(const net::Url& place, const net::Url& resource);
// Asks the well-known places, then the resource itself for a challenge.
net::Task<base::Result<ProtectedResource>> discover_resource(http::Client& http, net::Url resource);

}  // namespace claviger::oauth
