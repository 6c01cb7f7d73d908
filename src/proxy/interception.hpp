// What happens to one client connection of the proxy: authentication, CONNECT (intercept, tunnel or refuse), plain
// requests, and the requests inside an opened TLS session. Thread rule: on the Loop's thread; Session outlives tasks.
#pragma once

#include <optional>
#include <string>

#include "proxy/exchange.hpp"
#include "proxy/forward_proxy.hpp"
#include "proxy/leaf_cache.hpp"
#include "proxy/open_exchanges.hpp"
#include "proxy/strangers.hpp"

namespace claviger::proxy {

// What every connection of one `run` session shares.
struct Session {
    net::Loop& loop;
    ProxyOptions options;
    CredentialSource& credentials;
    const base::Clock& clock;
    base::Random& random;
    base::Log& log;
    base::Secret authorization;      // the exact value of Proxy-Authorization
    base::Secret path_token;         // the first segment of a path in the reverse form
    std::optional<LeafCache> leaves;  // none when no route can be opened
    http::Client upstreams;
    net::AddressPolicy tunnel_addresses;
    OwnClients own_clients;
    OpenExchanges open_exchanges;
    ServerNonces nonces{};
    Strangers strangers{};
    std::size_t open_connections = 0;  // strangers included
};

net::Task<void> serve_client(Session& session, net::StreamPtr stream);

}  // namespace claviger::proxy
