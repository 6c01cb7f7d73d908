// Sealed bytes: format byte 1, 24-byte random nonce, XChaCha20-Poly1305 ciphertext, 16-byte tag. The associated data
// says what the bytes are and where they belong; opened anywhere else they fail (VA-01, VA-02). 192-bit random nonces
// make the number of messages under one key no concern. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "vault/vault.hpp"

namespace claviger::vault {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kSealOverhead = 1 + 24 + 16;
inline constexpr std::size_t kMarkBytes = 8;  // of a seal's tag, as kept in the ledger

std::string seal(const base::Secret& key, std::string_view plain, std::string_view associated, base::Random& random);
// unsupported for another format byte (VA-18); corrupt when it does not open.
base::Result<base::Secret> unseal(const base::Secret& key, std::string_view sealed, std::string_view associated);
// The same into ordinary wiped memory: for structures that are looked into at once.
base::Result<base::WipedString> unseal_wiped(const base::Secret& key, std::string_view sealed, std::string_view associated);

// The last bytes of the tag: names exactly this seal among all ever made. Empty input gives zeros.
std::string seal_mark(std::string_view sealed);
// The same, looking into `sealed`.
std::string_view mark_in(std::string_view sealed);

// BLAKE2b-256 under a key.
std::string keyed_hash(std::string_view key, std::string_view bytes, std::size_t size = 32);

// The associated data of each sealed thing.
std::string record_associated(std::string_view vault_id, std::uint32_t key_id, const RecordInfo& info);
std::string root_associated(std::string_view vault_id, std::uint32_t key_id);
std::string page_associated(std::string_view vault_id, std::uint32_t key_id, std::uint32_t page);
std::string data_key_associated(std::string_view vault_id, std::uint32_t key_id, std::int64_t created_at);

}  // namespace claviger::vault
