#include "proxy/forward_proxy.hpp"

#include <utility>

#include "base/text.hpp"
#include "http2/client.hpp"
#include "net/datagram.hpp"
#include "proxy/interception.hpp"
#include "proxy/name_server.hpp"
#include "proxy/service.hpp"
#include "proxy/synthetic_addresses.hpp"
#include "proxy/transparent.hpp"

namespace claviger::proxy {
namespace {

using base::Result;

constexpr std::size_t kCredentialBytes = 32;  // PX-01: 256 bit

// Who is heard at a listener.
enum class Heard { anybody, program, led };

// What the program's own network leads here; nothing of it is there without one.
struct Led {
    static Led from(net::Loop& loop, sys::NamespaceSockets sockets) {
        Led led;
        led.ipv6 = sockets.ipv6;
        led.questions.emplace(net::DatagramSocket::adopt(loop, sockets.names.release()));
        for (auto& socket : sockets.tcp) led.listeners.push_back(net::Listener::adopt(loop, socket.release()));
        return led;
    }
    std::optional<net::DatagramSocket> questions;
    std::vector<net::Listener> listeners;  // the first for questions too
    SyntheticAddresses names;
    bool ipv6 = false;
};

class Proxy final : public ForwardProxy {
public:
    Proxy(net::Listener listener, std::unique_ptr<Session> session, base::Secret url, base::Secret reverse, std::optional<Led> led)
        : listener_(std::move(listener)), session_(std::move(session)), url_(std::move(url)), reverse_(std::move(reverse)), led_(std::move(led)) {}

    ~Proxy() override { stop(); }

    [[nodiscard]] std::uint16_t port() const override { return listener_.port(); }
    [[nodiscard]] base::Secret proxy_url() const override { return url_.duplicate(); }
    [[nodiscard]] base::Secret reverse_url() const override { return reverse_.duplicate(); }
    [[nodiscard]] const std::string& ca_certificate_pem() const override {
        return session_->leaves ? session_->leaves->authority_pem() : no_authority_;
    }
    void close() override { stop(); }

    void begin() {
        session_->loop.spawn("proxy accept", accept_all(*this, listener_, led_ ? Heard::program : Heard::anybody));
        if (!led_) return;
        session_->loop.spawn("name server", serve_names(*led_->questions, led_->names, led_->ipv6));
        for (auto& listener : led_->listeners) session_->loop.spawn("transparent accept", accept_all(*this, listener, Heard::led));
    }

private:
    void stop() {
        listener_.close();
        if (!led_) return;
        led_->questions->close();
        for (auto& listener : led_->listeners) listener.close();
    }

    static net::Task<void> accept_all(Proxy& proxy, net::Listener& listener, Heard heard) {
        for (;;) {
            auto stream = co_await listener.accept();
            if (!stream && stream.error().code == base::ErrorCode::cancelled) co_return;
            Session& session = *proxy.session_;
            if (!stream) {
                session.log.warn("proxy.accept_failed", {{"why", stream.error().message}});
                // Out of descriptors, most likely: give the open connections time to end.
                co_await session.loop.sleep(std::chrono::milliseconds(100));
                continue;
            }
            if (!session.has_room()) {
                (*stream)->close();
                record_no_room(session);
                continue;
            }
            ++session.open_connections;
            const bool asks = proxy.led_ && &listener == proxy.led_->listeners.data();
            session.loop.spawn("proxy client", serve_and_count(proxy, std::move(*stream), heard, asks));
        }
    }

    static net::Task<void> serve_and_count(Proxy& proxy, net::StreamPtr stream, Heard heard, bool asks) {
        Session& session = *proxy.session_;
        if (asks) co_await serve_names_over_tcp(std::move(stream), proxy.led_->names, proxy.led_->ipv6);
        else if (heard == Heard::led) co_await serve_led(session, proxy.led_->names, std::move(stream));
        else co_await serve_client(session, std::move(stream), heard == Heard::program);
        --session.open_connections;
    }

    net::Listener listener_;
    std::unique_ptr<Session> session_;
    base::Secret url_, reverse_;
    std::string no_authority_;
    std::optional<Led> led_;
};

// Programs read whom they trust once, at their start, so the authority lives as long as the session may (decision 17).
constexpr std::chrono::hours kAfterTheEnd{1};  // refusals are read too
constexpr std::chrono::hours kUnboundedSession{30 * 24};

Result<std::optional<LeafCache>> make_leaves(const ProxyOptions& of, const base::Clock& clock) {
    const policy::Router& router = of.router;
    crypto::CertificateAuthority::Options options;
    options.permitted_hosts = router.constraint_hosts();
    options.now = clock.now();
    options.lifetime = of.lasting ? *of.lasting + kAfterTheEnd : kUnboundedSession;
    if (options.permitted_hosts.empty()) {
        if (const auto pattern = router.first_regex(); !pattern.empty()) {
            return base::fail(base::ErrorCode::unsupported,
                              "the session's certificate authority needs names of hosts, but its connections name theirs by a "
                              "regular expression only: " + base::printable(pattern),
                              "in the definition write the host itself or *.domain in place of regex:...");
        }
        return std::optional<LeafCache>();
    }
    TRY(authority, crypto::CertificateAuthority::make(options));
    return std::optional<LeafCache>(LeafCache(std::move(authority), clock));
}

Result<net::Listener> listener_of(net::Loop& loop, ProxyOptions& options) {
    if (options.network) return net::Listener::adopt(loop, options.network->proxy.release());
    return net::Listener::loopback(loop, 0);
}

base::Secret join_secret(std::string_view before, const base::Secret& secret, std::string_view after) {
    base::WipedString text;
    text.reserve(before.size() + secret.size() + after.size());
    text.append(before);
    text.append(secret.reveal());
    text.append(after);
    return base::Secret::taking(text);
}

base::Secret basic_value(const base::Secret& user_and_password) {
    std::string encoded = base::base64_encode(user_and_password.reveal());
    base::Secret hidden = base::Secret::taking(encoded);
    return join_secret("Basic ", hidden, "");
}

}  // namespace

Result<std::unique_ptr<ForwardProxy>> ForwardProxy::start(net::Loop& loop, ProxyOptions options,
                                                          CredentialSource& credentials, const base::Clock& clock,
                                                          base::Random& random, base::Log& log) {
    TRY(leaves, make_leaves(options, clock));
    TRY(listener, listener_of(loop, options));

    // Which hosts may be on this machine is decided for each (reaches_loopback); nobody ever reaches our own listener
    // (PX-10).
    net::AddressPolicy addresses = options.addresses;
    std::optional<Led> led;
    if (options.network) led.emplace(Led::from(loop, *std::exchange(options.network, std::nullopt)));
    else addresses.refused_loopback_ports.push_back(listener.port());

    http::Client::Options client_options;
    client_options.addresses = addresses;
    client_options.extra_ca_pem = options.extra_ca_pem;
    client_options.limits = options.limits;
    client_options.proxies = options.proxies;
    client_options.idle_per_key = 64;
    client_options.speak_http2 = http2::as_http1;
    TRY(upstreams, http::Client::make(loop, std::move(client_options)));

    const base::Secret credential = random.secret_token(kCredentialBytes);
    const base::Secret user = join_secret("claviger:", credential, "");
    const std::string host = "@127.0.0.1:" + std::to_string(listener.port());
    base::Secret url = join_secret("http://", user, host);

    base::Secret token = random.secret_token(kCredentialBytes);
    base::Secret reverse = join_secret("http://127.0.0.1:" + std::to_string(listener.port()) + "/", token, "");
    OwnClients own_clients(loop, listener.port(), options.find_own_clients);
    OpenExchanges open_exchanges(loop, [&credentials, gate = options.gate](const GateRequest& request) {
        const bool stands = request.route == nullptr || credentials.stands(request.route->provider, request.route->connection);
        return stands && (gate == nullptr || gate->still_admits(request));
    });
    auto session = std::make_unique<Session>(Session{loop, std::move(options), credentials, clock, random, log, basic_value(user), std::move(token),
                                                     std::move(leaves), std::move(upstreams), addresses, std::move(own_clients), std::move(open_exchanges)});
    auto proxy = std::make_unique<Proxy>(std::move(listener), std::move(session), std::move(url), std::move(reverse), std::move(led));
    proxy->begin();
    return std::unique_ptr<ForwardProxy>(std::move(proxy));
}

}  // namespace claviger::proxy
