// One request through the proxy: strict head in, rebuilt head out, bodies streamed both ways in bounded memory, the
// answer rebuilt. A client that hangs up, by FIN or RST, wherever the exchange waits, ends it at once and closes the
// upstream connection: half-closing a request is taken for giving it up. Upstream connections come from the pool of http::Client. Thread rule: on the Loop's thread.
#pragma once

#include <memory>

#include "http/client.hpp"
#include "inject/injection.hpp"
#include "proxy/problem.hpp"

namespace claviger::proxy {

struct ExchangeRequest {
    http::RequestHead head;  // as the client sent it
    net::Url url;            // what policy decided on: exactly this is dialled and sent (PX-03)
    std::shared_ptr<const inject::Injection> injection;  // null: forwarded without a credential
    std::string pool_key;    // tenant, connection, TLS settings (PX-18)
    bool reaches_loopback = false;  // a route names this host as one of this machine
};

struct ExchangeOutcome {
    int status = 0;  // what the client got; 0 when the connection broke before a head was sent
    std::uint64_t request_bytes = 0, response_bytes = 0;
    bool client_usable = false;  // the client's connection may carry another request
};

// `client` and `upstreams` outlive the task.
net::Task<ExchangeOutcome> exchange(net::Loop& loop, http::Client& upstreams, http::Connection& client,
                                    ExchangeRequest request);

// Answers with a problem; `drained` false: the request body was not read, so the connection closes.
net::Task<ExchangeOutcome> answer_problem(http::Connection& client, Problem problem, bool drained);

}  // namespace claviger::proxy
