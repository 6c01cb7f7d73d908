#include "base/random.hpp"

#include <cstdlib>

#include <sodium.h>

#include "base/text.hpp"

namespace claviger::base {

std::string Random::token(std::size_t bytes) {
    std::string raw(bytes, '\0');
    fill(std::as_writable_bytes(std::span(raw)));
    return base64url_encode(raw);
}

Secret Random::secret_bytes(std::size_t bytes) {
    Secret secret = Secret::zeroed(bytes);
    fill(secret.writable());
    return secret;
}

Secret Random::secret_token(std::size_t bytes) {
    const Secret raw = secret_bytes(bytes);
    std::string text = base64url_encode(raw.reveal());
    return Secret::taking(text);
}

void SystemRandom::fill(std::span<std::byte> out) {
    // Before its first use by several threads libsodium wants to be initialised; repeating that is harmless.
    static const int ready = sodium_init();
    if (ready < 0) std::abort();  // no randomness, no service
    if (!out.empty()) randombytes_buf(out.data(), out.size());
}

void FakeRandom::fill(std::span<std::byte> out) {
    for (auto& byte : out) {  // splitmix64, one byte a step: plenty for tests
        state_ += 0x9e3779b97f4a7c15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        byte = static_cast<std::byte>(z >> 56);
    }
}

}  // namespace claviger::base
