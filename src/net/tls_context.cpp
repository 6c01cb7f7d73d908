#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "net/tls_session.hpp"
#include "net/url.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::size_t kMostTickets = 256;
constexpr long kTicketSeconds = 3600;  // a certificate that was withdrawn is looked at again after this
constexpr int kLongestChain = 10;

base::Error openssl_error(ErrorCode code, const std::string& what) {
    const unsigned long error = ERR_peek_error();
    ERR_clear_error();
    const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
    return base::Error::make(code, reason != nullptr ? what + ": " + reason : what);
}

// What both sides have in common (PX-25, RFC 9325): everything explicit, so that openssl.cnf cannot loosen it.
bool harden(SSL_CTX* context) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_clear_options(context, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(context, 1);  // a record's head and body in one read
    SSL_CTX_set_security_level(context, 2);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 && SSL_CTX_set_max_proto_version(context, 0) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!PSK") == 1 &&
           SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1;
}

bool is_directory(const char* path) {
    struct stat status {};
    return ::stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

// The system's authorities by the paths that OpenSSL was built with, never by SSL_CERT_FILE or SSL_CERT_DIR. The
// hashed directory costs nothing until a chain needs one of its files; the bundle of all costs some 20 ms.
bool add_system_authorities(X509_STORE* store) {
    const char* directory = X509_get_default_cert_dir();
    if (is_directory(directory)) {
        X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
        return lookup != nullptr && X509_LOOKUP_add_dir(lookup, directory, X509_FILETYPE_PEM) == 1;
    }
    for (const char* file : std::array{X509_get_default_cert_file(), "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}) {
        X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
        if (lookup != nullptr && X509_LOOKUP_load_file(lookup, file, X509_FILETYPE_PEM) > 0) return true;
    }
    ERR_clear_error();
    return true;  // none on this machine: every chain is refused, unless extra_ca_pem vouches for it
}

Result<std::vector<X509Ptr>> read_certificates(std::string_view pem) {
    std::vector<X509Ptr> found;
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    while (bio) {
        X509Ptr one(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
        if (!one) break;
        found.push_back(std::move(one));
    }
    const unsigned long error = ERR_peek_last_error();
    const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (!at_end || found.empty()) return base::fail(openssl_error(ErrorCode::invalid_input, "the PEM text holds no certificate, or a damaged one"));
    ERR_clear_error();
    return found;
}

// X509_verify_cert, and one rule more: no wildcard for a whole registry suffix ("*.co.uk").
int verify_chain(X509_STORE_CTX* store, void*) {
    const int result = X509_verify_cert(store);
    if (result != 1) return result;
    const char* matched = X509_VERIFY_PARAM_get0_peername(X509_STORE_CTX_get0_param(store));
    const std::string_view name = matched != nullptr ? matched : "";
    if (name.starts_with("*.") && is_registry_suffix(name.substr(2))) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
    }
    return 1;
}

int keep_ticket(SSL* ssl, SSL_SESSION* session) {
    auto* connection = static_cast<TlsSession*>(SSL_get_app_data(ssl));
    if (connection == nullptr || !connection->client) return 0;
    connection->client->resumption.put(connection->host, SslSessionPtr(session));
    return 1;  // ours now
}

constexpr std::string_view kHttp1 = "\x08http/1.1\x08http/1.0", kHttp2 = "\x08http/1.1\x08http/1.0\x02h2";  // the better ones first

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned int offered_size, void* of) {
    const std::string_view ours = *static_cast<const std::string_view*>(of);
    const auto* spoken = reinterpret_cast<const unsigned char*>(ours.data());
    unsigned char* match = nullptr;
    if (SSL_select_next_proto(&match, size, spoken, static_cast<unsigned>(ours.size()), offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = match;
    return SSL_TLSEXT_ERR_OK;
}

// Any name is welcome (the caller judges it); said so that OpenSSL keeps it with the session for TLS 1.2.
int accept_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

// Never asks the terminal for a passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

void ResumptionCache::put(const std::string& host, SslSessionPtr session) {
    entries_.push_front(Entry{host, std::move(session)});
    if (entries_.size() > kMostTickets) entries_.pop_back();
}

SslSessionPtr ResumptionCache::take(const std::string& host) {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    entries_.remove_if([&](const Entry& entry) { return SSL_SESSION_get_time(entry.session.get()) + kTicketSeconds < now; });
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.host == host; });
    if (found == entries_.end()) return nullptr;
    // A TLS 1.2 server that resumes gives no new ticket: its session is for more than one use.
    if (SSL_SESSION_get_protocol_version(found->session.get()) < TLS1_3_VERSION) {
        SSL_SESSION_up_ref(found->session.get());
        return SslSessionPtr(found->session.get());
    }
    SslSessionPtr session = std::move(found->session);
    entries_.erase(found);
    return session;
}

Result<TlsClientContext> TlsClientContext::make(const Options& options) {
    ERR_clear_error();
    auto native = std::make_shared<Native>();
    native->context.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* context = native->context.get();
    const std::string_view offered = options.http2 ? std::string_view("\x02h2\x08http/1.1") : std::string_view("\x08http/1.1");
    if (context == nullptr || !harden(context) ||
        SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(offered.data()), static_cast<unsigned>(offered.size())) != 0) {
        return base::fail(openssl_error(ErrorCode::internal, "cannot set up TLS"));
    }
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    if (!add_system_authorities(store)) return base::fail(openssl_error(ErrorCode::internal, "cannot read the system's certificates"));
    if (!options.extra_ca_pem.empty()) {
        TRY(authorities, read_certificates(options.extra_ca_pem));
        for (const X509Ptr& authority : authorities) X509_STORE_add_cert(store, authority.get());
        ERR_clear_error();
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_verify_depth(context, kLongestChain);
    SSL_CTX_set_cert_verify_callback(context, verify_chain, nullptr);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_ticket);
    TlsClientContext made;
    made.native_ = std::move(native);
    return made;
}

Result<TlsServerContext> TlsServerContext::make(std::string_view chain_pem, const base::Secret& key_pem, bool http2) {
    ERR_clear_error();
    TRY(chain, read_certificates(chain_pem));
    // Read where it lies, in locked memory: this BIO makes no copy.
    const BioPtr bio(BIO_new_mem_buf(key_pem.reveal().data(), static_cast<int>(key_pem.size())));
    const KeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
    if (!key) return base::fail(openssl_error(ErrorCode::invalid_input, "the PEM text holds no private key without passphrase"));

    auto native = std::make_shared<Native>();
    native->context.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* context = native->context.get();
    if (context == nullptr || !harden(context)) return base::fail(openssl_error(ErrorCode::internal, "cannot set up TLS"));
    bool taken = SSL_CTX_use_certificate(context, chain.front().get()) == 1 && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
                 SSL_CTX_check_private_key(context) == 1;
    for (std::size_t i = 1; taken && i < chain.size(); ++i) taken = SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
    if (!taken) return base::fail(openssl_error(ErrorCode::invalid_input, "certificate and key cannot be used together"));
    SSL_CTX_set_dh_auto(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, const_cast<std::string_view*>(http2 ? &kHttp2 : &kHttp1));
    SSL_CTX_set_tlsext_servername_callback(context, accept_name);
    // Stateless tickets, keys of this context: nothing about clients is kept here.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    TlsServerContext made;
    made.native_ = std::move(native);
    return made;
}

}  // namespace claviger::net
