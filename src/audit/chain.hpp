// What makes a segment's lines provable: a key of its own for each segment, derived from one in the vault, and a MAC on
// each line that also covers the MAC of the line before. Format: docs/formats/audit.md. Thread rule: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "vault/vault.hpp"

namespace claviger::audit {

// The vault's key for all segments; made, durably, when there is none yet.
base::Result<base::Secret> audit_key(vault::Vault& vault, base::Random& random);
// nullopt when there is none yet: nothing was ever recorded.
base::Result<std::optional<base::Secret>> audit_key_if_any(vault::Vault& vault);

// Segment `number`, from 1, of one session. Its text is the file's name without the ending, and the subject in the journal.
struct SegmentName {
    std::string session;  // 16 hex digits
    std::uint32_t number = 1;

    [[nodiscard]] std::string text() const { return session + "-" + std::to_string(number); }
    static std::optional<SegmentName> parse(std::string_view text);
    friend auto operator<=>(const SegmentName&, const SegmentName&) = default;
};

class Chain {
public:
    Chain(const base::Secret& audit_key, const SegmentName& name);
    // Appends `,"mac":"..."}` and a line feed to the line that begins at `from` and still lacks its closing brace.
    void seal(std::string& out, std::size_t from);
    // Whether `line`, without its line feed, is the one that comes next; if so the chain stands behind it.
    bool accepts(std::string_view line);
    [[nodiscard]] std::string mac() const;  // of the last line, in hex; zeros before the first
    [[nodiscard]] std::uint64_t lines() const { return lines_; }

private:
    [[nodiscard]] std::string next(std::string_view body) const;
    base::Secret key_;
    std::string before_;
    std::uint64_t lines_ = 0;
};

// The first line of a segment, sealed.
std::string head_line(const SegmentName& name, base::Instant at, Chain& chain);
// The same read back, of a line that the chain has accepted: when the segment was begun.
base::Result<base::Instant> read_head(std::string_view line, const SegmentName& name);

}  // namespace claviger::audit
