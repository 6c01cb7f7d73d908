// Test certificates, good and bad ones: everything about them can be set, extensions are written as DER so that
// also what no honest tool makes can be made. For tests of net/ only.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claviger::net::fixture {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

inline Key ec_key() { return Key(EVP_EC_gen("P-256"), EVP_PKEY_free); }
inline Key rsa_key(unsigned bits) {
    std::shared_ptr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nullptr), EVP_PKEY_CTX_free);
    EVP_PKEY* key = nullptr;
    EVP_PKEY_keygen_init(context.get());
    EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits));
    EVP_PKEY_keygen(context.get(), &key);
    return Key(key, EVP_PKEY_free);
}

inline std::string der(std::uint8_t tag, const std::string& content) {
    std::string out(1, static_cast<char>(tag));
    if (content.size() < 128) {
        out += static_cast<char>(content.size());
    } else {
        out += static_cast<char>(0x82);
        out += static_cast<char>(content.size() >> 8);
        out += static_cast<char>(content.size() & 0xff);
    }
    return out + content;
}
inline std::string sequence(const std::string& content) { return der(0x30, content); }

// GeneralNames (RFC 5280 4.2.1.6).
inline std::string dns(std::string_view name) { return der(0x82, std::string(name)); }
inline std::string ip(std::string_view bytes) { return der(0x87, std::string(bytes)); }
inline std::string email(std::string_view text) { return der(0x81, std::string(text)); }
inline std::string uri(std::string_view text) { return der(0x86, std::string(text)); }

inline const std::string kServerAuth = der(0x06, "\x2b\x06\x01\x05\x05\x07\x03\x01");
inline const std::string kClientAuth = der(0x06, "\x2b\x06\x01\x05\x05\x07\x03\x02");
inline const std::string kCodeSigning = der(0x06, "\x2b\x06\x01\x05\x05\x07\x03\x03");

inline constexpr std::uint8_t kDigitalSignature = 0x80;
inline constexpr std::uint8_t kSignCertificates = 0x04;

constexpr long kDay = 24 * 3600;

struct Spec {
    std::string common_name = "leaf";
    std::string names;                     // GeneralNames, concatenated; empty = no SAN
    std::optional<bool> authority;         // basicConstraints CA; nullopt = extension absent
    std::optional<std::uint8_t> path_length;
    std::optional<std::uint8_t> key_usage;
    std::string extended_usage;            // OIDs, concatenated
    std::string permitted, excluded;       // name constraints: GeneralNames
    bool unknown_critical = false;
    long not_before = -kDay, not_after = 30 * kDay;  // seconds from now
    const EVP_MD* digest = EVP_sha256();
    long version = 2;                      // 2 = v3
    bool break_signature = false;
};

inline void add_extension(X509* certificate, const char* oid, bool critical, const std::string& value) {
    std::shared_ptr<ASN1_OBJECT> object(OBJ_txt2obj(oid, 1), ASN1_OBJECT_free);
    std::shared_ptr<ASN1_OCTET_STRING> bytes(ASN1_OCTET_STRING_new(), ASN1_OCTET_STRING_free);
    ASN1_OCTET_STRING_set(bytes.get(), reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()));
    std::shared_ptr<X509_EXTENSION> extension(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), critical ? 1 : 0, bytes.get()), X509_EXTENSION_free);
    X509_add_ext(certificate, extension.get(), -1);
}

inline std::string subtrees(std::uint8_t tag, const std::string& names) {
    std::string all;
    for (std::size_t i = 0; i + 1 < names.size();) {  // each GeneralName is short: one length byte
        const std::size_t size = 2U + static_cast<std::uint8_t>(names[i + 1]);
        all += sequence(names.substr(i, size));
        i += size;
    }
    return names.empty() ? std::string() : der(tag, all);
}

inline void add_extensions(X509* certificate, const Spec& spec) {
    if (spec.authority) {
        std::string value = *spec.authority ? der(0x01, "\xff") : std::string();
        if (spec.path_length) value += der(0x02, std::string(1, static_cast<char>(*spec.path_length)));
        add_extension(certificate, "2.5.29.19", true, sequence(value));
    }
    if (spec.key_usage) add_extension(certificate, "2.5.29.15", true, der(0x03, std::string(1, '\0') + static_cast<char>(*spec.key_usage)));
    if (!spec.extended_usage.empty()) add_extension(certificate, "2.5.29.37", false, sequence(spec.extended_usage));
    if (!spec.names.empty()) add_extension(certificate, "2.5.29.17", false, sequence(spec.names));
    const std::string constraints = subtrees(0xa0, spec.permitted) + subtrees(0xa1, spec.excluded);
    if (!constraints.empty()) add_extension(certificate, "2.5.29.30", true, sequence(constraints));
    if (spec.unknown_critical) add_extension(certificate, "1.3.6.1.4.1.55555.1", true, der(0x05, ""));
}

// `issuer` null: signed by itself.
inline Certificate issue(const Spec& spec, const Key& key, const Certificate& issuer, const Key& issuer_key) {
    static long serial = 1000;
    Certificate certificate(X509_new(), X509_free);
    X509* x = certificate.get();
    X509_set_version(x, spec.version);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), spec.not_before);
    X509_gmtime_adj(X509_getm_notAfter(x), spec.not_after);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(spec.common_name.data()), static_cast<int>(spec.common_name.size()), -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer.get() : x));
    X509_set_pubkey(x, key.get());
    add_extensions(x, spec);
    X509_sign(x, issuer_key.get(), spec.digest);
    if (spec.break_signature) {
        const ASN1_BIT_STRING* signature = nullptr;
        const X509_ALGOR* algorithm = nullptr;
        X509_get0_signature(&signature, &algorithm, x);
        auto* bytes = const_cast<unsigned char*>(ASN1_STRING_get0_data(signature));
        bytes[ASN1_STRING_length(signature) - 1] ^= 1U;
    }
    return certificate;
}

inline std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}
inline std::string pem(const Certificate& certificate) {
    const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free_all);
    PEM_write_bio_X509(bio.get(), certificate.get());
    return text_of(bio.get());
}
inline std::string pem(const Key& key) {
    const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free_all);
    PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return text_of(bio.get());
}

inline Spec authority_spec(std::string name) {
    Spec spec;
    spec.common_name = std::move(name);
    spec.authority = true;
    spec.key_usage = kSignCertificates;
    return spec;
}
inline Spec leaf_spec(std::string names) {
    Spec spec;
    spec.names = std::move(names);
    spec.authority = false;
    spec.key_usage = kDigitalSignature;
    spec.extended_usage = kServerAuth;
    return spec;
}

// A leaf for `name` under a fresh root.
struct Identity {
    Key root_key = ec_key();
    Certificate root = issue(authority_spec("test root"), root_key, nullptr, root_key);
    Key key = ec_key();
    Certificate leaf;
    explicit Identity(std::string_view name) : leaf(issue(leaf_spec(dns(name)), key, root, root_key)) {}
};

}  // namespace claviger::net::fixture
