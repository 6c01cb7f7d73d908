// The answer set aside: a file with reserved room, where the answer of a renewal goes when the vault cannot take it (RF-03,
// RF-05). One per connection under <home>/refresh; sealed under a key that only the open attempt in the vault has, so that
// it belongs to this vault, connection and attempt, and is worthless once the attempt is over. docs/formats/refresh.md.
// Internal to connection/. Thread rule: pure functions over files; the owner of the connection's lease writes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "sys/files.hpp"

namespace claviger::connection {

inline constexpr std::size_t kRoomForAnswer = 256 * 1024;

std::filesystem::path refresh_directory(const std::filesystem::path& home);
std::filesystem::path aside_file(const std::filesystem::path& home, const std::string& id);

struct AsideSeal {
    std::string tenant, id, attempt;
    const base::Secret& key;
};
base::Result<void> set_aside(sys::ReservedFile& room, const AsideSeal& seal, const base::Secret& answer, base::Random& random);
// nullopt: no file, nothing in it, or not of this attempt.
base::Result<std::optional<base::Secret>> read_aside(const std::filesystem::path& home, const AsideSeal& seal);
void remove_aside_file(const std::filesystem::path& file);

struct AsideFile {
    std::filesystem::path path;
    std::string name;               // hash_of_id()
    std::optional<std::string> id;  // of the connection whose answer lies in it; nullopt: none does
};
base::Result<std::vector<AsideFile>> list_aside(const std::filesystem::path& home);

// Hex; names the connection's file and its place among the leases.
std::string hash_of_id(std::string_view id);

}  // namespace claviger::connection
