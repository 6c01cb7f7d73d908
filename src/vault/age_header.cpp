#include "vault/age_header.hpp"

#include <algorithm>

#include <sodium.h>

#include "base/text.hpp"

namespace claviger::vault::age {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t kColumns = 64;
constexpr std::size_t kMostStanzas = 64;

tl::unexpected<base::Error> malformed(std::string_view why) {
    return fail(ErrorCode::corrupt, "the age file's header is malformed: " + std::string(why));
}

// Lines end with LF and nothing else.
class Lines {
public:
    explicit Lines(std::string_view text) : text_(text) {}
    std::optional<std::string_view> next() {
        const auto end = text_.find('\n', at_);
        if (end == std::string_view::npos) return std::nullopt;
        const auto line = text_.substr(at_, end - at_);
        at_ = end + 1;
        return line;
    }
    [[nodiscard]] std::size_t at() const { return at_; }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

Result<Stanza> parse_stanza(std::string_view first, Lines& lines) {
    const auto words = base::split(first.substr(3), ' ');
    for (const auto& word : words) {
        const bool visible = std::ranges::all_of(word, [](unsigned char c) { return c >= 33 && c <= 126; });
        if (word.empty() || !visible) return malformed("a stanza's arguments");
    }
    Stanza stanza{words.front(), {words.begin() + 1, words.end()}, {}};
    for (;;) {
        const auto line = lines.next();
        if (!line) return malformed("it ends inside a stanza");
        const auto bytes = decode_unpadded(*line);
        if (!bytes || line->size() > kColumns) return malformed("a stanza's body");
        stanza.body += *bytes;
        if (line->size() < kColumns) return stanza;
    }
}

// Never null, which libsodium forbids even for no bytes.
const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data() != nullptr ? text.data() : "");
}

struct Hmac {
    crypto_auth_hmacsha256_state state{};
    explicit Hmac(std::string_view key) {
        if (key.data() == nullptr) key = "";  // libsodium takes no null, not even for no bytes
        crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
    }
    Hmac(const Hmac&) = delete;
    Hmac& operator=(const Hmac&) = delete;
    ~Hmac() { base::wipe(&state, sizeof state); }
    Hmac& add(std::string_view bytes) {
        crypto_auth_hmacsha256_update(&state, bytes_of(bytes), bytes.size());
        return *this;
    }
    base::Secret finish() {
        base::Secret tag = base::Secret::zeroed(crypto_auth_hmacsha256_BYTES);
        crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(tag.writable().data()));
        return tag;
    }
};

}  // namespace

std::optional<std::string> decode_unpadded(std::string_view text) {
    if (text.find('=') != std::string_view::npos || text.size() % 4 == 1) return std::nullopt;
    const std::string padding((4 - text.size() % 4) % 4, '=');
    return base::base64_decode(std::string(text) + padding);
}

std::string encode_unpadded(std::string_view bytes) {
    std::string text = base::base64_encode(bytes);
    text.erase(text.find_last_not_of('=') + 1);
    return text;
}

// RFC 5869 with one block of output.
base::Secret hkdf_sha256(const base::Secret& key, std::string_view salt, std::string_view info) {
    const base::Secret extracted = Hmac(salt).add(key.reveal()).finish();
    return Hmac(extracted.reveal()).add(info).add(std::string_view("\x01", 1)).finish();
}

std::string header_mac(const base::Secret& file_key, std::string_view authenticated) {
    const base::Secret key = hkdf_sha256(file_key, {}, "header");
    return std::string(Hmac(key.reveal()).add(authenticated).finish().reveal());
}

Result<Header> parse_header(std::string_view file) {
    if (!file.starts_with(kVersionLine)) {
        return fail(ErrorCode::corrupt, "this is not an age file", "give the file that claviger vault backup wrote");
    }
    Lines lines(file);
    lines.next();
    Header header;
    for (;;) {
        const auto start = lines.at();
        const auto line = lines.next();
        if (!line) return malformed("it has no end");
        if (line->starts_with("-> ")) {
            if (header.stanzas.size() == kMostStanzas) return malformed("too many stanzas");
            TRY(stanza, parse_stanza(*line, lines));
            header.stanzas.push_back(std::move(stanza));
            continue;
        }
        if (!line->starts_with("--- ")) return malformed("an unknown line");
        const auto mac = decode_unpadded(line->substr(4));
        if (!mac || mac->size() != crypto_auth_hmacsha256_BYTES) return malformed("its authentication code");
        if (header.stanzas.empty()) return malformed("it is for nobody");
        header.authenticated = file.substr(0, start + 3);
        header.mac = *mac;
        header.payload = file.substr(lines.at());
        return header;
    }
}

}  // namespace claviger::vault::age
