// The last step of whatever builds a vault anew (restore, repair): it takes the place of the old one, which stays beside
// it. Internal to the folder. Thread rule: the caller holds the vault's lock file.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"

namespace claviger::vault {

// While somebody holds this alone, nobody commits: a commit between the look at the old file and the new one's taking
// its place would be lost. Writers share it for the length of a commit (vault/view.cpp).
inline constexpr std::string_view kReplaceLockName = "vault.replace.lock";

base::Result<void> rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);
void remove_with_log(const std::filesystem::path& file);
// "vault.db.20261121T101500Z-x7Qa.old" in `home`: no such file can be there yet.
std::filesystem::path name_beside(const std::filesystem::path& home, std::string_view suffix, const base::Clock& clock, base::Random& random);

// Empties the old vault's log into its file and gives it a name of its own, in which it stays a whole vault. The old
// name stays too, until the new vault takes it. `busy` when another process has it open.
base::Result<void> keep_beside(const std::filesystem::path& file, const std::filesystem::path& aside);

}  // namespace claviger::vault
