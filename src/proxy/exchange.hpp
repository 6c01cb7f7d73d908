// One request through the proxy: strict head in, rebuilt head out, bodies streamed both ways in bounded memory, the
// answer rebuilt. A client that hangs up, by FIN or RST, wherever the exchange waits, ends it at once and closes the
// upstream connection: half-closing a request is taken for giving it up. Upstream connections come from the pool of
// http::Client.
// A 401 says that nothing was done, so the request is sent once more, whatever its method, with a credential that replaces
// the refused one (RF-10) or with the nonce that the API asks for (RFC 9449 section 9): when it has no body, or one of at
// most kReplayableBody bytes that was kept while it was sent. Thread rule: on the Loop's thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "http/client.hpp"
#include "proxy/client_watch.hpp"
#include "proxy/credential_source.hpp"
#include "proxy/problem.hpp"

namespace claviger::proxy {

constexpr std::size_t kReplayableBody = 64 * 1024;
using inject::kCoveredBody;

// The newest DPoP nonce of each server, per connection (RFC 9449 section 8.2). Bounded: the oldest knowledge is forgotten.
class ServerNonces {
public:
    [[nodiscard]] std::string of(const std::string& server) const;
    void learn(const std::string& server, std::string_view nonce);

private:
    static constexpr std::size_t kMost = 256, kLongest = 1024;
    std::map<std::string, std::string> newest_;
};

// What every exchange of a session shares; outlives them.
struct ExchangeSurroundings {
    net::Loop& loop;
    http::Client& upstreams;
    CredentialSource& credentials;
    const base::Clock& clock;
    base::Random& random;
    ServerNonces& nonces;
};

struct ExchangeRequest {
    http::RequestHead head;  // as the client sent it
    net::Url url;            // what policy decided on: exactly this is dialled and sent (PX-03)
    CredentialPtr credential;           // null: forwarded without one
    std::string provider, connection;   // whose it is
    std::string pool_key;    // tenant, connection, TLS settings (PX-18)
    bool reaches_loopback = false;  // a route names this host as one of this machine
    std::chrono::milliseconds idle_time{60'000};  // of the client where nothing is passed on meanwhile
    bool stops_reflections = false;  // an answer that shows the credential is not passed on without it, but stopped
    std::vector<std::string> placeholders{};  // what stands for credentials in the client's environment
};

struct ExchangeOutcome {
    int status = 0;  // what the client got; 0 when the connection broke before a head was sent
    std::string reason;  // of the problem that was answered; empty: the answer is the API's
    std::string why{};   // and what the owner may know of it
    std::uint64_t request_bytes = 0, response_bytes = 0;
    std::uint64_t scrubbed = 0;  // secrets of the credential that the answer showed
    bool client_usable = false;  // the client's connection may carry another request
};

// `client` and `watch`, which watches it, outlive the task.
net::Task<ExchangeOutcome> exchange(ExchangeSurroundings with, http::Connection& client, ClientWatch& watch, ExchangeRequest request);

// Answers with a problem; `drained` false: the request body was not read, so the connection closes.
net::Task<ExchangeOutcome> answer_problem(http::Connection& client, Problem problem, bool drained);

}  // namespace claviger::proxy
