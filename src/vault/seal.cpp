#include "vault/seal.hpp"

#include <array>

#include <fmt/format.h>
#include <sodium.h>

#include "vault/encoding.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr char kFormat = 1;
constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kSealOverhead == 1 + kNonce + kTag);
static_assert(kKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

// Never null, which libsodium forbids even for no bytes.
const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data() != nullptr ? text.data() : "");
}

Result<void> open_into(unsigned char* out, const base::Secret& key, std::string_view sealed, std::string_view associated) {
    const auto nonce = sealed.substr(1, kNonce);
    const auto ciphertext = sealed.substr(1 + kNonce);
    if (key.size() != kKeyBytes) return fail(ErrorCode::key_missing, "the vault is locked");
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, nullptr, nullptr, bytes_of(ciphertext), ciphertext.size(),
                                                   bytes_of(associated), associated.size(), bytes_of(nonce),
                                                   bytes_of(key.reveal())) != 0) {
        return fail(ErrorCode::corrupt, "it was damaged or moved: its seal does not open");
    }
    return {};
}

Result<std::size_t> plain_size(std::string_view sealed) {
    if (!sealed.empty() && sealed[0] != kFormat) {
        return fail(ErrorCode::unsupported,
                    fmt::format("its seal has format {}, this program knows 1", static_cast<unsigned char>(sealed[0])),
                    "it is damaged, or a newer claviger made it");
    }
    if (sealed.size() < kSealOverhead) return fail(ErrorCode::corrupt, "its seal is cut short");
    return sealed.size() - kSealOverhead;
}

}  // namespace

std::string seal(const base::Secret& key, std::string_view plain, std::string_view associated, base::Random& random) {
    std::string sealed(plain.size() + kSealOverhead, kFormat);
    random.fill(std::as_writable_bytes(std::span(sealed).subspan(1, kNonce)));
    auto* out = reinterpret_cast<unsigned char*>(sealed.data());
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + 1 + kNonce, nullptr, bytes_of(plain), plain.size(),
                                               bytes_of(associated), associated.size(), nullptr, out + 1,
                                               bytes_of(key.reveal()));
    return sealed;
}

Result<base::Secret> unseal(const base::Secret& key, std::string_view sealed, std::string_view associated) {
    TRY(size, plain_size(sealed));
    base::Secret plain = base::Secret::zeroed(size);
    unsigned char nothing = 0;
    auto* out = size == 0 ? &nothing : reinterpret_cast<unsigned char*>(plain.writable().data());
    TRY_VOID(open_into(out, key, sealed, associated));
    return plain;
}

Result<base::WipedString> unseal_wiped(const base::Secret& key, std::string_view sealed, std::string_view associated) {
    TRY(size, plain_size(sealed));
    base::WipedString plain(size, '\0');
    TRY_VOID(open_into(reinterpret_cast<unsigned char*>(plain.data()), key, sealed, associated));
    return plain;
}

std::string_view mark_in(std::string_view sealed) {
    static constexpr std::array<char, kMarkBytes> kNone{};
    if (sealed.size() < kMarkBytes) return {kNone.data(), kNone.size()};
    return sealed.substr(sealed.size() - kMarkBytes);
}

std::string seal_mark(std::string_view sealed) { return std::string(mark_in(sealed)); }

std::string keyed_hash(std::string_view key, std::string_view bytes, std::size_t size) {
    std::string hash(size, '\0');
    crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(), bytes_of(bytes), bytes.size(),
                       bytes_of(key), key.size());
    return hash;
}

std::string record_associated(std::string_view vault_id, std::uint32_t key_id, const RecordInfo& info) {
    Encoder encoder;
    encoder.reserve(160);
    encoder.text("claviger/record").u8(1).text(vault_id).u32(key_id);
    encoder.text(info.key.tenant).text(info.key.kind).text(info.key.id).u64(info.version);
    encoder.i64(info.created_at.time_since_epoch().count()).i64(info.updated_at.time_since_epoch().count());
    return std::string(encoder.view());
}

std::string root_associated(std::string_view vault_id, std::uint32_t key_id) {
    return std::string(Encoder().text("claviger/root").u8(1).text(vault_id).u32(key_id).view());
}

std::string page_associated(std::string_view vault_id, std::uint32_t key_id, std::uint32_t page) {
    return std::string(Encoder().text("claviger/page").u8(1).text(vault_id).u32(key_id).u32(page).view());
}

std::string data_key_associated(std::string_view vault_id, std::uint32_t key_id, std::int64_t created_at) {
    return std::string(Encoder().text("claviger/data-key").u8(1).text(vault_id).u32(key_id).i64(created_at).view());
}

}  // namespace claviger::vault
