// The mark of a home: tells a copy of the whole directory from the original, which goes on with the same tokens (RF-11).
// Thread rule: as the Vault.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "vault/vault.hpp"

namespace claviger::connection {

// Remembers this home, before tokens are stored and before they are renewed. One that was copied is known by that from then
// on: its tokens are as doubtful as those of a restored backup. A full disk is no error: the next process says it.
base::Result<void> recognise_home(vault::Vault& vault, const std::string& tenant, const std::filesystem::path& home, base::Instant now,
                                  base::Log& log);

}  // namespace claviger::connection
