// Argon2id over a passphrase, with floors that are enforced when the parameters are read (VA-13).
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"

namespace claviger::vault {

struct Argon2Parameters {
    static constexpr std::uint32_t kFloorKibibytes = 64 * 1024;
    static constexpr std::uint32_t kFloorPasses = 3;
    static constexpr std::uint32_t kCeilingKibibytes = 4 * 1024 * 1024;  // a hostile file must not take all memory
    static constexpr std::uint32_t kCeilingPasses = 64;

    std::uint32_t kibibytes = kFloorKibibytes;
    std::uint32_t passes = kFloorPasses;
    std::string salt;  // 16 bytes

    static Argon2Parameters fresh(base::Random& random);
    // "argon2id,m=65536,t=3,p=1,salt=<base64url>"
    [[nodiscard]] std::string text() const;
    // corrupt when malformed; denied when below a floor or above a ceiling.
    static base::Result<Argon2Parameters> parse(std::string_view text);
};

base::Result<base::Secret> derive_key(const base::Secret& passphrase, const Argon2Parameters& parameters);

}  // namespace claviger::vault
