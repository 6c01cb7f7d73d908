// Certificates under the names by which OpenSSL looks for them in a directory (openssl-rehash(1)). Thread rule: a pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace claviger::crypto {

struct HashedCertificate {
    std::string hash;  // of its subject: eight hexadecimal digits; a file is called HASH.0, or HASH.1 where that is taken
    std::string pem;
};
// The CERTIFICATE blocks of `pem`; text around them, and blocks that are no certificate, are left out.
std::vector<HashedCertificate> hashed_certificates(std::string_view pem);

}  // namespace claviger::crypto
