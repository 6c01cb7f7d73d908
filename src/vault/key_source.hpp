// Where the key-encryption key comes from (VA-04). Never argv, never an environment variable.
// Thread rule: values.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace claviger::vault {

enum class KeySourceKind {
    automatic,       // what the vault was made with; for a new one the Secret Service if it runs, else a file
    secret_service,  // libsecret's default collection
    file,            // <home>/vault.key, 0600
    passphrase,      // Argon2id, m >= 64 MiB, t >= 3 (VA-13)
    descriptor,      // 32 raw bytes or base64 from an inherited file descriptor
};

struct KeySourceChoice {
    KeySourceKind kind = KeySourceKind::automatic;
    int descriptor = -1;
    // Asks a human (or reads a descriptor) for the passphrase; `confirm` is true when a new one is set.
    std::function<base::Result<base::Secret>(bool confirm)> ask_passphrase;
};

}  // namespace claviger::vault
