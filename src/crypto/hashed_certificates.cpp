#include "crypto/hashed_certificates.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fmt/format.h>

#include "crypto/openssl_handles.hpp"

namespace claviger::crypto {

std::vector<HashedCertificate> hashed_certificates(std::string_view pem) {
    std::vector<HashedCertificate> found;
    const Memory source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    while (source) {
        const Certificate certificate(PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr));
        if (!certificate) break;
        const Memory sink(BIO_new(BIO_s_mem()));
        if (!sink || PEM_write_bio_X509(sink.get(), certificate.get()) != 1) break;
        char* bytes = nullptr;
        const long size = BIO_get_mem_data(sink.get(), &bytes);
        found.push_back({fmt::format("{:08x}", X509_subject_name_hash(certificate.get()) & 0xffffffffUL), std::string(bytes, static_cast<std::size_t>(size))});
    }
    ERR_clear_error();  // of the end of the text
    return found;
}

}  // namespace claviger::crypto
