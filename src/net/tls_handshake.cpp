#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <cerrno>

#include "base/text.hpp"
#include "net/ip_address.hpp"
#include "net/socket_stream.hpp"
#include "net/tls_session.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

namespace {

// X509_CHECK_FLAG_* of openssl/x509v3.h, which crypto/ alone includes; the values are OpenSSL's ABI, and the
// certificate tests prove what they do.
constexpr unsigned kNoPartialWildcards = 0x4;  // "f*.example"
constexpr unsigned kNeverCheckSubject = 0x20;  // the common name is no host name (RFC 9110 4.3.4)

// Takes the socket out of a stream that TCP made.
Result<std::shared_ptr<TlsSession>> session_on(StreamPtr& tcp, SSL_CTX* context) {
    auto* plain = dynamic_cast<SocketStream*>(tcp.get());
    if (plain == nullptr) return base::fail(ErrorCode::internal, "TLS runs on TCP streams only");
    auto session = std::make_shared<TlsSession>();
    session->socket = plain->take_socket();
    session->ssl.reset(SSL_new(context));
    BioPtr bio = socket_bio(*session->socket);
    if (!session->ssl || !bio) return base::fail(ErrorCode::internal, "no memory for TLS");
    BIO* both = bio.release();
    SSL_set_bio(session->ssl.get(), both, both);
    SSL_set_app_data(session->ssl.get(), session.get());
    return session;
}

// Name or address that the certificate must show. An address is never sent as SNI (RFC 6066 3).
bool expect(SSL* ssl, const std::string& host) {
    SSL_set_hostflags(ssl, kNoPartialWildcards | kNeverCheckSubject);
    if (const auto address = IpAddress::parse(host)) {
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), address->bytes().data(), address->is_v4() ? 4 : 16) == 1;
    }
    return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && SSL_set1_host(ssl, host.c_str()) == 1;
}

Task<Result<void>> shake_hands(std::shared_ptr<TlsSession> session, Deadline deadline) {
    for (;;) {
        int error = SSL_ERROR_SSL;
        if (!session->socket->closed()) {
            ERR_clear_error();
            errno = 0;
            const int result = SSL_do_handshake(session->ssl.get());
            if (result == 1) break;
            error = SSL_get_error(session->ssl.get(), result);
        }
        CO_TRY_VOID(co_await tls_wait(session, error, TlsStep::handshake, deadline));
    }
    session->established = true;
    co_return Result<void>{};
}

}  // namespace

Task<Result<StreamPtr>> tls_connect(StreamPtr tcp, TlsClientContext context, std::string host, Deadline deadline) {
    if (host.ends_with('.')) host.pop_back();
    host = base::to_lower(host);
    if (host.empty() || host.find('\0') != std::string::npos) co_return base::fail(ErrorCode::invalid_input, "TLS needs the name of the host");
    std::string peer = tcp->peer_address();
    auto made = session_on(tcp, context.native().context.get());
    if (!made) co_return base::fail(std::move(made).error());
    auto session = std::move(*made);
    session->client = context.shared_native();
    session->host = host;
    SSL_set_connect_state(session->ssl.get());
    if (!expect(session->ssl.get(), host)) {
        ERR_clear_error();
        co_return base::fail(ErrorCode::invalid_input, "'" + base::printable(host, 80) + "' is not a host name");
    }
    if (const auto ticket = session->client->resumption.take(host)) SSL_set_session(session->ssl.get(), ticket.get());
    CO_TRY_VOID(co_await shake_hands(session, deadline));
    // OpenSSL ended the handshake already if this were not so; said once more because all depends on it.
    if (SSL_get_verify_result(session->ssl.get()) != X509_V_OK || SSL_get0_peer_certificate(session->ssl.get()) == nullptr) {
        session->failed = true;
        co_return base::fail(ErrorCode::tls, "the certificate of " + base::printable(host, 80) + " was not verified");
    }
    co_return make_tls_stream(std::move(session), std::move(peer));
}

Task<Result<TlsAccepted>> tls_accept(StreamPtr tcp, TlsServerContext context, Deadline deadline) {
    std::string peer = tcp->peer_address();
    auto made = session_on(tcp, context.native().context.get());
    if (!made) co_return base::fail(std::move(made).error());
    auto session = std::move(*made);
    SSL_set_accept_state(session->ssl.get());
    CO_TRY_VOID(co_await shake_hands(session, deadline));
    TlsAccepted accepted;
    const char* name = SSL_get_servername(session->ssl.get(), TLSEXT_NAMETYPE_host_name);
    if (name != nullptr) accepted.sni = base::to_lower(name);
    accepted.stream = make_tls_stream(std::move(session), std::move(peer));
    co_return accepted;
}

}  // namespace claviger::net
