#include "vault/age.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <sodium.h>

#include "vault/age_header.hpp"

namespace claviger::vault::age {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using base::Secret;

constexpr std::size_t kSalt = 16;
constexpr std::size_t kPayloadNonce = 16;
constexpr std::size_t kTag = crypto_aead_chacha20poly1305_ietf_ABYTES;
constexpr std::string_view kScryptLabel = "age-encryption.org/v1/scrypt";

// Never null, which libsodium forbids even for no bytes.
const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data() != nullptr ? text.data() : "");
}

std::string random_string(base::Random& random, std::size_t size) {
    std::string bytes(size, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

Result<Secret> wrapping_key(const Secret& passphrase, std::string_view salt, int work_factor) {
    const std::string labelled = std::string(kScryptLabel) + std::string(salt);
    Secret key = Secret::zeroed(crypto_aead_chacha20poly1305_ietf_KEYBYTES);
    if (crypto_pwhash_scryptsalsa208sha256_ll(bytes_of(passphrase.reveal()), passphrase.size(), bytes_of(labelled), labelled.size(),
                                              std::uint64_t{1} << work_factor, 8, 1,
                                              reinterpret_cast<unsigned char*>(key.writable().data()), key.size()) != 0) {
        return fail(ErrorCode::limit, fmt::format("not enough memory to use the passphrase ({} MiB)", (1U << work_factor) / 1024));
    }
    return key;
}

// One to two digits without sign or leading zero; larger costs are refused before they are paid.
Result<int> parse_work_factor(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 1 || text[0] == '0') {
        return fail(ErrorCode::corrupt, "the age file's work factor is malformed");
    }
    if (value > kLargestWorkFactor) return fail(ErrorCode::corrupt, "the age file's work factor is too large");
    return value;
}

Result<Secret> unwrap_scrypt(const std::vector<Stanza>& stanzas, const Secret& passphrase) {
    const bool any = std::ranges::any_of(stanzas, [](const Stanza& stanza) { return stanza.type == "scrypt"; });
    if (!any) {
        return fail(ErrorCode::unsupported, "the age file was not made for a passphrase",
                    "decrypt it with age and encrypt it again with: age --passphrase");
    }
    if (stanzas.size() != 1) return fail(ErrorCode::corrupt, "the age file is for a passphrase and for others too");
    const Stanza& stanza = stanzas.front();
    const auto salt = stanza.arguments.size() == 2 ? decode_unpadded(stanza.arguments[0]) : std::nullopt;
    if (!salt || salt->size() != kSalt || stanza.body.size() != kFileKeyBytes + kTag) {
        return fail(ErrorCode::corrupt, "the age file's passphrase stanza is malformed");
    }
    TRY(work_factor, parse_work_factor(stanza.arguments[1]));
    TRY(key, wrapping_key(passphrase, *salt, work_factor));
    Secret file_key = Secret::zeroed(kFileKeyBytes);
    const std::array<unsigned char, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> nonce{};  // the key is used once
    if (crypto_aead_chacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(file_key.writable().data()), nullptr, nullptr,
                                                  bytes_of(stanza.body), stanza.body.size(), nullptr, 0, nonce.data(),
                                                  bytes_of(key.reveal())) != 0) {
        return fail(ErrorCode::invalid_input, "the passphrase does not open this backup", "try again");
    }
    return file_key;
}

// Lines of exactly 64 columns, then a shorter one, which may be empty.
std::string wrapped_body(std::string_view bytes) {
    const std::string text = encode_unpadded(bytes);
    std::string lines;
    std::size_t at = 0;
    for (; text.size() - at >= 64; at += 64) lines += text.substr(at, 64) + "\n";
    return lines + text.substr(at) + "\n";
}

}  // namespace

std::array<unsigned char, 12> Stream::next_nonce(bool last) {
    std::array<unsigned char, 12> nonce{};
    const std::uint64_t number = counter_++;
    for (std::size_t i = 0; i < 8; ++i) nonce[10 - i] = static_cast<unsigned char>(number >> (8 * i) & 0xff);
    nonce[11] = last ? 1 : 0;
    return nonce;
}

std::string Stream::seal(std::string_view chunk, bool last) {
    const auto nonce = next_nonce(last);
    std::string sealed(chunk.size() + kTag, '\0');
    crypto_aead_chacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(sealed.data()), nullptr, bytes_of(chunk), chunk.size(),
                                              nullptr, 0, nullptr, nonce.data(), bytes_of(key_.reveal()));
    return sealed;
}

Result<base::WipedString> Stream::open(std::string_view sealed, bool last) {
    const auto nonce = next_nonce(last);
    if (sealed.size() < kTag) return fail(ErrorCode::corrupt, "the age file is cut short");
    base::WipedString chunk(sealed.size() - kTag, '\0');
    if (crypto_aead_chacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(chunk.data()), nullptr, nullptr, bytes_of(sealed),
                                                  sealed.size(), nullptr, 0, nonce.data(), bytes_of(key_.reveal())) != 0) {
        return fail(ErrorCode::corrupt, "the age file is damaged or cut short");
    }
    return chunk;
}

Result<Encryptor> Encryptor::begin(const Secret& passphrase, int work_factor, base::Random& random, Sink sink) {
    if (passphrase.empty()) return fail(ErrorCode::invalid_input, "the passphrase is empty");
    const Secret file_key = random.secret_bytes(kFileKeyBytes);
    const std::string salt = random_string(random, kSalt);
    TRY(key, wrapping_key(passphrase, salt, work_factor));
    std::string body(kFileKeyBytes + kTag, '\0');
    const std::array<unsigned char, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> nonce{};
    crypto_aead_chacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(body.data()), nullptr, bytes_of(file_key.reveal()),
                                              file_key.size(), nullptr, 0, nullptr, nonce.data(), bytes_of(key.reveal()));
    std::string header(kVersionLine);
    header += fmt::format("-> scrypt {} {}\n{}---", encode_unpadded(salt), work_factor, wrapped_body(body));
    header += " " + encode_unpadded(header_mac(file_key, header)) + "\n";
    const std::string payload_nonce = random_string(random, kPayloadNonce);
    TRY_VOID(sink(header + payload_nonce));
    Encryptor encryptor(Stream(hkdf_sha256(file_key, payload_nonce, "payload")), std::move(sink));
    encryptor.pending_.reserve(kChunk + 1);
    return encryptor;
}

Result<void> Encryptor::append(std::string_view bytes) {
    while (!bytes.empty()) {
        // A full chunk waits for the next byte: only then is it known not to be the last.
        if (pending_.size() == kChunk) {
            TRY_VOID(sink_(stream_.seal({pending_.data(), pending_.size()}, false)));
            base::wipe(pending_.data(), pending_.size());
            pending_.clear();
        }
        const auto taken = std::min(kChunk - pending_.size(), bytes.size());
        pending_.append(bytes.data(), taken);
        bytes.remove_prefix(taken);
    }
    return {};
}

Result<void> Encryptor::finish() { return sink_(stream_.seal({pending_.data(), pending_.size()}, true)); }

Result<void> decrypt_with(std::string_view file, const Unwrap& unwrap, const Sink& plain) {
    TRY(header, parse_header(file));
    TRY(file_key, unwrap(header.stanzas));
    if (file_key.size() != kFileKeyBytes) return fail(ErrorCode::corrupt, "the age file's key has a wrong length");
    if (!base::equal_constant_time(header_mac(file_key, header.authenticated), header.mac)) {
        return fail(ErrorCode::corrupt, "the age file's header was changed");
    }
    auto rest = header.payload;
    if (rest.size() < kPayloadNonce) return fail(ErrorCode::corrupt, "the age file is cut short");
    Stream stream(hkdf_sha256(file_key, rest.substr(0, kPayloadNonce), "payload"));
    rest.remove_prefix(kPayloadNonce);
    for (bool first = true;; first = false) {
        const bool last = rest.size() <= kChunk + kTag;
        TRY(chunk, stream.open(rest.substr(0, kChunk + kTag), last));
        if (chunk.empty() && !first) return fail(ErrorCode::corrupt, "the age file ends with an empty piece");
        TRY_VOID(plain({chunk.data(), chunk.size()}));
        if (last) return {};
        rest.remove_prefix(kChunk + kTag);
    }
}

Result<void> decrypt(std::string_view file, const Secret& passphrase, const Sink& plain) {
    return decrypt_with(file, [&](const std::vector<Stanza>& stanzas) { return unwrap_scrypt(stanzas, passphrase); }, plain);
}

}  // namespace claviger::vault::age
