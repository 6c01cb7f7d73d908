#include "vault/passphrase.hpp"

#include <charconv>

#include <fmt/format.h>
#include <sodium.h>

#include "base/text.hpp"
#include "vault/seal.hpp"

namespace claviger::vault {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// "m=65536" -> 65536; no sign, no leading zero, nothing behind it.
std::optional<std::uint32_t> field(std::string_view part, std::string_view name) {
    if (!part.starts_with(name) || part.size() <= name.size() || part[name.size()] == '0') return std::nullopt;
    part.remove_prefix(name.size());
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc{} || end != part.data() + part.size()) return std::nullopt;
    return value;
}

}  // namespace

Argon2Parameters Argon2Parameters::fresh(base::Random& random) {
    Argon2Parameters parameters;
    parameters.salt.resize(crypto_pwhash_SALTBYTES);
    random.fill(std::as_writable_bytes(std::span(parameters.salt)));
    return parameters;
}

std::string Argon2Parameters::text() const {
    return fmt::format("argon2id,m={},t={},p=1,salt={}", kibibytes, passes, base::base64url_encode(salt));
}

Result<Argon2Parameters> Argon2Parameters::parse(std::string_view text) {
    const auto parts = base::split(text, ',');
    if (parts.size() != 5 || parts[0] != "argon2id" || parts[3] != "p=1" || !parts[4].starts_with("salt=")) {
        return fail(ErrorCode::corrupt, "the vault's passphrase parameters are malformed");
    }
    const auto kibibytes = field(parts[1], "m="), passes = field(parts[2], "t=");
    const auto salt = base::base64url_decode(std::string_view(parts[4]).substr(5));
    if (!kibibytes || !passes || !salt || salt->size() != crypto_pwhash_SALTBYTES) {
        return fail(ErrorCode::corrupt, "the vault's passphrase parameters are malformed");
    }
    if (*kibibytes < kFloorKibibytes || *passes < kFloorPasses) {
        return fail(ErrorCode::denied, "the vault's passphrase parameters are weaker than allowed",
                    "somebody may have changed the file; restore a backup with: claviger vault restore");
    }
    if (*kibibytes > kCeilingKibibytes || *passes > kCeilingPasses) {
        return fail(ErrorCode::denied, "the vault's passphrase parameters ask for too much memory or time");
    }
    return Argon2Parameters{*kibibytes, *passes, *salt};
}

namespace {
constexpr std::size_t kStackUsed = 32 * 1024;
}

Result<base::Secret> derive_key(const base::Secret& passphrase, const Argon2Parameters& parameters) {
    base::Secret key = base::Secret::zeroed(kKeyBytes);
    const auto text = passphrase.reveal();
    const int failed = crypto_pwhash(reinterpret_cast<unsigned char*>(key.writable().data()), key.size(), text.data(), text.size(),
                                     reinterpret_cast<const unsigned char*>(parameters.salt.data()), parameters.passes,
                                     std::size_t{parameters.kibibytes} * 1024, crypto_pwhash_ALG_ARGON2ID13);
    sodium_stackzero(kStackUsed);  // its last step leaves the key below this frame (VA-09)
    if (failed != 0) {
        return fail(ErrorCode::limit, fmt::format("not enough memory to use the passphrase ({} MiB)", parameters.kibibytes / 1024));
    }
    return key;
}

}  // namespace claviger::vault
