#include "crypto/session_certificates.hpp"

#include <initializer_list>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "base/text.hpp"

namespace claviger::crypto {
namespace {

using base::Result;

// OpenSSL keeps the numbers of private keys in its secure heap, which is locked and kept out of core dumps, but
// only where the process has set one up.
void ensure_secure_heap() {
    static const int ready = CRYPTO_secure_malloc_initialized() != 0 ? 1 : CRYPTO_secure_malloc_init(1 << 16, 16);
    (void)ready;  // without it keys are still wiped when freed
}

time_t to_seconds(base::Instant instant) {
    return static_cast<time_t>(std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch().count());
}

// What the authority and its leaves share: version, serial, names, validity, key. `issuer` null = itself.
Result<Certificate> draft(EVP_PKEY* key, const std::string& organization, X509* issuer, const Validity& validity) {
    Certificate certificate(X509_new());
    const Number serial(BN_new());
    // 127 random bits under a set top bit: never zero, never a repeated one (PX-26).
    if (!certificate || !serial || BN_rand(serial.get(), 128, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
        BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) == nullptr ||
        X509_set_version(certificate.get(), X509_VERSION_3) != 1) {
        return openssl_failed("begin a certificate");
    }
    // No common name: GnuTLS holds one against the DNS constraints even where only addresses are named.
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const auto* name = reinterpret_cast<const unsigned char*>(organization.data());
    if (ASN1_TIME_set(X509_getm_notBefore(certificate.get()), to_seconds(validity.from)) == nullptr ||
        ASN1_TIME_set(X509_getm_notAfter(certificate.get()), to_seconds(validity.until)) == nullptr ||
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, name, static_cast<int>(organization.size()), -1, 0) != 1 ||
        X509_set_issuer_name(certificate.get(), issuer == nullptr ? subject : X509_get_subject_name(issuer)) != 1 ||
        X509_set_pubkey(certificate.get(), key) != 1) {
        return openssl_failed("fill a certificate");
    }
    return certificate;
}

struct ExtensionText { int kind; const char* value; };

Result<void> add_extensions(X509* certificate, X509* issuer, std::initializer_list<ExtensionText> extensions) {
    for (const auto& [kind, value] : extensions) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
        const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
        if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) return openssl_failed("add an extension");
    }
    return {};
}

Result<void> add_extension(X509* certificate, int kind, void* content, bool critical) {
    if (X509_add1_ext_i2d(certificate, kind, content, critical ? 1 : 0, X509V3_ADD_DEFAULT) != 1) {
        return openssl_failed("add an extension");
    }
    return {};
}

Result<void> sign(X509* certificate, EVP_PKEY* key) {
    if (X509_sign(certificate, key, EVP_sha256()) == 0) return openssl_failed("sign a certificate");
    return {};
}

// Each session's authority has its own name, so that two of them in one trust store are never taken for another.
Result<std::string> session_name() {
    unsigned char bytes[8];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return openssl_failed("draw random bytes");
    return "Claviger session " + base::hex_encode({reinterpret_cast<const char*>(bytes), sizeof bytes});
}

void free_general_names(GENERAL_NAMES* names) { sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free); }

}  // namespace

Result<Key> generate_key() {
    ensure_secure_heap();
    Key key(EVP_EC_gen("P-256"));
    if (!key) return openssl_failed("generate a P-256 key");
    return key;
}

Result<base::Secret> private_pem(EVP_PKEY* key) {
    const Memory memory(BIO_new(BIO_s_secmem()));
    if (!memory || PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return openssl_failed("write a private key");
    }
    char* data = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(memory.get(), &data));
    base::Secret secret(std::string_view(data, size));
    base::wipe(data, size);
    return secret;
}

Result<std::string> certificate_text(X509* certificate) {
    const Memory memory(BIO_new(BIO_s_mem()));
    if (!memory || PEM_write_bio_X509(memory.get(), certificate) != 1) return openssl_failed("write a certificate");
    char* data = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(memory.get(), &data));
    return std::string(data, size);
}

Result<Certificate> make_root(EVP_PKEY* key, const std::vector<HostName>& permitted, const Validity& validity) {
    TRY(name, session_name());
    TRY(root, draft(key, name, nullptr, validity));
    TRY(constraints, name_constraints(permitted));
    TRY_VOID(add_extensions(root.get(), root.get(), {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                                    {NID_key_usage, "critical,keyCertSign"},
                                                    {NID_subject_key_identifier, "hash"},
                                                    {NID_authority_key_identifier, "keyid:always"}}));
    TRY_VOID(add_extension(root.get(), NID_name_constraints, constraints.get(), true));
    TRY_VOID(sign(root.get(), key));
    return root;
}

Result<Certificate> make_leaf(EVP_PKEY* leaf_key, X509* root, EVP_PKEY* root_key, const HostName& host,
                              const Validity& validity) {
    // The common name is no host: clients read the alternative name, and a 253 byte host would not fit.
    TRY(leaf, draft(leaf_key, "Claviger session leaf", root, validity));
    TRY_VOID(add_extensions(leaf.get(), root, {{NID_basic_constraints, "critical,CA:FALSE"},
                                               {NID_key_usage, "critical,digitalSignature"},
                                               {NID_ext_key_usage, "serverAuth"},
                                               {NID_subject_key_identifier, "hash"},
                                               {NID_authority_key_identifier, "keyid:always"}}));
    TRY(name, to_general_name(host));
    const std::unique_ptr<GENERAL_NAMES, Free<free_general_names>> names(sk_GENERAL_NAME_new_null());
    if (!names || sk_GENERAL_NAME_push(names.get(), name.get()) == 0) return openssl_failed("name a host");
    (void)name.release();  // the list owns it now
    TRY_VOID(add_extension(leaf.get(), NID_subject_alt_name, names.get(), false));
    TRY_VOID(sign(leaf.get(), root_key));
    return leaf;
}

}  // namespace claviger::crypto
