// AES-256-GCM, opening only: for what other programs sealed with it (import). Our own vault uses another construction.
// Thread rule: pure functions.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace claviger::crypto {

// `key` 32 bytes, `nonce` 12 bytes, `sealed` ends with the 16 bytes of the tag; no associated data. ErrorCode::corrupt when
// it does not authenticate, invalid_input for other sizes.
base::Result<base::Secret> open_aes256_gcm(std::string_view key, std::string_view nonce, std::string_view sealed);

}  // namespace claviger::crypto
