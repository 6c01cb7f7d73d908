#include "connection/refresh_aside.hpp"

#include <system_error>

#include "crypto/digest.hpp"
#include "vault/encoding.hpp"
#include "vault/seal.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;

constexpr std::string_view kMagic = "claviger answer 1\n";
constexpr std::string_view kSuffix = ".answer";
constexpr std::size_t kLargest = 4 << 20;
constexpr std::size_t kNameDigits = 32;

std::string associated(const AsideSeal& seal) {
    vault::Encoder encoder;
    encoder.text("claviger/answer").u8(1).text(seal.tenant).text(seal.id).text(seal.attempt);
    return std::string(encoder.view());
}

// The key in the vault is text; a seal wants 32 bytes.
base::Secret sealing_key(const AsideSeal& seal) {
    auto bytes = crypto::hmac_sha256(seal.key.reveal(), "claviger/answer");
    return base::Secret::taking(bytes);
}

struct Content { std::string id, sealed; };

// nullopt: nothing was ever written, or not to the end.
base::Result<std::optional<Content>> read_content(const std::filesystem::path& file) {
    auto bytes = sys::read_file(file, kLargest, true);
    if (!bytes && bytes.error().code == ErrorCode::not_found) return std::optional<Content>();
    if (!bytes) return base::fail(std::move(bytes).error());
    if (!bytes->starts_with(kMagic)) return std::optional<Content>();
    vault::Decoder decoder(std::string_view(*bytes).substr(kMagic.size()));
    Content content;
    content.id = decoder.raw(decoder.u32());
    content.sealed = decoder.raw(decoder.u32());
    if (!decoder.ok() || content.sealed.empty()) return std::optional<Content>();
    return std::optional<Content>(std::move(content));
}

}  // namespace

std::filesystem::path refresh_directory(const std::filesystem::path& home) { return home / "refresh"; }

std::filesystem::path aside_file(const std::filesystem::path& home, const std::string& id) {
    return refresh_directory(home) / hash_of_id(id).append(kSuffix);
}

base::Result<void> set_aside(sys::ReservedFile& room, const AsideSeal& seal, const base::Secret& answer, base::Random& random) {
    vault::Encoder encoder;
    const auto sealed = vault::seal(sealing_key(seal), answer.reveal(), associated(seal), random);
    encoder.text(seal.id).text(sealed);
    std::string bytes(kMagic);
    bytes.append(encoder.view());
    return room.write(bytes);
}

base::Result<std::optional<base::Secret>> read_aside(const std::filesystem::path& home, const AsideSeal& seal) {
    TRY(content, read_content(aside_file(home, seal.id)));
    if (!content || content->id != seal.id || seal.key.empty()) return std::optional<base::Secret>();
    auto plain = vault::unseal(sealing_key(seal), content->sealed, associated(seal));
    if (!plain) return std::optional<base::Secret>();
    return std::optional<base::Secret>(std::move(*plain));
}

void remove_aside_file(const std::filesystem::path& file) {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
}

base::Result<std::vector<AsideFile>> list_aside(const std::filesystem::path& home) {
    std::vector<AsideFile> found;
    std::error_code failure;
    for (std::filesystem::directory_iterator at(refresh_directory(home), failure), end; !failure && at != end; at.increment(failure)) {
        if (at->path().extension() != kSuffix) continue;
        TRY(content, read_content(at->path()));
        AsideFile file{at->path(), at->path().stem().native(), {}};
        if (content) file.id = content->id;
        found.push_back(std::move(file));
    }
    return found;
}

std::string hash_of_id(std::string_view id) { return crypto::sha256_hex(id).substr(0, kNameDigits); }

}  // namespace claviger::connection
