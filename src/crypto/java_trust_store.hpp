// Certificates as a trust store that every Java reads: PKCS #12 (RFC 7292), in the clear, with a MAC by a password that
// is no secret. Thread rule: a pure function.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace claviger::crypto {

inline constexpr const char* kJavaTrustStorePassword = "changeit";  // what Java's own is "protected" with

// The CERTIFICATE blocks of `pem`; text around them, and blocks that are no certificate, are left out.
base::Result<std::string> java_trust_store(std::string_view pem);

}  // namespace claviger::crypto
