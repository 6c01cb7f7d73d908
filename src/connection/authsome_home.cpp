#include "connection/authsome_home.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/authsome_store.hpp"
#include "json/parse.hpp"
#include "json/value.hpp"
#include "sys/files.hpp"

namespace claviger::connection {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;
constexpr std::size_t kMostFile = 1 << 20;

std::vector<fs::path> sorted_entries(const fs::path& directory) {
    std::vector<fs::path> entries;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) entries.push_back(entry.path());
    std::sort(entries.begin(), entries.end());
    return entries;
}

// An empty object when there is none, or none that can be read.
json::Object configuration(const fs::path& file) {
    const auto text = sys::read_file(file, kMostFile);
    const auto value = text ? json::parse(*text) : Result<json::Value>(base::fail(text.error()));
    return value && value->is_object() ? value->get_object() : json::Object();
}

std::string text_at(const json::Object& object, std::string_view key) { return std::string(json::string_at(object, key).value_or("")); }

std::string encryption_mode(const json::Object& configuration) {
    const auto* encryption = json::object_at(configuration, "encryption");
    return encryption != nullptr ? text_at(*encryption, "mode") : std::string();
}

void read_definitions(const fs::path& directory, AuthsomeHome& into) {
    for (const auto& file : sorted_entries(directory)) {
        if (file.extension() != ".json" && file.extension() != ".jsonc") continue;
        auto text = sys::read_file(file, kMostFile);
        into.definitions.push_back({file.filename().string(), text ? *text : std::string(), text ? std::string() : text.error().message});
    }
}

// Up to 0.2: config.json, master.key, profiles/NAME/store.db.
void read_profiles(const fs::path& home, const fs::path& scratch, AuthsomeHome& into) {
    const auto config = configuration(home / "config.json");
    into.default_profile = text_at(config, "default_profile");
    if (into.default_profile.empty()) into.default_profile = "default";
    std::vector<fs::path> stores;
    std::error_code error;
    for (const auto& profile : sorted_entries(home / "profiles"))
        if (fs::exists(profile / "store.db", error)) stores.push_back(profile / "store.db");
    if (stores.empty()) return;
    const auto key = authsome_key(home / "master.key", encryption_mode(config));
    if (!key) {
        into.notes.push_back("the accounts in profiles/ cannot be read: " + key.error().message);
        return;
    }
    for (const auto& file : stores) {
        auto read = read_profile_store(file, scratch, *key, into);
        if (!read) into.notes.push_back("the store of profile " + base::printable(file.parent_path().filename().string()) + " cannot be read: " + read.error().describe());
    }
}

// Accounts of several owners: those of one have their own names here.
void choose_default(const fs::path& home, AuthsomeHome& into) {
    std::set<std::string> owners;
    for (const auto& record : into.records)
        if (record.kind == AuthsomeRecord::Kind::connection) owners.insert(record.profile);
    const auto active = text_at(configuration(home / "client" / "config.json"), "active_identity");
    if (owners.contains(into.default_profile)) return;
    if (owners.contains(active)) into.default_profile = active;
    else if (owners.size() == 1) into.default_profile = *owners.begin();
}

// From 0.3 on: server/config.json, server/master.key, server/kv_store/.
void read_server(const fs::path& home, const fs::path& scratch, AuthsomeHome& into) {
    const auto server = home / "server";
    std::error_code error;
    if (!fs::exists(server / "kv_store" / "cache.db", error)) return;
    auto read = read_server_store(server, scratch, encryption_mode(configuration(server / "config.json")), into);
    if (!read) into.notes.push_back("the accounts in server/ cannot be read: " + read.error().message + (read.error().hint.empty() ? "" : "; " + read.error().hint));
    choose_default(home, into);
}

}  // namespace

Result<AuthsomeHome> read_authsome_home(const fs::path& home, const fs::path& scratch) {
    std::error_code error;
    const bool there = fs::exists(home, error);
    if (error) return base::fail(ErrorCode::storage, "cannot read " + base::printable(home.string(), 4096) + ": " + error.message());
    if (!there) return base::fail(ErrorCode::not_found, "there is no directory " + base::printable(home.string(), 4096), "name the directory of authsome: claviger import authsome DIR");
    if (!fs::is_directory(home, error)) return base::fail(ErrorCode::not_found, base::printable(home.string(), 4096) + " is not a directory", "name the directory of authsome: claviger import authsome DIR");
    const bool known = fs::is_directory(home / "providers", error) || fs::is_directory(home / "profiles", error) || fs::is_directory(home / "server", error);
    if (!known) return base::fail(ErrorCode::not_found, base::printable(home.string(), 4096) + " is no home of authsome: it holds none of profiles/, providers/ and server/", "name the directory that does");
    AuthsomeHome result;
    read_definitions(home / "providers", result);
    read_profiles(home, scratch, result);
    read_server(home, scratch, result);
    std::sort(result.records.begin(), result.records.end(), [](const auto& a, const auto& b) { return std::tie(a.kind, a.profile, a.provider, a.name) < std::tie(b.kind, b.profile, b.provider, b.name); });
    return result;
}

}  // namespace claviger::connection
