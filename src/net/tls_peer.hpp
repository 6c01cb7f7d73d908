// A TLS peer straight on OpenSSL with no security at all, in a thread of its own and blocking: what a test of
// net/ needs to meet bad certificates, old versions and broken ends. For tests of net/ only.
#pragma once

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <thread>

#include "net/certificate_fixture.hpp"

namespace claviger::net::fixture {

using SslContext = std::shared_ptr<SSL_CTX>;

inline SslContext insecure_context(const SSL_METHOD* method, int min_version, int max_version) {
    SslContext context(SSL_CTX_new(method), SSL_CTX_free);
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), min_version);
    SSL_CTX_set_max_proto_version(context.get(), max_version);
    SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
    return context;
}

inline SslContext server_context(const std::vector<Certificate>& chain, const Key& key, int min_version = TLS1_VERSION, int max_version = 0) {
    auto context = insecure_context(TLS_server_method(), min_version, max_version);
    SSL_CTX_use_certificate(context.get(), chain.front().get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
    for (std::size_t i = 1; i < chain.size(); ++i) SSL_CTX_add1_chain_cert(context.get(), chain[i].get());
    return context;
}

struct Seen {
    bool handshake_done = false;
    bool resumed = false;
    std::size_t application_bytes = 0;
    std::string version, protocol;
};

inline void set_time_limit(int fd) {
    const timeval limit{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

// Serves connections one after another until it is destroyed.
class Peer {
public:
    using Talk = std::function<void(SSL*, Seen&)>;  // after a handshake that worked

    explicit Peer(SslContext context, Talk talk = drain) : context_(std::move(context)), talk_(std::move(talk)) {
        listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        ::bind(listening_, reinterpret_cast<sockaddr*>(&address), size);
        ::listen(listening_, 16);
        ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~Peer() { finish(); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    // Ends the thread; then what it saw, one entry a connection.
    const std::vector<Seen>& finish() {
        if (thread_.joinable()) {
            ::shutdown(listening_, SHUT_RDWR);
            thread_.join();
            ::close(listening_);
        }
        return seen_;
    }

    static void drain(SSL* ssl, Seen& seen) {
        char buffer[4096];
        for (int count = 0; (count = SSL_read(ssl, buffer, sizeof buffer)) > 0;) seen.application_bytes += static_cast<std::size_t>(count);
        SSL_shutdown(ssl);
    }

private:
    void serve() {
        for (int fd = -1; (fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
            set_time_limit(fd);
            Seen seen;
            const std::shared_ptr<SSL> ssl(SSL_new(context_.get()), SSL_free);
            SSL_set_fd(ssl.get(), fd);
            ERR_clear_error();
            if (SSL_accept(ssl.get()) == 1) {
                seen.handshake_done = true;
                seen.resumed = SSL_session_reused(ssl.get()) == 1;
                seen.version = SSL_get_version(ssl.get());
                talk_(ssl.get(), seen);
            }
            ::close(fd);
            seen_.push_back(seen);
        }
    }

    SslContext context_;
    Talk talk_;
    int listening_ = -1;
    std::uint16_t port_ = 0;
    std::vector<Seen> seen_;
    std::thread thread_;
};

}  // namespace claviger::net::fixture
