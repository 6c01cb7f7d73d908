#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <cerrno>

#include "base/text.hpp"
#include "net/tls_session.hpp"

namespace claviger::net {

using base::Error;
using base::ErrorCode;

namespace {

struct Known {
    int code;
    const char* text;  // follows the host's name
    const char* hint;
};

constexpr const char* kAuthorityHint = "do not go on, unless it is a private authority of yours; then: claviger config set network.ca_file FILE";
constexpr const char* kServerHint = "the operator of the server must mend its certificate";

constexpr Known kVerifyErrors[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "has expired", kServerHint},
    {X509_V_ERR_CERT_NOT_YET_VALID, "is not valid yet", "check the clock of this machine"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "is for another name", "check the address; otherwise do not go on"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "is for another address", "check the address; otherwise do not go on"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "is signed by itself", kAuthorityHint},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "comes from an authority that is not trusted", kAuthorityHint},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "comes from an authority that is not trusted", kAuthorityHint},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "comes from an authority that is not trusted", kAuthorityHint},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "comes from an authority that is not trusted", kAuthorityHint},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "has a false signature", "do not go on"},
    {X509_V_ERR_CA_MD_TOO_WEAK, "is signed with a weak digest", kServerHint},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "has a weak key", kServerHint},
    {X509_V_ERR_CA_KEY_TOO_SMALL, "comes from an authority with a weak key", kServerHint},
    {X509_V_ERR_INVALID_CA, "is signed by a certificate that must not sign", "do not go on"},
    {X509_V_ERR_INVALID_PURPOSE, "is not for servers", kServerHint},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, "has a longer chain than its authority allows", kServerHint},
    {X509_V_ERR_PERMITTED_VIOLATION, "is outside the names of its authority", "do not go on"},
    {X509_V_ERR_EXCLUDED_VIOLATION, "is outside the names of its authority", "do not go on"},
};

std::string lower_first(std::string text) {
    if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a') text[0] = static_cast<char>(text[0] + ('a' - 'A'));
    return text;
}

Error verify_error(const std::string& host, long code) {
    const std::string subject = "the certificate of " + host + " ";
    for (const Known& known : kVerifyErrors) {
        if (known.code == code) return Error::make(ErrorCode::tls, subject + known.text, known.hint);
    }
    return Error::make(ErrorCode::tls, subject + "is not acceptable: " + lower_first(X509_verify_cert_error_string(code)), kServerHint);
}

struct Reason {
    int code;
    const char* text;
    const char* hint;
};

constexpr const char* kVersionHint = "the other side must support TLS 1.2 or newer";

constexpr Reason kReasons[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, "offers no TLS version that is still safe", kVersionHint},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "offers no TLS version that is still safe", kVersionHint},
    {SSL_R_WRONG_VERSION_NUMBER, "does not speak TLS", "check scheme and port"},
    {SSL_R_HTTP_REQUEST, "spoke plain HTTP where TLS is expected", "check scheme and port"},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, "ended the connection in the TLS handshake", ""},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "does not trust our certificate authority", "give it the authority's certificate"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "does not accept our certificate", "give it the authority's certificate"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "does not accept our certificate", "give it the authority's certificate"},
    {SSL_R_NO_SHARED_CIPHER, "shares no cipher with us", kVersionHint},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "refused the TLS handshake", ""},
    {SSL_R_DH_KEY_TOO_SMALL, "offers a weak key exchange", ""},
    {SSL_R_EE_KEY_TOO_SMALL, "has a certificate with a weak key", kServerHint},
};

const char* reason_text(unsigned long error) {
    const char* text = ERR_reason_error_string(error);
    return text != nullptr ? text : "unknown reason";
}

}  // namespace

Error tls_handshake_error(const TlsSession& session) {
    const int saved_errno = errno;
    const std::string host = session.host.empty() ? "the client" : base::printable(session.host, 80);
    const long verified = SSL_get_verify_result(session.ssl.get());
    const unsigned long error = ERR_peek_error();
    ERR_clear_error();
    if (session.client && verified != X509_V_OK) return verify_error(host, verified);
    if (error == 0) {
        return Error::make(ErrorCode::tls, host + " ended the connection in the TLS handshake" +
                                               (saved_errno != 0 ? ": " + system_text(saved_errno) : std::string()));
    }
    for (const Reason& reason : kReasons) {
        if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == reason.code) {
            return Error::make(ErrorCode::tls, host + " " + reason.text, reason.hint);
        }
    }
    return Error::make(ErrorCode::tls, "the TLS handshake with " + host + " failed: " + reason_text(error));
}

Error tls_stream_error(int ssl_error) {
    const int saved_errno = errno;
    const unsigned long error = ERR_peek_error();
    ERR_clear_error();
    if (error != 0 && ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return Error::make(ErrorCode::protocol, "the peer ended the connection without TLS close_notify");
    }
    if (error != 0) return Error::make(ErrorCode::tls, std::string("TLS failed: ") + reason_text(error));
    if (ssl_error == SSL_ERROR_SYSCALL && saved_errno != 0) {
        return Error::make(ErrorCode::network, saved_errno == EPIPE || saved_errno == ECONNRESET
                                                   ? std::string("the peer closed the connection")
                                                   : "the connection failed: " + system_text(saved_errno));
    }
    return Error::make(ErrorCode::network, "the TLS connection is not usable any more");
}

}  // namespace claviger::net
