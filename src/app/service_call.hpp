// One request of our own to a service, with a connection's credential put in as for a program's request: identity,
// userinfo, probe. Thread rule: on the Loop's thread; borrows what it is given until the task is done.
#pragma once

#include <string>

#include "app/config.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "connection/connections.hpp"
#include "http/client.hpp"
#include "net/loop.hpp"
#include "provider/definition.hpp"

namespace claviger::app {

// As the environment of this process says.
http::OutboundProxiesPtr outbound_proxies();

// How requests of a definition leave this process: one made for a server on this machine may reach it, others may not.
// `variables`: of the connection, or those given for a login.
base::Result<http::Client::Options> outgoing_options(const Config& config, const provider::ProviderDefinition& definition,
                                                     const provider::VariableValues& variables);

struct ServiceParts {
    http::Client& http;
    connection::Connections& connections;  // for the client that signs with the connection
    const base::Clock& clock;
    base::Random& random;
};

// `url` must be one that the definition itself names for its credential (a security field), or that the issuer's metadata
// named at the login. No redirect is followed. Errors: needs_login, as for any use of the connection; those of http.
net::Task<base::Result<http::Response>> call_service(ServiceParts with, const provider::ProviderDefinition& definition,
                                                     const connection::Connection& connection, std::string method, net::Url url);

}  // namespace claviger::app
