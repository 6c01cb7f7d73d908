#include "crypto/java_trust_store.hpp"

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "crypto/openssl_handles.hpp"

namespace claviger::crypto {
namespace {

using base::Result;

void free_bags(STACK_OF(PKCS12_SAFEBAG)* bags) { sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free); }
void free_safes(STACK_OF(PKCS7)* safes) { sk_PKCS7_pop_free(safes, PKCS7_free); }
using Bags = std::unique_ptr<STACK_OF(PKCS12_SAFEBAG), Free<free_bags>>;
using Safes = std::unique_ptr<STACK_OF(PKCS7), Free<free_safes>>;
using Bag = std::unique_ptr<PKCS12_SAFEBAG, Free<PKCS12_SAFEBAG_free>>;
using Package = std::unique_ptr<PKCS12, Free<PKCS12_free>>;

// Without this attribute Java takes a certificate for a part of somebody's chain and trusts nothing: "trusted key
// usage" of Oracle's arc, whose value is anyExtendedKeyUsage.
constexpr const char* kTrustedKeyUsage = "2.16.840.1.113894.746875.1.1";

bool mark_as_trusted(PKCS12_SAFEBAG* bag, int number) {
    const auto* any = reinterpret_cast<const unsigned char*>(OBJ_nid2obj(NID_anyExtendedKeyUsage));  // with -1: an object
    const std::string name = "ca-" + std::to_string(number);  // Java lists by names, each once
    return PKCS12_add1_attr_by_txt(bag, kTrustedKeyUsage, V_ASN1_OBJECT, any, -1) == 1 &&
           PKCS12_add_friendlyname_utf8(bag, name.c_str(), static_cast<int>(name.size())) == 1;
}

}  // namespace

Result<std::string> java_trust_store(std::string_view pem) {
    const Memory source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const Bags bags(sk_PKCS12_SAFEBAG_new_null());
    if (!source || !bags) return openssl_failed("make a trust store");
    for (int number = 0;; ++number) {
        const Certificate certificate(PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr));
        if (!certificate) break;
        Bag bag(PKCS12_SAFEBAG_create_cert(certificate.get()));
        if (!bag || !mark_as_trusted(bag.get(), number) || sk_PKCS12_SAFEBAG_push(bags.get(), bag.get()) <= 0) {
            return openssl_failed("add to a trust store");
        }
        (void)bag.release();
    }
    ERR_clear_error();  // of the end of the text
    const Safes safes(sk_PKCS7_new_null());
    PKCS7* content = PKCS12_pack_p7data(bags.get());
    if (!safes || content == nullptr || sk_PKCS7_push(safes.get(), content) <= 0) {
        PKCS7_free(content);
        return openssl_failed("make a trust store");
    }
    const Package package(PKCS12_init(NID_pkcs7_data));
    if (!package || PKCS12_pack_authsafes(package.get(), safes.get()) != 1 ||
        PKCS12_set_mac(package.get(), kJavaTrustStorePassword, -1, nullptr, 0, 1, EVP_sha1()) != 1) {
        return openssl_failed("seal a trust store");
    }
    const Memory sink(BIO_new(BIO_s_mem()));
    if (!sink || i2d_PKCS12_bio(sink.get(), package.get()) != 1) return openssl_failed("write a trust store");
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(sink.get(), &bytes);
    return std::string(bytes, static_cast<std::size_t>(size));
}

}  // namespace claviger::crypto
