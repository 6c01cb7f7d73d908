#include "vault/key_encryption_key.hpp"

#include <algorithm>
#include <chrono>

#include <unistd.h>

#include <fmt/format.h>

#include "base/text.hpp"
#include "sys/files.hpp"
#include "sys/secret_service.hpp"
#include "vault/passphrase.hpp"
#include "vault/seal.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using base::Secret;

constexpr std::string_view kKeyFilePrefix = "claviger-key:1:";  // docs/formats/key-file.md
constexpr std::string_view kFirstKeyFile = "vault.key";
constexpr std::size_t kLongestKeyText = 4096;
constexpr std::chrono::seconds kProbe{2};     // is a Secret Service there at all
constexpr std::chrono::seconds kForHuman{120};  // it may ask for the keyring's password

base::Error missing(std::string message, std::string hint = {}) {
    if (hint.empty()) {
        hint = "put the key back or restore a backup with: claviger vault restore FILE --replace; an existing vault never gets a new key";
    }
    return base::Error::make(ErrorCode::key_missing, std::move(message), std::move(hint));
}

// 32 raw bytes, or 64 hex digits, or base64 or base64url of 32 bytes, each with an optional final newline.
Result<Secret> key_from_text(std::string_view bytes) {
    if (bytes.size() == kKeyBytes) return Secret(bytes);
    const std::string_view text = base::trim(bytes);
    std::optional<std::string> raw;
    if (text.size() == 64) raw = base::hex_decode(text);
    else if (text.size() == 43) raw = base::base64url_decode(text);
    else if (text.size() == 44) raw = base::base64_decode(text);
    if (!raw || raw->size() != kKeyBytes) {
        return fail(missing("what was given is not a key", "give 32 raw bytes, or 32 bytes as base64 or hex"));
    }
    return Secret::taking(*raw);
}

Secret text_of_key(const Secret& key) {
    std::string text = base::base64url_encode(key.reveal());
    return Secret::taking(text);
}

// The file

bool plain_key_file_name(std::string_view name) {
    return name.starts_with("vault") && name.ends_with(".key") && name.size() <= 64 &&
           std::ranges::all_of(name, [](char c) { return c == '-' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); });
}

Result<Secret> load_key_file(const std::filesystem::path& path) {
    auto content = sys::read_private_file(path, kLongestKeyText);
    if (!content && content.error().code == ErrorCode::not_found) {
        return fail(missing(fmt::format("the vault's key file {} is missing", path.native())));
    }
    if (!content) return fail(content.error().within("the vault's key cannot be read"));
    const std::string_view text = base::trim(content->reveal());
    auto raw = text.starts_with(kKeyFilePrefix) ? base::base64url_decode(text.substr(kKeyFilePrefix.size())) : std::nullopt;
    if (!raw || raw->size() != kKeyBytes) return fail(missing(fmt::format("the vault's key file {} is damaged", path.native())));
    return Secret::taking(*raw);
}

Result<KeyEncryptionKey> make_key_file(const KeyPlace& place, bool first_start, base::Random& random) {
    std::string name(kFirstKeyFile);
    if (!first_start) {
        std::string tag(8, '\0');
        random.fill(std::as_writable_bytes(std::span(tag)));
        name = fmt::format("vault-{}.key", base::hex_encode(tag));
    }
    const auto path = place.home / name;
    Secret key = random.secret_bytes(kKeyBytes);
    base::WipedString content(kKeyFilePrefix);
    content.reserve(64);
    content += text_of_key(key).reveal();
    content += '\n';
    const auto created = sys::create_file_exclusively(path, {content.data(), content.size()});
    if (!created && created.error().code == ErrorCode::already_exists && first_start) {
        // An earlier first start was killed between its key and its vault: that key protects nothing yet.
        TRY(left, load_key_file(path));
        return KeyEncryptionKey{KeySourceKind::file, std::move(name), std::move(left)};
    }
    TRY_VOID(created);
    return KeyEncryptionKey{KeySourceKind::file, std::move(name), std::move(key)};
}

// The Secret Service

sys::SecretAttributes attributes_of(const KeyPlace& place, std::string_view tag) {
    return {{"application", "claviger"}, {"vault", base::hex_encode(place.vault_id)}, {"key", std::string(tag)}};
}

Result<KeyEncryptionKey> make_service_key(const KeyPlace& place, base::Random& random) {
    std::string tag(8, '\0');
    random.fill(std::as_writable_bytes(std::span(tag)));
    tag = base::hex_encode(tag);
    Secret key = random.secret_bytes(kKeyBytes);
    TRY_VOID(sys::secret_service_store(attributes_of(place, tag), "Claviger vault key", text_of_key(key), kForHuman));
    return KeyEncryptionKey{KeySourceKind::secret_service, std::move(tag), std::move(key)};
}

Result<Secret> load_service_key(const KeyPlace& place, std::string_view tag) {
    auto text = sys::secret_service_lookup(attributes_of(place, tag), kForHuman);
    if (!text) {
        base::Error error = missing("the vault's key cannot be had from the Secret Service",
                                    "start and unlock the keyring this vault was made with, or restore a backup");
        error.cause = std::make_shared<const base::Error>(text.error());
        return fail(std::move(error));
    }
    return key_from_text(text->reveal());
}

// Passphrase and descriptor

Result<Secret> ask(const KeySourceChoice& choice, bool confirm) {
    if (!choice.ask_passphrase) {
        return fail(missing("the vault's key comes from a passphrase, and nobody can be asked for it",
                            "run this on a terminal, or give the passphrase on a descriptor"));
    }
    TRY(passphrase, choice.ask_passphrase(confirm));
    if (passphrase.empty()) return fail(ErrorCode::invalid_input, "the passphrase is empty");
    return passphrase;
}

Result<Secret> load_descriptor_key(const KeySourceChoice& choice) {
    if (choice.descriptor < 0) {
        return fail(missing("the vault's key comes from a descriptor, and none was given", "name the descriptor that holds the key"));
    }
    // A file can be read again by a second opening of the vault; for a pipe this does nothing.
    ::lseek(choice.descriptor, 0, SEEK_SET);
    auto content = sys::read_secret_descriptor(choice.descriptor, kLongestKeyText);
    if (!content) return fail(missing(content.error().within("the vault's key cannot be read").message));
    return key_from_text(content->reveal());
}

}  // namespace

std::string_view to_string(KeySourceKind kind) {
    switch (kind) {
        case KeySourceKind::automatic: return "automatic";
        case KeySourceKind::secret_service: return "secret-service";
        case KeySourceKind::file: return "file";
        case KeySourceKind::passphrase: return "passphrase";
        case KeySourceKind::descriptor: return "descriptor";
    }
    return "automatic";
}

std::optional<KeySourceKind> key_source_from(std::string_view text) {
    for (const auto kind : {KeySourceKind::secret_service, KeySourceKind::file, KeySourceKind::passphrase, KeySourceKind::descriptor}) {
        if (to_string(kind) == text) return kind;
    }
    return std::nullopt;
}

Result<KeyEncryptionKey> make_key(const KeySourceChoice& choice, const KeyPlace& place, bool first_start, base::Random& random) {
    switch (choice.kind) {
        case KeySourceKind::automatic:
            if (sys::secret_service_ready(kProbe)) {
                // It may still refuse to store; a first start must not fail over that.
                if (auto made = make_service_key(place, random)) return made;
            }
            return make_key_file(place, first_start, random);
        case KeySourceKind::file: return make_key_file(place, first_start, random);
        case KeySourceKind::secret_service: return make_service_key(place, random);
        case KeySourceKind::passphrase: {
            TRY(passphrase, ask(choice, true));
            const auto parameters = Argon2Parameters::fresh(random);
            TRY(key, derive_key(passphrase, parameters));
            return KeyEncryptionKey{KeySourceKind::passphrase, parameters.text(), std::move(key)};
        }
        case KeySourceKind::descriptor: {
            TRY(key, load_descriptor_key(choice));
            return KeyEncryptionKey{KeySourceKind::descriptor, "", std::move(key)};
        }
    }
    return fail(ErrorCode::internal, "unknown key source");
}

Result<Secret> load_key(KeySourceKind kind, std::string_view parameters, const KeySourceChoice& choice, const KeyPlace& place) {
    switch (kind) {
        case KeySourceKind::file:
            if (!plain_key_file_name(parameters)) return fail(ErrorCode::corrupt, "the vault names a key file outside its directory");
            return load_key_file(place.home / parameters);
        case KeySourceKind::secret_service: return load_service_key(place, parameters);
        case KeySourceKind::passphrase: {
            TRY(costs, Argon2Parameters::parse(parameters));
            TRY(passphrase, ask(choice, false));
            return derive_key(passphrase, costs);
        }
        case KeySourceKind::descriptor: return load_descriptor_key(choice);
        case KeySourceKind::automatic: break;
    }
    return fail(ErrorCode::corrupt, "the vault names no key source");
}

Result<void> destroy_key(KeySourceKind kind, std::string_view parameters, const KeyPlace& place) {
    if (kind == KeySourceKind::file && plain_key_file_name(parameters)) {
        const auto removed = sys::remove_file_durably(place.home / parameters);
        if (!removed && removed.error().code != ErrorCode::not_found) return removed;
    }
    if (kind == KeySourceKind::secret_service) return sys::secret_service_clear(attributes_of(place, parameters), kForHuman);
    return {};
}

std::string describe_key(KeySourceKind kind, std::string_view parameters, const KeyPlace& place) {
    switch (kind) {
        case KeySourceKind::file: return (place.home / parameters).native();
        case KeySourceKind::secret_service:
            return fmt::format("application=claviger, vault={}, key={}", base::hex_encode(place.vault_id), parameters);
        case KeySourceKind::passphrase: return std::string(parameters.substr(0, parameters.find(",salt=")));
        default: return "";
    }
}

}  // namespace claviger::vault
