// Anchors: what the vault's journal says of the segments. It is the truth: a segment that it does not know is none, and one
// that it knows must be there until it says that it was removed. Thread rule: values; functions as the Vault.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vault/vault.hpp"

namespace claviger::audit {

// Events of the journal; the subject is the segment's name.
inline constexpr std::string_view kOpened = "audit.opened", kClosed = "audit.closed", kRemoved = "audit.removed";

struct Anchor {
    std::optional<base::Instant> opened, closed, removed;
    std::uint64_t lines = 0;  // of a closed one, its head included
    std::string mac;          // of its last line, in hex
};
using Anchors = std::map<std::string, Anchor, std::less<>>;

using Journal = std::vector<vault::Vault::AuditLine>;
base::Result<Journal> whole_journal(vault::Vault& vault);
// Lines after the one numbered `last`.
base::Result<Journal> journal_after(vault::Vault& vault, std::uint64_t last);
// Lines with a problem say nothing.
Anchors anchors_in(const Journal& journal);
void add_to(Anchors& anchors, const vault::Vault::AuditLine& line);

vault::AuditEntry opened_entry(const std::string& segment, const std::string& program);
vault::AuditEntry closed_entry(const std::string& segment, std::uint64_t lines, const std::string& mac);
vault::AuditEntry removed_entry(const std::string& segment, std::string_view why);

}  // namespace claviger::audit
