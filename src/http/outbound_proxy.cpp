#include "http/outbound_proxy.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "http/codec.hpp"
#include "net/ip_address.hpp"

namespace claviger::http {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kAnswerBytes = 16 * 1024;

std::string without_brackets(std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return std::string(host);
}

bool is_ipv6(std::string_view dialled) { return dialled.find(':') != std::string_view::npos; }

std::string authority_of(const net::TcpTarget& target) {
    return (is_ipv6(target.host) ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
}

Result<base::Secret> basic_credentials(const net::Url& url) {
    if (!url.has_userinfo()) return base::Secret();
    auto user = base::percent_decode(url.username());
    auto password = base::percent_decode(url.password());
    if (!user || !password || user->find(':') != std::string::npos) return base::fail(ErrorCode::invalid_input, "its user name and password cannot be read");
    base::WipedString pair(*user);
    pair.append(":").append(*password);
    auto encoded = base::base64_encode(pair);
    base::WipedString value("Basic ");
    value.append(encoded);
    for (std::string* text : {&*user, &*password, &encoded}) base::wipe(text->data(), text->size());
    base::wipe(pair.data(), pair.size());
    return base::Secret::taking(value);
}

// What stands in the variable holds a password: it is in no message.
OutboundProxyPtr read_proxy(const std::string& variable, std::string_view text) {
    auto proxy = std::make_shared<OutboundProxy>();
    proxy->variable = variable;
    const auto refuse = [&](const std::string& why) {
        proxy->unusable = base::Error::make(ErrorCode::network, variable + " names a proxy that cannot be used: " + why);
        return proxy;
    };
    const auto scheme_end = text.find("://");
    const auto scheme = base::to_lower(scheme_end == std::string_view::npos ? "http" : text.substr(0, scheme_end));
    if (scheme != "http") return refuse("only http:// proxies are spoken to, not " + base::printable(scheme, 20) + "://");
    const auto url = net::Url::parse(scheme_end == std::string_view::npos ? "http://" + std::string(text) : std::string(text));
    if (!url) return refuse("it is no URL");
    proxy->host = url->dial_host();
    proxy->port = url->port();
    auto authorization = basic_credentials(*url);
    if (!authorization) return refuse(authorization.error().message);
    proxy->authorization = std::move(*authorization);
    return proxy;
}

OutboundProxyPtr first_of(const OutboundProxies::Lookup& environment, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        const auto text = environment(name);
        if (!text) continue;
        const auto trimmed = base::trim(*text);
        if (!trimmed.empty()) return read_proxy(name, trimmed);
    }
    return nullptr;
}

std::optional<net::IpAddress> address_in(std::string_view host) { return net::IpAddress::parse(without_brackets(host)); }

bool in_network(std::string_view network, std::string_view host) {
    const auto slash = network.find('/');
    const auto digits = network.substr(slash + 1);
    int prefix = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    const auto first = address_in(network.substr(0, slash));
    const auto address = address_in(host);
    if (error != std::errc{} || end != digits.data() + digits.size() || !first || !address) return false;
    return prefix >= 0 && prefix <= (first->is_v4() ? 32 : 128) && first->is_v4() == address->is_v4() && address->within(*first, prefix);
}

// "acme.example" and ".acme.example" and "*.acme.example" mean the host and all below it.
bool covers(std::string_view element, std::string_view host, std::uint16_t port) {
    if (element == "*") return true;
    if (element.find('/') != std::string_view::npos) return in_network(element, host);
    const auto colon = element.rfind(':');
    const bool has_port = colon != std::string_view::npos && element.find(':') == colon;
    const bool bracketed_port = colon != std::string_view::npos && colon > 0 && element[colon - 1] == ']';
    if (has_port || bracketed_port) {
        if (element.substr(colon + 1) != std::to_string(port)) return false;
        element = element.substr(0, colon);
    }
    if (element.starts_with("*.")) element.remove_prefix(2);
    while (element.starts_with('.')) element.remove_prefix(1);
    if (element.empty()) return false;
    if (without_brackets(host) == without_brackets(element)) return true;
    const bool below = host.size() > element.size() && host.ends_with(element) && host[host.size() - element.size() - 1] == '.';
    return below && !address_in(host);
}

bool on_this_machine(std::string_view scheme, std::string_view host) {
    const auto url = net::Url::parse(std::string(scheme) + "://" + std::string(host) + "/");
    return url && url->host_is_loopback();
}

base::Error about(const OutboundProxy& proxy, const std::string& what) {
    return base::Error::make(ErrorCode::network, "the proxy " + proxy.name() + " (" + proxy.variable + ") " + what);
}

base::Error of_stream(const OutboundProxy& proxy, const base::Error& error) {
    if (error.code == ErrorCode::cancelled || error.code == ErrorCode::address_refused) return error;
    if (error.code == ErrorCode::timeout) return about(proxy, "did not answer in time");
    return about(proxy, "cannot be reached: " + error.message);
}

// A peer that hangs up is no cancellation of ours.
base::Error of_answer(const OutboundProxy& proxy, const base::Error& error, const net::Cancellation* cancellation) {
    if (error.code == ErrorCode::protocol) return about(proxy, "broke HTTP: " + error.message);
    if (error.code == ErrorCode::cancelled && (cancellation == nullptr || !cancellation->cancelled())) return about(proxy, "closed the connection");
    return of_stream(proxy, error);
}

RequestHead connect_head(const OutboundProxy& proxy, const net::TcpTarget& target) {
    RequestHead head;
    head.method = "CONNECT";
    head.target = authority_of(target);
    head.fields.add("Host", head.target);
    head.fields.add("User-Agent", "claviger");
    if (!proxy.authorization.empty()) head.fields.add("Proxy-Authorization", proxy.authorization.reveal());
    return head;
}

std::string refusal(int status) {
    if (status == 407) return "wants other credentials than the environment has for it (407)";
    return "refused the connection with status " + std::to_string(status);
}

net::Task<Result<Tunnelled>> open_tunnel(net::StreamPtr stream, OutboundProxyPtr proxy, net::TcpTarget target, net::Deadline deadline,
                                         net::Cancellation* cancellation) {
    Limits limits;
    limits.header_bytes = kAnswerBytes;
    Connection connection(std::move(stream), limits);
    auto head = connect_head(*proxy, target);
    auto sent = co_await connection.write_message(std::move(head), std::string_view(), deadline);
    if (!sent) co_return base::fail(of_stream(*proxy, sent.error()));
    int status = 0;
    while (status < 200) {  // Connection bounds the number of interim answers
        auto answer = co_await connection.read_response_head("CONNECT", deadline);
        if (!answer) co_return base::fail(of_answer(*proxy, answer.error(), cancellation));
        status = answer->status;
        if (status == 101) break;
    }
    if (status / 100 != 2) co_return base::fail(about(*proxy, refusal(status)));
    Tunnelled tunnelled;
    tunnelled.first_bytes = connection.take_unread();
    auto released = connection.release();
    if (!released) co_return base::fail(std::move(released).error());
    tunnelled.stream = std::move(*released);
    co_return std::move(tunnelled);
}

}  // namespace

std::string OutboundProxy::name() const { return authority_of({host, port}); }

void OutboundProxy::address(RequestHead& head, const net::Url& url) const {
    head.target = url.origin() + head.target;
    if (!authorization.empty()) head.fields.set("Proxy-Authorization", authorization.reveal());
}

OutboundProxiesPtr OutboundProxies::from(const Lookup& environment) {
    auto proxies = std::make_shared<OutboundProxies>();
    proxies->for_https_ = first_of(environment, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
    proxies->for_http_ = first_of(environment, {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"});
    auto list = environment("no_proxy");
    if (!list) list = environment("NO_PROXY");
    std::string text = list.value_or("");
    std::replace(text.begin(), text.end(), ' ', ',');
    for (const auto& element : base::split(text, ',')) {
        const auto name = base::to_lower(base::trim(element));
        if (!name.empty()) proxies->bypass_.push_back(name);
    }
    return proxies;
}

bool OutboundProxies::bypassed(std::string_view host, std::uint16_t port) const {
    return std::any_of(bypass_.begin(), bypass_.end(), [&](const std::string& element) { return covers(element, host, port); });
}

OutboundProxyPtr OutboundProxies::proxy_for(std::string_view scheme, std::string_view host, std::uint16_t port) const {
    const auto& proxy = scheme == "http" || scheme == "ws" ? for_http_ : for_https_;
    if (proxy == nullptr || on_this_machine(scheme, host) || bypassed(host, port)) return nullptr;
    return proxy;
}

Result<void> check_far_target(const net::TcpTarget& target, const net::AddressPolicy& policy) {
    if (!address_in(target.host)) return {};
    return net::check_address(target.host, target.port, policy);
}

net::Task<Result<net::StreamPtr>> connect_to_proxy(net::Loop& loop, OutboundProxyPtr proxy, net::TcpTarget target, net::AddressPolicy policy,
                                                   net::Deadline deadline, net::Cancellation* cancellation) {
    if (proxy->unusable) co_return base::fail(*proxy->unusable);
    CO_TRY_VOID(check_far_target(target, policy));
    // Whoever set the variable chose where it is: usually a private address, or this machine. Never our own listener.
    policy.allow_loopback = true;
    policy.allow_private = true;
    net::TcpTarget where{proxy->host, proxy->port};
    auto stream = co_await net::connect_tcp(loop, std::move(where), std::move(policy), deadline, cancellation);
    if (!stream) co_return base::fail(of_stream(*proxy, stream.error()));
    co_return stream;
}

net::Task<Result<Tunnelled>> connect_through(net::Loop& loop, OutboundProxyPtr proxy, net::TcpTarget target, net::AddressPolicy policy,
                                             net::Deadline deadline, net::Cancellation* cancellation) {
    if (proxy == nullptr) {
        auto direct = co_await net::connect_tcp(loop, std::move(target), std::move(policy), deadline, cancellation);
        if (!direct) co_return base::fail(std::move(direct).error());
        co_return Tunnelled{std::move(*direct), {}};
    }
    auto stream = co_await connect_to_proxy(loop, proxy, target, std::move(policy), deadline, cancellation);
    if (!stream) co_return base::fail(std::move(stream).error());
    auto tunnelled = co_await open_tunnel(std::move(*stream), std::move(proxy), std::move(target), deadline, cancellation);
    co_return tunnelled;
}

}  // namespace claviger::http
