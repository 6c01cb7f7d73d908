#include "crypto/aes_gcm.hpp"

#include "crypto/openssl_handles.hpp"

namespace claviger::crypto {

base::Result<base::Secret> open_aes256_gcm(std::string_view key, std::string_view nonce, std::string_view sealed) {
    constexpr std::size_t kKey = 32, kNonce = 12, kTag = 16, kMost = 16 * 1024 * 1024;
    if (key.size() != kKey || nonce.size() != kNonce || sealed.size() < kTag || sealed.size() > kMost)
        return base::fail(base::ErrorCode::invalid_input, "not sealed with AES-256-GCM");
    const auto bytes = [](std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); };
    const auto body = sealed.substr(0, sealed.size() - kTag);
    std::string tag(sealed.substr(body.size()));
    auto opened = base::Secret::zeroed(body.size());
    auto* out = reinterpret_cast<unsigned char*>(opened.writable().data());
    const std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>> context(EVP_CIPHER_CTX_new());
    int length = 0, rest = 0;
    const bool ready = context && EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce)) == 1;
    const bool read = ready && (body.empty() || EVP_DecryptUpdate(context.get(), out, &length, bytes(body), static_cast<int>(body.size())) == 1);
    const bool good = read && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTag), tag.data()) == 1 &&
                      EVP_DecryptFinal_ex(context.get(), out + length, &rest) == 1;
    ERR_clear_error();
    if (!good) return base::fail(base::ErrorCode::corrupt, "does not authenticate under this key");
    return opened;
}

}  // namespace claviger::crypto
