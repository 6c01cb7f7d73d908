#include "crypto/rsa_sha1.hpp"

#include <optional>

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/openssl_handles.hpp"

namespace claviger::crypto {
namespace {

using base::ErrorCode;

constexpr int kFewestBits = 1024;  // what such services still hand out; fewer can be factored
constexpr std::size_t kLine = 64;

tl::unexpected<base::Error> no_key(std::string_view why) {
    ERR_clear_error();
    return base::fail(ErrorCode::invalid_input, std::string("this is no private RSA key in PEM: ") + std::string(why),
                      "paste the whole file, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----");
}

// The lines that RFC 7468 asks for, out of whatever became of them. nullopt: no PEM of a private key.
std::optional<base::WipedString> lines_again(std::string_view text) {
    for (const std::string_view label : {"PRIVATE KEY-----", "RSA PRIVATE KEY-----"}) {
        const auto begin_mark = "-----BEGIN " + std::string(label);
        const auto end_mark = "-----END " + std::string(label);
        const auto begin = text.find(begin_mark);
        const auto end = text.find(end_mark);
        if (begin == std::string_view::npos || end == std::string_view::npos || end < begin + begin_mark.size()) continue;
        auto body = text.substr(begin + begin_mark.size(), end - begin - begin_mark.size());
        base::WipedString out;
        out.reserve(text.size() + text.size() / 32 + 128);
        out += begin_mark;
        std::size_t in_line = 0;
        while (!body.empty()) {
            if (body.starts_with("\\n")) {
                body.remove_prefix(2);
                continue;
            }
            const char c = body.front();
            body.remove_prefix(1);
            if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
            if (in_line++ % kLine == 0) out += '\n';
            out += c;
        }
        out += '\n';
        out += end_mark;
        out += '\n';
        return out;
    }
    return std::nullopt;
}

// Never asks a terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

base::Result<RsaSha1Key> RsaSha1Key::from_pem(const base::Secret& pem) {
    const auto text = lines_again(pem.reveal());
    if (!text) return no_key("the BEGIN or END line is missing, or it is encrypted");
    const Memory memory(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
    if (!memory) return openssl_failed("read a private key");
    std::shared_ptr<evp_pkey_st> key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free);
    if (!key) return no_key("it is damaged");
    if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return no_key("it is a key of another kind");
    if (EVP_PKEY_get_bits(key.get()) < kFewestBits) return no_key("it has fewer than 1024 bits");
    return RsaSha1Key(std::move(key));
}

base::Result<std::string> RsaSha1Key::sign(std::string_view bytes) const {
    using Context = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
    const Context context(EVP_MD_CTX_new());
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    std::size_t size = 0;
    const bool begun = context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha1(), nullptr, key_.get()) == 1 &&
                       EVP_DigestSign(context.get(), nullptr, &size, data, bytes.size()) == 1;
    if (!begun) return openssl_failed("sign with RSA-SHA1");
    std::string signature(size, '\0');
    auto* out = reinterpret_cast<unsigned char*>(signature.data());
    if (EVP_DigestSign(context.get(), out, &size, data, bytes.size()) != 1) return openssl_failed("sign with RSA-SHA1");
    signature.resize(size);
    return signature;
}

}  // namespace claviger::crypto
