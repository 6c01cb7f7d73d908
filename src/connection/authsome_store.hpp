// What is sealed in an authsome home: its key, and the two kinds of store. Internal to connection/; the formats:
// docs/formats/authsome.md. Ownership: values. Thread rule: any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "connection/authsome_home.hpp"

namespace claviger::connection {

// The key by which the records are sealed. `mode`: encryption.mode of the config.json; empty: not said. key_missing: it is
// not where it should be, or (in the desktop's keyring) cannot be had; invalid_input: what is there is no key.
base::Result<base::Secret> authsome_key(const std::filesystem::path& key_file, std::string_view mode);

// A profile's store.db: SQLite, table kv. The records it adds to `into` are sealed no more; one that cannot be opened has its
// problem. `scratch`: a private directory for the copy that is read.
base::Result<void> read_profile_store(const std::filesystem::path& file, const std::filesystem::path& scratch,
                                      const base::Secret& key, AuthsomeHome& into);

// `server`/kv_store: a diskcache directory (cache.db, and files beside it for what is large), with the key of
// `server`/master.key or wherever `mode` says. Definitions too are in it. The errors of authsome_key; unsupported: sealed by
// the two keys of later versions.
base::Result<void> read_server_store(const std::filesystem::path& server, const std::filesystem::path& scratch,
                                     std::string_view mode, AuthsomeHome& into);

}  // namespace claviger::connection
