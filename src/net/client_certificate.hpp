// What a client shows in a TLS handshake that asks for it (RFC 8446 section 4.4.2): chain and key. Made once, shared;
// immutable, so any thread may use it.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace claviger::net {

struct ClientCertificate {
    std::string chain_pem;  // leaf first
    base::Secret key_pem;
    std::string sha256;     // of the leaf (RFC 8705 section 3.1: base64url), which tells connections apart
};
using ClientCertificatePtr = std::shared_ptr<const ClientCertificate>;

}  // namespace claviger::net
