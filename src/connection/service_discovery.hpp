// From a URL to a definition: what a service publishes about itself (RFC 9728, RFC 8414, OpenID Connect Discovery), and
// the definition that follows from it. Thread rule: on the Loop's thread; definition_of is pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "net/task.hpp"
#include "oauth/discovery.hpp"
#include "provider/definition.hpp"

namespace claviger::connection {

struct DiscoveredService {
    net::Url asked;
    std::optional<oauth::ProtectedResource> resource;  // the URL was an API or an MCP server that names its server
    bool is_api = false;                               // by its origin's server alone, as older MCP servers have it
    oauth::ServerMetadata server;
    std::vector<std::string> other_servers;            // further ones that the resource names
};

// Asks as a resource first, then as an issuer (also with the final slash that some write), then its origin as an issuer.
// `say` hears what is being tried. ErrorCode::not_found when nothing is published; what else goes wrong ends it at once
// only where another place could not mend it (network, TLS, the address guard).
net::Task<base::Result<DiscoveredService>> discover_service(http::Client& http, net::Url url,
                                                            std::function<void(std::string_view)> say);

// A name out of a host: "mcp.acme.co.uk" -> "acme".
std::string suggested_name(const net::Url& url);
// Validates (provider/validate.hpp) unless the server's own words are bad.
provider::ProviderDefinition definition_of(const DiscoveredService& service, const std::string& name);
// What a person should know: what was found, and what is missing or unusual.
struct DiscoveryNotes { std::vector<std::string> found, missing; };
DiscoveryNotes notes_on(const DiscoveredService& service);

}  // namespace claviger::connection
