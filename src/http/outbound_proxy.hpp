// The proxy that this machine's requests have to go through, as the environment says it: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY
// and NO_PROXY, in small letters first, read as curl and Go read them. A proxy that dials for us also resolves for us, so
// only what a target is called can be checked (docs/security-model.md). Thread rule: immutable, shared; tasks on the
// Loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "http/message.hpp"
#include "net/loop.hpp"
#include "net/tcp.hpp"
#include "net/url.hpp"

namespace claviger::http {

struct OutboundProxy {
    std::string variable;             // which names it, for people
    std::string host;                 // to dial; no brackets
    std::uint16_t port = 0;
    base::Secret authorization;       // the value of Proxy-Authorization (RFC 9110 section 11.7.2); may be empty
    std::optional<base::Error> unusable;  // what is wrong with it; every use gives this

    [[nodiscard]] std::string name() const;  // "proxy.corp:3128", never with the credential
    // A request for plain http, which the proxy itself answers (RFC 9112 section 3.2.2).
    void address(RequestHead& head, const net::Url& url) const;
};
using OutboundProxyPtr = std::shared_ptr<const OutboundProxy>;

class OutboundProxies {
public:
    using Lookup = std::function<std::optional<std::string>(const std::string& name)>;
    static std::shared_ptr<const OutboundProxies> from(const Lookup& environment);

    // Null: straight to it. So is everything on this machine. `host` is canonical, IPv6 in brackets.
    [[nodiscard]] OutboundProxyPtr proxy_for(std::string_view scheme, std::string_view host, std::uint16_t port) const;

private:
    [[nodiscard]] bool bypassed(std::string_view host, std::uint16_t port) const;
    OutboundProxyPtr for_https_, for_http_;
    std::vector<std::string> bypass_;  // elements of NO_PROXY, canonical
};
using OutboundProxiesPtr = std::shared_ptr<const OutboundProxies>;

// Whether a proxy may be asked for this target: an address has to pass the policy as if it were dialled here.
base::Result<void> check_far_target(const net::TcpTarget& target, const net::AddressPolicy& policy);

// To the proxy itself. Errors are ErrorCode::network and name it; cancelled and address_refused as connect_tcp's.
// `cancellation` as connect_tcp's.
net::Task<base::Result<net::StreamPtr>> connect_to_proxy(net::Loop& loop, OutboundProxyPtr proxy, net::TcpTarget target,
                                                         net::AddressPolicy policy, net::Deadline deadline, net::Cancellation* cancellation);

struct Tunnelled {
    net::StreamPtr stream;
    base::WipedString first_bytes;  // of a target that speaks first
};
// To the target, by CONNECT (RFC 9110 section 9.3.6), or straight to it when `proxy` is null. Errors as above.
net::Task<base::Result<Tunnelled>> connect_through(net::Loop& loop, OutboundProxyPtr proxy, net::TcpTarget target,
                                                   net::AddressPolicy policy, net::Deadline deadline, net::Cancellation* cancellation);

}  // namespace claviger::http
