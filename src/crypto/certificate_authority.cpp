#include "crypto/certificate_authority.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "base/text.hpp"
#include "crypto/openssl_handles.hpp"
#include "crypto/permitted_hosts.hpp"

namespace claviger::crypto {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::chrono::hours kMaxLifetime{24};
constexpr std::chrono::minutes kClockSkew{5};  // a client's clock may be behind ours

// OpenSSL keeps the numbers of private keys in its secure heap, which is locked and kept out of core dumps, but
// only where the process has set one up.
void ensure_secure_heap() {
    static const int ready = CRYPTO_secure_malloc_initialized() != 0 ? 1 : CRYPTO_secure_malloc_init(1 << 16, 16);
    (void)ready;  // without it keys are still wiped when freed
}

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

struct Validity { base::Instant from, until; };

time_t to_seconds(base::Instant instant) {
    return static_cast<time_t>(std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch().count());
}

// What the authority and its leaves share: version, serial, names, validity, key. `issuer` null = itself.
Result<Certificate> draft(EVP_PKEY* key, const std::string& common_name, X509* issuer, const Validity& validity) {
    Certificate certificate(X509_new());
    const Number serial(BN_new());
    // 127 random bits under a set top bit: never zero, never a repeated one (PX-26).
    if (!certificate || !serial || BN_rand(serial.get(), 128, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
        BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) == nullptr ||
        X509_set_version(certificate.get(), X509_VERSION_3) != 1) {
        return openssl_failed("begin a certificate");
    }
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const auto* name = reinterpret_cast<const unsigned char*>(common_name.data());
    if (ASN1_TIME_set(X509_getm_notBefore(certificate.get()), to_seconds(validity.from)) == nullptr ||
        ASN1_TIME_set(X509_getm_notAfter(certificate.get()), to_seconds(validity.until)) == nullptr ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, static_cast<int>(common_name.size()), -1, 0) != 1 ||
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

void free_general_names(GENERAL_NAMES* names) { sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free); }

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

}  // namespace

struct CertificateAuthority::State {
    std::vector<HostName> permitted;
    Validity validity;
    Key root_key, leaf_key;  // one leaf key for all leaves: they live and die with this process
    Certificate root;
    std::string root_pem;
    base::Secret leaf_key_pem;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<State> state) : state_(std::move(state)) {}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority& CertificateAuthority::operator=(CertificateAuthority&&) noexcept = default;
CertificateAuthority::~CertificateAuthority() = default;

Result<CertificateAuthority> CertificateAuthority::make(const Options& options) {
    if (options.permitted_hosts.empty()) {
        return base::fail(ErrorCode::invalid_input, "an authority without hosts would be without constraints");
    }
    if (options.lifetime <= base::Duration::zero() || options.lifetime > kMaxLifetime) {
        return base::fail(ErrorCode::invalid_input, "the lifetime of an authority must be between 0 and 24 hours");
    }
    auto state = std::make_unique<State>();
    for (const auto& host : options.permitted_hosts) {
        auto permitted = host_name_from(host, true);
        if (!permitted) return base::fail(permitted.error().within("a host of the session"));
        state->permitted.push_back(*std::move(permitted));
    }
    // The whole span stays within 24 hours, the allowance for clocks included.
    const auto from = options.now - kClockSkew;
    state->validity = {from, std::min(options.now + options.lifetime, from + base::Duration(kMaxLifetime))};
    TRY(root_key, generate_key());
    TRY(leaf_key, generate_key());
    TRY(root, make_root(root_key.get(), state->permitted, state->validity));
    TRY(root_pem, certificate_text(root.get()));
    TRY(leaf_key_pem, private_pem(leaf_key.get()));
    state->root_key = std::move(root_key);
    state->leaf_key = std::move(leaf_key);
    state->root = std::move(root);
    state->root_pem = std::move(root_pem);
    state->leaf_key_pem = std::move(leaf_key_pem);
    return CertificateAuthority(std::move(state));
}

const std::string& CertificateAuthority::certificate_pem() const { return state_->root_pem; }

Result<Leaf> CertificateAuthority::mint(std::string_view host) const {
    TRY(name, host_name_from(host, false));
    const auto covers = [&name = name](const HostName& one) { return one.covers(name); };
    if (!std::any_of(state_->permitted.begin(), state_->permitted.end(), covers)) {
        return base::fail(ErrorCode::denied, "the host is not one of this session");
    }
    TRY(leaf, make_leaf(state_->leaf_key.get(), state_->root.get(), state_->root_key.get(), name, state_->validity));
    TRY(pem, certificate_text(leaf.get()));
    return Leaf{pem + state_->root_pem, state_->leaf_key_pem.duplicate()};
}

}  // namespace claviger::crypto
