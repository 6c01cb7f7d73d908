// The forward proxy of one `run` session, HTTP/1.1, and HTTP/2 inside of an opened tunnel where a client speaks nothing else: CONNECT with interception only for routed hosts, a blind
// tunnel or a refusal for the others; plain http only towards unrouted hosts, never with a credential (PX-11).
// Every message is parsed strictly and rebuilt; bodies stream both ways in bounded memory. Thread rule: on the
// Loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/secret.hpp"
#include "crypto/certificate_authority.hpp"
#include "http/client.hpp"
#include "net/loop.hpp"
#include "policy/passed_methods.hpp"
#include "policy/router.hpp"
#include "proxy/credential_source.hpp"
#include "proxy/own_clients.hpp"
#include "proxy/request_gate.hpp"
#include "proxy/served.hpp"
#include "sys/network_namespace.hpp"

namespace claviger::proxy {

enum class Unmatched { allow, deny };

struct ProxyOptions {
    policy::Router router;
    Unmatched unmatched = Unmatched::allow;
    net::AddressPolicy addresses;              // own listeners are added by the proxy (PX-10)
    std::string extra_ca_pem;                  // private CA for upstreams
    http::Limits limits;
    std::size_t max_connections = 256;         // PX-31
    OnServed on_served;
    // Whether a credential may go into a request now: not while that could not be written down (LG-05). Empty: always.
    std::function<base::Result<void>()> may_release{};
    http::OutboundProxiesPtr proxies = nullptr;
    bool stop_reflections = false;  // an answer that shows the credential is stopped, not passed on without it (PX-20)
    std::optional<base::Duration> lasting{};  // after which nothing is let through; empty: nobody knows (PX-26)
    RequestGate* gate = nullptr;  // null: whatever is routed is let through
    std::vector<std::string> placeholders{};  // what stands for credentials in the client's environment: sent to no routed host
    std::map<std::string, net::Url> bases{};  // provider -> where its reverse form leads
    policy::PassedMethods methods{};
    // Java and others can show no credential (PX-01). Empty: nobody is served without.
    FindOwnClients find_own_clients{};
    // The sockets of the program's own network (`run --transparent`): the proxy is heard there alone. Whoever connects to them
    // is a program of the session.
    std::optional<sys::NamespaceSockets> network{};
};

class ForwardProxy {
public:
    // What it is given outlives it and the loop's tasks.
    static base::Result<std::unique_ptr<ForwardProxy>> start(net::Loop& loop, ProxyOptions options,
                                                             CredentialSource& credentials, const base::Clock& clock,
                                                             base::Random& random, base::Log& log);
    virtual ~ForwardProxy() = default;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    // "http://claviger:<256-bit credential>@127.0.0.1:PORT" (PX-01). A secret: goes only into the child's environment.
    [[nodiscard]] virtual base::Secret proxy_url() const = 0;
    // "http://127.0.0.1:PORT/<another 256 bit>": below it lies each provider of `bases` for programs that know no proxy.
    // As secret as the other.
    [[nodiscard]] virtual base::Secret reverse_url() const = 0;
    [[nodiscard]] virtual const std::string& ca_certificate_pem() const = 0;
    virtual void close() = 0;
};

}  // namespace claviger::proxy
