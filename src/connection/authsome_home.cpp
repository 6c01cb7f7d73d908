#include "connection/authsome_home.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/text.hpp"
#include "crypto/aes_gcm.hpp"
#include "json/parse.hpp"
#include "provider/expand.hpp"
#include "store/database.hpp"
#include "sys/files.hpp"

namespace claviger::connection {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;
constexpr std::size_t kMostFile = 1 << 20, kMostStore = 256 << 20;

std::vector<fs::path> sorted_entries(const fs::path& directory) {
    std::vector<fs::path> entries;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) entries.push_back(entry.path());
    std::sort(entries.begin(), entries.end());
    return entries;
}

Result<json::Value> secret_json(std::string_view text) {
    json::ParseOptions options;
    options.storage = json::secret_storage();
    auto value = json::parse(text, options);
    if (value && !value->is_object()) return base::fail(ErrorCode::invalid_input, "not a JSON object");
    if (!value) return base::fail(ErrorCode::invalid_input, "not JSON");  // without a piece of what it is
    return value;
}

// {"version": 1, "key": base64 of 32 bytes}
Result<base::Secret> master_key(const fs::path& home, const std::string& mode) {
    if (mode == "keyring") return base::fail(ErrorCode::unsupported, "its key is in the desktop's keyring, which this import does not read");
    auto text = sys::read_secret_file(home / "master.key", kMostFile);
    if (!text) return base::fail(ErrorCode::key_missing, "its master.key cannot be read");
    TRY(value, secret_json(text->reveal()));
    auto raw = base::base64_decode(json::string_at(value.get_object(), "key").value_or(""));
    if (!raw) raw = base::base64url_decode(json::string_at(value.get_object(), "key").value_or(""));
    if (!raw || raw->size() != 32) return base::fail(ErrorCode::invalid_input, "its master.key holds no key of 32 bytes");
    return base::Secret::taking(*raw);
}

// base64(nonce) "." base64(ciphertext and tag)
Result<base::Secret> opened(std::string_view sealed, const base::Secret& key) {
    const auto dot = sealed.find('.');
    const auto nonce = dot == std::string_view::npos ? std::nullopt : base::base64_decode(sealed.substr(0, dot));
    const auto body = dot == std::string_view::npos ? std::nullopt : base::base64_decode(sealed.substr(dot + 1));
    if (!nonce || !body) return base::fail(ErrorCode::invalid_input, "is not sealed as authsome seals");
    return crypto::open_aes256_gcm(key.reveal(), *nonce, *body);
}

// "profile:NAME:PROVIDER:client" or "profile:NAME:PROVIDER:connection:NAME"; what else there is only helps authsome.
std::optional<AuthsomeRecord> record_named(const std::string& key) {
    const auto parts = base::split(key, ':');
    AuthsomeRecord record;
    if (parts.size() < 4 || parts[0] != "profile") return std::nullopt;
    record.profile = parts[1];
    record.provider = parts[2];
    if (parts.size() == 4 && parts[3] == "client") record.kind = AuthsomeRecord::Kind::client;
    else if (parts.size() == 5 && parts[3] == "connection") record.name = parts[4];
    else return std::nullopt;
    return record;
}

Result<void> copy_store(const fs::path& from, const fs::path& to) {
    for (const char* suffix : {"", "-wal"}) {
        const auto source = from.string() + suffix;
        auto bytes = sys::read_file(source, kMostStore, true);
        if (!bytes && *suffix != '\0' && bytes.error().code == ErrorCode::not_found) continue;
        if (!bytes) return base::fail(bytes.error());
        TRY_VOID(sys::write_file_atomically(to.string() + suffix, *bytes));
    }
    return {};
}

Result<void> read_store(const fs::path& file, const fs::path& scratch, const Result<base::Secret>& key, AuthsomeHome& into) {
    const auto copy = scratch / (file.parent_path().filename().string() + ".db");
    TRY_VOID(copy_store(file, copy));
    TRY(database, store::Database::open(copy, {}));
    TRY(statement, database.prepare("SELECT key, value FROM kv ORDER BY key"));
    while (true) {
        TRY(more, statement.step());
        if (!more) return {};
        auto record = record_named(std::string(statement.row().text(0)));
        if (!record) continue;
        auto json = key ? opened(statement.row().text(1), *key) : Result<base::Secret>(base::fail(key.error()));
        if (json) record->json = std::move(*json);
        else record->problem = json.error().message;
        into.records.push_back(std::move(*record));
    }
}

std::string text_at(const json::Object& object, std::string_view key) { return std::string(json::string_at(object, key).value_or("")); }

std::vector<std::string> texts_at(const json::Object& object, std::string_view key) {
    std::vector<std::string> texts;
    if (const auto* list = json::array_at(object, key)) {
        for (const auto& item : *list) {
            if (item.is_string()) texts.emplace_back(std::string_view(item.get_string()));
        }
    }
    return texts;
}

// Its dates are as Python writes them ("2026-05-02T10:00:00.123456+00:00", or without a zone: UTC), or numbers.
std::optional<base::Instant> instant_at(const json::Object& object, std::string_view key) {
    const auto* value = json::find(object, key);
    if (value == nullptr) return std::nullopt;
    if (value->is_number()) return base::Instant(std::chrono::milliseconds(static_cast<std::int64_t>(value->to_number<double>() * 1000)));
    if (!value->is_string() || value->get_string().size() < 19) return std::nullopt;
    const std::string text(std::string_view(value->get_string()));
    std::string zone = text.substr(std::min(text.find_first_of("+-Zz", 19), text.size()));
    if (zone.empty() || zone == "+00:00") zone = "Z";
    const auto read = base::from_rfc3339(text.substr(0, 10) + "T" + text.substr(11, 8) + zone);
    return read ? std::optional(*read) : std::nullopt;
}

// With the base URL of the record, as its requests had it.
Result<provider::VariableValues> variables_of(const json::Object& object, const provider::ProviderDefinition& definition) {
    provider::VariableValues given;
    if (const auto base_url = text_at(object, "base_url"); !base_url.empty()) {
        TRY(canonical, provider::canonical_base_url(base_url));
        given["base_url"] = canonical;
    }
    return provider::complete_variables(definition, given);
}

Result<std::string> token_endpoint(const provider::ProviderDefinition& definition, const provider::VariableValues& variables) {
    if (!definition.oauth2 || definition.oauth2->token_url.empty()) return base::fail(ErrorCode::invalid_input, "its definition names no token URL");
    TRY(url, provider::expand_url(definition.oauth2->token_url, variables));
    return url.text();
}

Result<void> take_oauth(const json::Object& object, const provider::ProviderDefinition& definition, Connection& connection) {
    connection.access_token = base::Secret(json::string_at(object, "access_token").value_or(""));
    connection.refresh_token = base::Secret(json::string_at(object, "refresh_token").value_or(""));
    if (connection.access_token.empty()) return base::fail(ErrorCode::invalid_input, "holds no access token");
    if (const auto type = text_at(object, "token_type"); !type.empty()) connection.token_type = type;
    connection.expires_at = instant_at(object, "expires_at");
    TRY(endpoint, token_endpoint(definition, connection.variables));
    connection.token_endpoint = endpoint;
    connection.oauth_endpoints = {endpoint};
    if (!definition.oauth2->authorization_url.empty()) {
        TRY(authorization, provider::expand_url(definition.oauth2->authorization_url, connection.variables));
        connection.oauth_endpoints.push_back(authorization.text());
    }
    connection.issuer = definition.oauth2->issuer;
    return {};
}

}  // namespace

Result<AuthsomeHome> read_authsome_home(const fs::path& home, const fs::path& scratch) {
    std::error_code error;
    const bool there = fs::exists(home, error);
    if (error) return base::fail(ErrorCode::storage, "cannot read " + base::printable(home.string(), 4096) + ": " + error.message());
    if (!there) return base::fail(ErrorCode::not_found, "there is no directory " + base::printable(home.string(), 4096), "name the directory of authsome: claviger import authsome DIR");
    if (!fs::is_directory(home, error)) return base::fail(ErrorCode::not_found, base::printable(home.string(), 4096) + " is not a directory", "name the directory of authsome: claviger import authsome DIR");
    const bool known = fs::is_directory(home / "providers", error) || fs::is_directory(home / "profiles", error) || fs::is_directory(home / "server", error);
    if (!known) return base::fail(ErrorCode::not_found, base::printable(home.string(), 4096) + " is no home of authsome: it holds neither profiles/ nor providers/", "name the directory that does");
    AuthsomeHome result;
    std::string mode;
    if (const auto config = sys::read_file(home / "config.json", kMostFile)) {
        const auto value = json::parse(*config);
        if (value && value->is_object()) {
            result.default_profile = text_at(value->get_object(), "default_profile");
            if (const auto* encryption = json::object_at(value->get_object(), "encryption")) mode = text_at(*encryption, "mode");
        }
    }
    if (result.default_profile.empty()) result.default_profile = "default";
    for (const auto& file : sorted_entries(home / "providers")) {
        if (file.extension() != ".json" && file.extension() != ".jsonc") continue;
        auto text = sys::read_file(file, kMostFile);
        result.definitions.push_back({file.filename().string(), text ? *text : std::string(), text ? std::string() : text.error().message});
    }
    std::optional<Result<base::Secret>> key;
    for (const auto& profile : sorted_entries(home / "profiles")) {
        if (!fs::exists(profile / "store.db", error)) continue;
        if (!key) key.emplace(master_key(home, mode));
        auto read = read_store(profile / "store.db", scratch, *key, result);
        if (!read) result.notes.push_back("the store of profile " + base::printable(profile.filename().string()) + " cannot be read: " + read.error().describe());
    }
    if (fs::is_directory(home / "server", error))
        result.notes.emplace_back("accounts of authsome 0.3 and later (server/) are kept in a form that is not read: log in to them anew");
    std::sort(result.records.begin(), result.records.end(), [](const auto& a, const auto& b) { return std::tie(a.kind, a.profile, a.provider, a.name) < std::tie(b.kind, b.profile, b.provider, b.name); });
    return result;
}

Result<ClientRecord> client_from_authsome(const AuthsomeRecord& record, const provider::ProviderDefinition& definition) {
    TRY(value, secret_json(record.json.reveal()));
    const auto& object = value.get_object();
    TRY(variables, variables_of(object, definition));
    TRY(endpoint, token_endpoint(definition, variables));
    TRY(url, net::Url::parse(endpoint));
    ClientRecord client;
    client.provider = definition.name;
    client.origin = url.origin();
    client.client_id = text_at(object, "client_id");
    if (client.client_id.empty()) return base::fail(ErrorCode::invalid_input, "holds no client id");
    client.client_secret = base::Secret(json::string_at(object, "client_secret").value_or(""));
    return client;
}

Result<Connection> connection_from_authsome(const AuthsomeRecord& record, const provider::ProviderDefinition& definition,
                                            const std::string& name, base::Instant now) {
    TRY(value, secret_json(record.json.reveal()));
    const auto& object = value.get_object();
    if (text_at(object, "auth_type") != provider::to_string(definition.auth_type))
        return base::fail(ErrorCode::invalid_input, fmt::format("is of the kind '{}', while the definition here is '{}'", base::printable(text_at(object, "auth_type"), 40), to_string(definition.auth_type)));
    Connection connection;
    connection.provider = definition.name;
    connection.name = name;
    connection.auth_type = definition.auth_type;
    connection.flow = definition.flow;
    TRY(variables, variables_of(object, definition));
    connection.variables = std::move(variables);
    connection.requested_scopes = texts_at(object, "scopes");
    connection.obtained_at = instant_at(object, "obtained_at").value_or(now);
    connection.definition_digest = provider::security_digest(definition);
    connection.definition_fields = provider::security_fields(definition);
    const auto status = text_at(object, "status");
    connection.login_needed = status == "revoked" || status == "invalid";
    if (connection.login_needed) connection.login_reason = "imported_" + status;
    if (definition.auth_type == provider::AuthType::oauth2) {
        TRY_VOID(take_oauth(object, definition, connection));
        return connection;
    }
    base::Secret key(json::string_at(object, "api_key").value_or(""));
    if (definition.auth_type != provider::AuthType::api_key || key.empty()) return base::fail(ErrorCode::invalid_input, "holds no API key");
    connection.fields.emplace(definition.credentials.field_name.empty() ? "api_key" : definition.credentials.field_name, std::move(key));
    return connection;
}

}  // namespace claviger::connection
