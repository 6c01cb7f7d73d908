// The header of an age v1 file: parsing without any tolerance, and its MAC. Internal to the folder.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "vault/age.hpp"

namespace claviger::vault::age {

inline constexpr std::string_view kVersionLine = "age-encryption.org/v1\n";
inline constexpr std::size_t kFileKeyBytes = 16;

struct Header {
    std::vector<Stanza> stanzas;
    std::string_view authenticated;  // up to and with "---"
    std::string mac;
    std::string_view payload;  // what follows
};
base::Result<Header> parse_header(std::string_view file);

// Canonical base64 without padding; nullopt for anything else.
std::optional<std::string> decode_unpadded(std::string_view text);
std::string encode_unpadded(std::string_view bytes);

base::Secret hkdf_sha256(const base::Secret& key, std::string_view salt, std::string_view info);
std::string header_mac(const base::Secret& file_key, std::string_view authenticated);

}  // namespace claviger::vault::age
