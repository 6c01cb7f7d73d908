// age v1 files (https://c2sp.org/age) with a scrypt recipient: written for backups, so that any age program opens one
// with the passphrase alone (VA-15). Binary form only. Memory: one chunk. Thread rule: one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"

namespace claviger::vault::age {

// Takes the next piece; an error it returns ends the work.
using Sink = std::function<base::Result<void>(std::string_view)>;

inline constexpr int kWorkFactor = 18;         // 2^18 * 1 KiB = 256 MiB, about a second
inline constexpr int kLargestWorkFactor = 22;  // what is accepted when reading
inline constexpr std::size_t kChunk = 64 * 1024;

// The payload cipher: ChaCha20-Poly1305 in chunks whose nonce counts and marks the last one.
class Stream {
public:
    explicit Stream(base::Secret key) : key_(std::move(key)) {}
    std::string seal(std::string_view chunk, bool last);
    base::Result<base::WipedString> open(std::string_view sealed, bool last);

private:
    std::array<unsigned char, 12> next_nonce(bool last);
    base::Secret key_;
    std::uint64_t counter_ = 0;
};

class Encryptor {
public:
    // Writes the header at once. `work_factor` is log2 of scrypt's N.
    static base::Result<Encryptor> begin(const base::Secret& passphrase, int work_factor, base::Random& random, Sink sink);
    base::Result<void> append(std::string_view bytes);
    // The file is whole only after this.
    base::Result<void> finish();

private:
    Encryptor(Stream stream, Sink sink) : stream_(std::move(stream)), sink_(std::move(sink)) {}
    Stream stream_;
    Sink sink_;
    base::WipedString pending_;
};

struct Stanza {
    std::string type;
    std::vector<std::string> arguments;
    std::string body;
};
// Finds the 16-byte file key in the header's stanzas.
using Unwrap = std::function<base::Result<base::Secret>(const std::vector<Stanza>&)>;

// Every piece given to `plain` is authentic, but the file is whole only when this returns success. corrupt for a
// malformed, changed or cut file.
base::Result<void> decrypt_with(std::string_view file, const Unwrap& unwrap, const Sink& plain);
// key_missing for a wrong passphrase; unsupported for a file not made for one.
base::Result<void> decrypt(std::string_view file, const base::Secret& passphrase, const Sink& plain);

}  // namespace claviger::vault::age
