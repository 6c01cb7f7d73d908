#include "connection/authsome_store.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "crypto/aes_gcm.hpp"
#include "json/parse.hpp"
#include "json/value.hpp"
#include "store/database.hpp"
#include "sys/files.hpp"
#include "sys/secret_service.hpp"

namespace claviger::connection {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;
constexpr std::size_t kMostFile = 1 << 20, kMostStore = 256 << 20;
constexpr std::chrono::seconds kForHuman{120};  // the keyring may ask for its password
constexpr int kInline = 1, kTextFile = 3;       // diskcache: where a value is

Result<base::Secret> key_of_text(std::string_view text, std::string_view where) {
    auto raw = base::base64_decode(text);
    if (!raw) raw = base::base64url_decode(text);
    if (!raw || raw->size() != 32) return base::fail(ErrorCode::invalid_input, fmt::format("{} holds no key of 32 bytes", where));
    return base::Secret::taking(*raw);
}

// {"version": 1, "key": base64 of 32 bytes}
Result<base::Secret> key_in_file(const fs::path& file) {
    auto text = sys::read_secret_file(file, kMostFile);
    if (!text) return base::fail(ErrorCode::key_missing, "its master.key cannot be read");
    json::ParseOptions options;
    options.storage = json::secret_storage();
    const auto value = json::parse(text->reveal(), options);
    const auto key = value && value->is_object() ? json::string_at(value->get_object(), "key") : std::nullopt;
    return key_of_text(key.value_or(""), "its master.key");
}

// As Python's keyring stores it.
Result<base::Secret> key_in_keyring() {
    const sys::SecretAttributes attributes{{"service", "authsome"}, {"username", "master_key"}};
    auto text = sys::secret_service_lookup_of_others(attributes, kForHuman);
    if (!text) return base::fail(ErrorCode::key_missing, "its key should be in the desktop's keyring: " + text.error().message);
    return key_of_text(text->reveal(), "its item in the desktop's keyring");
}

// base64(nonce) "." base64(ciphertext and tag)
Result<base::Secret> opened(std::string_view sealed, const base::Secret& key) {
    const auto dot = sealed.find('.');
    const auto nonce = dot == std::string_view::npos ? std::nullopt : base::base64_decode(sealed.substr(0, dot));
    const auto body = dot == std::string_view::npos ? std::nullopt : base::base64_decode(sealed.substr(dot + 1));
    if (!nonce || !body) return base::fail(ErrorCode::invalid_input, "is not sealed as authsome seals");
    return crypto::open_aes256_gcm(key.reveal(), *nonce, *body);
}

// "SPACE:NAME:PROVIDER:client" or "SPACE:NAME:PROVIDER:connection:NAME", where SPACE says what kind of name owns it: it was
// profile, then identity, scope, vault; "server:provider:PROVIDER:client" is everybody's. What else there is only helps
// authsome.
std::optional<AuthsomeRecord> record_named(const std::string& key) {
    static constexpr std::array<std::string_view, 4> kSpaces{"profile", "identity", "scope", "vault"};
    const auto parts = base::split(key, ':');
    AuthsomeRecord record;
    if (parts.size() < 4) return std::nullopt;
    const bool of_all = parts[0] == "server" && parts[1] == "provider";
    if (!of_all && std::find(kSpaces.begin(), kSpaces.end(), parts[0]) == kSpaces.end()) return std::nullopt;
    record.profile = of_all ? std::string() : std::string(parts[1]);
    record.provider = parts[2];
    if (parts.size() == 4 && parts[3] == "client") record.kind = AuthsomeRecord::Kind::client;
    else if (!of_all && parts.size() == 5 && parts[3] == "connection") record.name = parts[4];
    else return std::nullopt;
    return record;
}

void add_record(AuthsomeRecord record, std::string_view sealed, const base::Secret& key, AuthsomeHome& into) {
    auto json = opened(sealed, key);
    if (json) record.json = std::move(*json);
    else record.problem = json.error().message;
    into.records.push_back(std::move(record));
}

void add_definition(std::string_view name, std::string_view sealed, const base::Secret& key, AuthsomeHome& into) {
    auto text = opened(sealed, key);
    into.definitions.push_back({std::string(name), text ? std::string(text->reveal()) : std::string(), text ? std::string() : text.error().message});
}

// Opening a database that has a write-ahead log writes beside it, so a copy is opened.
Result<store::Database> open_copy(const fs::path& from, const fs::path& to) {
    for (const char* suffix : {"", "-wal"}) {
        auto bytes = sys::read_file(from.string() + suffix, kMostStore, true);
        if (!bytes && *suffix != '\0' && bytes.error().code == ErrorCode::not_found) continue;
        if (!bytes) return base::fail(bytes.error());
        TRY_VOID(sys::write_file_atomically(to.string() + suffix, *bytes));
    }
    return store::Database::open(to, {});
}

// {"value": {"data": sealed}, ...}; the inner object may be JSON in a string.
Result<std::string> sealed_in(std::string_view text) {
    const auto outer = json::parse(text);
    const auto* value = outer && outer->is_object() ? json::find(outer->get_object(), "value") : nullptr;
    std::optional<json::Value> inner;
    if (value != nullptr && value->is_string()) {
        if (auto parsed = json::parse(value->get_string())) inner = std::move(*parsed);
    } else if (value != nullptr) {
        inner = *value;
    }
    const auto data = inner && inner->is_object() ? json::string_at(inner->get_object(), "data") : std::nullopt;
    if (!data) return base::fail(ErrorCode::invalid_input, "is not stored as authsome stores");
    return std::string(*data);
}

Result<std::string> value_of(const store::Row& row, const fs::path& directory) {
    const auto mode = row.integer(1);
    if (mode == kInline) return std::string(row.text(3));
    const fs::path file = std::string(row.text(2));
    const bool below = !file.empty() && file.is_relative() && std::none_of(file.begin(), file.end(), [](const auto& part) { return part == ".."; });
    if (mode != kTextFile || !below) return base::fail(ErrorCode::invalid_input, "is not stored as authsome stores");
    return sys::read_file(directory / file, kMostFile, true);
}

}  // namespace

Result<base::Secret> authsome_key(const fs::path& key_file, std::string_view mode) {
    if (mode == "env") return base::fail(ErrorCode::key_missing, "its key is in the environment of its server alone");
    if (mode == "keyring") return key_in_keyring();
    std::error_code error;
    if (mode == "auto" || (mode.empty() && !fs::exists(key_file, error))) {
        auto key = key_in_keyring();
        if (key || !fs::exists(key_file, error)) return key;
    }
    return key_in_file(key_file);
}

Result<void> read_profile_store(const fs::path& file, const fs::path& scratch, const base::Secret& key, AuthsomeHome& into) {
    TRY(database, open_copy(file, scratch / (file.parent_path().filename().string() + ".db")));
    TRY(statement, database.prepare("SELECT key, value FROM kv ORDER BY key"));
    while (true) {
        TRY(more, statement.step());
        if (!more) return {};
        if (auto record = record_named(std::string(statement.row().text(0)))) add_record(std::move(*record), statement.row().text(1), key, into);
    }
}

Result<void> read_server_store(const fs::path& server, const fs::path& scratch, std::string_view mode, AuthsomeHome& into) {
    const auto directory = server / "kv_store";
    TRY(database, open_copy(directory / "cache.db", scratch / "server-cache.db"));
    TRY(further_keys, database.integer("SELECT count(*) FROM Cache WHERE key = '__vault_meta__::__dek__'"));
    if (further_keys != 0)
        return base::fail(ErrorCode::unsupported, "they are sealed by a second key, as later versions do it", "log in to these accounts anew");
    TRY(key, authsome_key(server / "master.key", mode));
    TRY(statement, database.prepare("SELECT key, mode, filename, value FROM Cache WHERE raw = 1 ORDER BY key"));
    while (true) {
        TRY(more, statement.step());
        if (!more) return {};
        const auto row = statement.row();
        // collection "::" key
        const std::string compound(row.text(0));
        const auto at = compound.find("::");
        if (at == std::string::npos) continue;
        const auto collection = compound.substr(0, at), name = compound.substr(at + 2);
        auto record = record_named(name);
        const bool definition = collection == "providers" && name != "__index__";
        if (!record && !definition) continue;
        auto text = value_of(row, directory);
        auto sealed = text ? sealed_in(*text) : std::move(text);
        if (record && !sealed) {
            record->problem = sealed.error().message;
            into.records.push_back(std::move(*record));
        } else if (record) {
            add_record(std::move(*record), *sealed, key, into);
        } else if (!sealed) {
            into.definitions.push_back({name, "", sealed.error().message});
        } else {
            add_definition(name, *sealed, key, into);
        }
    }
}

}  // namespace claviger::connection
