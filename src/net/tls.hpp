// TLS 1.2 and 1.3 over a TCP stream, by OpenSSL on the stream's socket (its buffers are released while a
// connection idles). Verification has no off switch (PX-25). Thread rule: contexts are immutable and may
// be shared on one Loop; streams as net/stream.hpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "net/stream.hpp"
#include "net/tcp.hpp"

namespace claviger::net {

// Trust for outgoing connections: the system store, or exactly the given PEM file as well (a private CA that the
// definition or the user's configuration names). Never SSL_CERT_FILE of the environment.
class TlsClientContext {
public:
    struct Options {
        std::string extra_ca_pem;  // PEM text, empty = system store only
        bool http2 = false;        // ALPN offers h2 before http/1.1: look at the stream's protocol()
    };
    static base::Result<TlsClientContext> make(const Options& options);
    struct Native;
    [[nodiscard]] Native& native() const { return *native_; }
    [[nodiscard]] const std::shared_ptr<Native>& shared_native() const { return native_; }

private:
    std::shared_ptr<Native> native_;
};

// Takes over `tcp`, which connect_tcp or Listener::accept made. Verifies chain and SAN against `host`;
// ALPN offers http/1.1, and h2 where the context says so. A context resumes earlier sessions with the same host (certificates are looked at again after
// an hour at most). ErrorCode::tls with the reason for people; nothing was sent but the handshake.
Task<base::Result<StreamPtr>> tls_connect(StreamPtr tcp, TlsClientContext context, std::string host, Deadline deadline);

// What a server shows: chain and key in PEM (leaf first), made once and shared (leaf cache of the proxy).
class TlsServerContext {
public:
    // `http2`: h2 is chosen where a client offers no HTTP/1 at all.
    static base::Result<TlsServerContext> make(std::string_view chain_pem, const base::Secret& key_pem, bool http2 = false);
    struct Native;
    [[nodiscard]] Native& native() const { return *native_; }

private:
    std::shared_ptr<Native> native_;
};

struct TlsAccepted {
    StreamPtr stream;
    std::string sni;  // lower case, empty when the client sent none
};
Task<base::Result<TlsAccepted>> tls_accept(StreamPtr tcp, TlsServerContext context, Deadline deadline);

}  // namespace claviger::net
