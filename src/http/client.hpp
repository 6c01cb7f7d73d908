// Outgoing HTTP: one TLS policy, one address guard, no redirects, pooled keep-alive connections.
// Thread rule: on the Loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/codec.hpp"
#include "http/outbound_proxy.hpp"
#include "net/loop.hpp"
#include "net/tcp.hpp"
#include "net/tls.hpp"
#include "net/url.hpp"

namespace claviger::http {

struct Request {
    std::string method = "GET";
    net::Url url;
    Fields fields;
    base::WipedString body;  // sent with Content-Length when not empty or the method is POST/PUT/PATCH
    // It changes something at the server, whatever its method: it goes out on a connection that is fresh enough and is
    // never sent again by itself.
    bool once = false;
};

struct Response {
    int status = 0;
    Fields fields;
    base::WipedString body;
};

class Client {
public:
    struct Options {
        net::AddressPolicy addresses;
        std::string extra_ca_pem;
        std::size_t max_response_body = 1 << 20;             // OA-10
        std::chrono::milliseconds total_time{30'000};        // OA-10
        Limits limits;
        std::size_t idle_per_key = 8;
        std::chrono::milliseconds idle_time{30'000};
        std::string user_agent = "claviger";
        // Told of every exchange of send() when it has ended, well or not. What it sees holds secrets: an observer keeps
        // outlines, never values. It must not throw.
        std::function<void(const Request&, const base::Result<Response>&)> observer = {};
        OutboundProxiesPtr proxies = nullptr;  // null: straight to everything
        // Makes a stream whose TLS chose h2 one on which HTTP/1.1 is spoken. Empty: h2 is never offered.
        std::function<base::Result<net::StreamPtr>(net::Loop&, net::StreamPtr)> speak_http2 = {};
    };
    static base::Result<Client> make(net::Loop& loop, Options options);
    Client(Client&&) noexcept;
    ~Client();

    // Whole exchange, body read to the end within the limits. A 3xx is returned as it is (OA-08). http: URLs
    // only to loopback and only if the address policy allows it.
    // `left`, which outlives the task, becomes true just before the first byte of the request is written: as long as it
    // is false, the server cannot have seen anything of it.
    net::Task<base::Result<Response>> send(Request request, bool* left = nullptr);

    // For the proxy: a connection to the URL's origin (pooled under `pool_key`, which must name tenant,
    // connection and TLS settings, PX-18), on which the caller speaks by Connection. `reused` says whether it came
    // from the pool: a request that fails on a reused one before any response byte may be retried once when it is
    // idempotent or its body was not sent.
    struct Lease {
        std::unique_ptr<Connection> connection;
        bool reused = false;
        OutboundProxyPtr forwards;  // plain http goes to this proxy: it has to address() each request
    };
    struct AcquireOptions {
        // http to any address that the policy lets through. Only for requests without a credential (PX-11); otherwise
        // http goes to loopback alone.
        bool plain_http = false;
        bool http2 = false;  // offer h2, and speak it where the server chooses it
        std::optional<bool> allow_loopback;          // instead of the client's own policy: what this very host may reach
        net::Cancellation* cancellation = nullptr;   // as connect_tcp's
    };
    net::Task<base::Result<Lease>> acquire(std::string pool_key, net::Url url, net::Deadline deadline);
    net::Task<base::Result<Lease>> acquire(std::string pool_key, net::Url url, net::Deadline deadline,
                                           AcquireOptions options);
    // Keeps it for reuse only if connection.may_continue() and its body is complete and nothing unread.
    void give_back(std::string pool_key, const net::Url& url, std::unique_ptr<Connection> connection);

private:
    struct State;
    explicit Client(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace claviger::http
