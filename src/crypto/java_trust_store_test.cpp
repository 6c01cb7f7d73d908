#include "crypto/java_trust_store.hpp"

#include <gtest/gtest.h>
#include <openssl/pkcs12.h>

#include "crypto/certificate_authority.hpp"
#include "crypto/openssl_handles.hpp"

namespace claviger::crypto {
namespace {

std::string authority() {
    CertificateAuthority::Options options;
    options.permitted_hosts = {"api.acme.com"};
    options.now = base::SystemClock{}.now();
    return CertificateAuthority::make(options)->certificate_pem();
}

int certificates_in(const std::string& store) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(store.data());
    const std::unique_ptr<PKCS12, Free<PKCS12_free>> package(d2i_PKCS12(nullptr, &bytes, static_cast<long>(store.size())));
    EVP_PKEY* key = nullptr;
    X509* own = nullptr;
    STACK_OF(X509)* others = nullptr;
    EXPECT_EQ(PKCS12_parse(package.get(), kJavaTrustStorePassword, &key, &own, &others), 1);
    EXPECT_EQ(key, nullptr);
    EXPECT_EQ(own, nullptr);
    const int count = sk_X509_num(others);
    sk_X509_pop_free(others, X509_free);
    return count;
}

TEST(JavaTrustStore, holds_every_certificate_of_the_text_and_nothing_else) {
    const std::string first = authority(), second = authority();
    const std::string key = "-----BEGIN PRIVATE KEY-----\nTk9UIEEgS0VZ\n-----END PRIVATE KEY-----\n";
    const auto store = java_trust_store("# a bundle\n" + first + key + second);
    ASSERT_TRUE(store) << store.error().describe();
    EXPECT_EQ(certificates_in(*store), 2);
    EXPECT_EQ(store->find("NOT A KEY"), std::string::npos);
    // The trusted key usage in DER: Java looks at no certificate without it.
    EXPECT_NE(store->find("\x60\x86\x48\x01\x86\xf9\x66\xad\xca\x7b\x01\x01"), std::string::npos);
}

}  // namespace
}  // namespace claviger::crypto
