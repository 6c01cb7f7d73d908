// Whether everything that was recorded is there and as it was recorded: the journal, and each segment that it knows.
// Works while sessions write. Thread rule: as the Vault.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "vault/vault.hpp"

namespace claviger::audit {

struct Finding {
    std::string where;  // "journal, line 12", "audit/0123456789abcdef-1.jsonl, line 3"
    std::string what;
};

struct Verification {
    std::uint64_t changes = 0;   // lines of the journal
    std::uint64_t entries = 0;   // of all segments
    std::uint64_t segments = 0;
    std::vector<Finding> faults;  // something was changed, taken away or put in
    std::vector<Finding> notes;   // what a crash or a restore leaves, which is no fault; a session that is running
    [[nodiscard]] bool whole() const { return faults.empty(); }
};

base::Result<Verification> verify(vault::Vault& vault, const std::filesystem::path& home);

}  // namespace claviger::audit
