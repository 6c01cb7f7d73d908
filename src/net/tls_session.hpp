// What the TLS files of net/ share: owners of OpenSSL objects, the contexts' insides, one connection's state.
// OpenSSL talks to the socket through a BIO of ours, not through SSL_set_fd: the socket's known readiness then saves
// the read that would only say EAGAIN, and MSG_NOSIGNAL covers its writes. For net/ only. Thread rule: the loop's.
#pragma once

#include <openssl/ssl.h>

#include <list>
#include <memory>
#include <string>

#include "net/socket.hpp"
#include "net/tls.hpp"

namespace claviger::net {

template <auto Free>
struct OpensslFree {
    template <class T>
    void operator()(T* object) const noexcept { Free(object); }
};
using SslPtr = std::unique_ptr<SSL, OpensslFree<&SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, OpensslFree<&SSL_CTX_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, OpensslFree<&SSL_SESSION_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<&X509_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<&BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<&EVP_PKEY_free>>;

// Tickets of past connections, newest first; those of TLS 1.3 are used once (RFC 8446 C.4). Bounded.
class ResumptionCache {
public:
    void put(const std::string& host, SslSessionPtr session);
    SslSessionPtr take(const std::string& host);

private:
    struct Entry {
        std::string host;
        SslSessionPtr session;
    };
    std::list<Entry> entries_;
};

struct TlsClientContext::Native {
    SslContextPtr context;
    ResumptionCache resumption;
};

struct TlsServerContext::Native {
    SslContextPtr context;
};

// One TLS connection. Shared by the stream and by a coroutine that waits in it, as Socket is.
struct TlsSession {
    std::shared_ptr<Socket> socket;
    std::shared_ptr<TlsClientContext::Native> client;  // on the client side
    std::string host;                                  // on the client side
    SslPtr ssl;
    bool established = false;
    bool failed = false;   // after a fatal error OpenSSL must not be asked to say goodbye
    bool writing = false;  // a record is half written: nothing else may be written now

    TlsSession() = default;
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;
    ~TlsSession() { close(); }
    void close() noexcept;
};

// A BIO on the socket, which must outlive it. Null when memory is short.
BioPtr socket_bio(Socket& socket);

// Why a call on `session` failed; takes what is on OpenSSL's error queue.
base::Error tls_handshake_error(const TlsSession& session);
base::Error tls_stream_error(int ssl_error);

// After a call that failed: waits for what OpenSSL wants, so that the call can be made again; otherwise why not.
enum class TlsStep { read, write, handshake };
Task<base::Result<void>> tls_wait(std::shared_ptr<TlsSession> session, int ssl_error, TlsStep step, Deadline deadline);

StreamPtr make_tls_stream(std::shared_ptr<TlsSession> session, std::string peer);

}  // namespace claviger::net
