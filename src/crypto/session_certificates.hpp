// The two kinds of certificate of a session, and their keys (PX-26). These functions sign what they are told: which
// host may have a leaf is decided by CertificateAuthority. Internal to crypto/ and its tests. Thread rule: pure
// functions, but for OpenSSL's random numbers.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "crypto/openssl_handles.hpp"
#include "crypto/permitted_hosts.hpp"

namespace claviger::crypto {

struct Validity { base::Instant from, until; };

// P-256. The number lies in OpenSSL's locked heap, where the system grants one.
base::Result<Key> generate_key();
base::Result<base::Secret> private_pem(EVP_PKEY* key);
base::Result<std::string> certificate_text(X509* certificate);

// Self-signed, pathlen 0, with critical name constraints of exactly these hosts. Its name is new each time.
base::Result<Certificate> make_root(EVP_PKEY* key, const std::vector<HostName>& permitted, const Validity& validity);
// For one host and TLS servers only.
base::Result<Certificate> make_leaf(EVP_PKEY* leaf_key, X509* root, EVP_PKEY* root_key, const HostName& host,
                                    const Validity& validity);

}  // namespace claviger::crypto
