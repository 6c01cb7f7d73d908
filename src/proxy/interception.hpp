// What happens to one client connection of the proxy: authentication, CONNECT (intercept, tunnel or refuse), plain
// requests, and the requests inside an opened TLS session. Thread rule: on the Loop's thread; Session outlives tasks.
#pragma once

#include <optional>
#include <string>

#include "proxy/authority.hpp"
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
    std::size_t open_connections = 0;  // strangers included, who have places of their own
    [[nodiscard]] bool has_room() const { return open_connections - strangers.count() < options.max_connections; }
};

// `known`: as one of a program of the session, which holds for the whole connection.
net::Task<void> serve_client(Session& session, net::StreamPtr stream, bool known);

struct Tunnel {
    Authority to;
    bool asked = true;                // for by CONNECT, which wants an answer; else the connection was led here
    bool host_was_asked_for = false;  // the name's address was, so that the handshake need not say the name
};
// Opened, passed on blindly or refused, as the routes and rules say.
net::Task<void> serve_tunnel(Session& session, http::Connection client, Tunnel tunnel);
// A request with an absolute http URL. Gives whether the client's connection can go on.
net::Task<bool> serve_plain(Session& session, http::Connection& client, http::RequestHead head);

}  // namespace claviger::proxy
