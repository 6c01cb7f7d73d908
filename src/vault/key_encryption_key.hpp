// Making, loading and destroying the key-encryption key at each of its sources. Which source and with which
// parameters is written in the vault and authenticated by the key check value. Thread rule: as the choice's callbacks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "vault/key_source.hpp"

namespace claviger::vault {

// "secret-service", "file", "passphrase", "descriptor": as stored in the vault and shown to people.
std::string_view to_string(KeySourceKind kind);
std::optional<KeySourceKind> key_source_from(std::string_view text);

struct KeyEncryptionKey {
    KeySourceKind kind = KeySourceKind::file;
    std::string parameters;  // file name; Argon2id parameters; item tag; empty
    base::Secret key;
};

// Where the vault lives and which it is: what a source needs to find its key.
struct KeyPlace {
    std::filesystem::path home;
    std::string vault_id;  // 16 bytes
};

// For a new vault. `automatic` is decided here. With `first_start`, a key file left by an interrupted first start is
// taken over (so that racing or killed processes end with one key, VA-05); otherwise the file gets a name of its own.
base::Result<KeyEncryptionKey> make_key(const KeySourceChoice& choice, const KeyPlace& place, bool first_start,
                                        base::Random& random);
// For an existing vault: never makes anything. key_missing when it is not there (VA-06).
base::Result<base::Secret> load_key(KeySourceKind kind, std::string_view parameters, const KeySourceChoice& choice,
                                    const KeyPlace& place);
// After the vault has durably moved to another key.
base::Result<void> destroy_key(KeySourceKind kind, std::string_view parameters, const KeyPlace& place);
// For people: a path or a description, never a secret.
std::string describe_key(KeySourceKind kind, std::string_view parameters, const KeyPlace& place);

}  // namespace claviger::vault
