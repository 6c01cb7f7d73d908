// Randomness comes from Random, so that tests can fix it. Thread rule: SystemRandom is safe from any thread
// and after fork (getrandom through libsodium, VA-10).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/secret.hpp"

namespace claviger::base {

class Random {
public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::byte> out) = 0;

    // `bytes` random bytes as unpadded base64url: 32 bytes give 43 characters.
    std::string token(std::size_t bytes);
    Secret secret_token(std::size_t bytes);
    Secret secret_bytes(std::size_t bytes);
};

class SystemRandom final : public Random {
public:
    void fill(std::span<std::byte> out) override;
};

// Deterministic: a counter stream. For tests only.
class FakeRandom final : public Random {
public:
    explicit FakeRandom(std::uint64_t seed = 1) : state_(seed) {}
    void fill(std::span<std::byte> out) override;

private:
    std::uint64_t state_;
};

}  // namespace claviger::base
