// The ledger: what must be in the vault. A root (one sealed row) names 256 pages by the mark of their seal; a page
// (a sealed row) names each record whose hashed name falls into it: version, and mark of its seal. So one old row,
// page or audit line put back, or one taken away, is noticed where it is read, and only there (VA-03, VA-12).
// Rolling back the whole file is not noticed. Ownership: values, held in wiped memory. Thread rule: values.
// Format: docs/formats/vault.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "vault/vault.hpp"

namespace claviger::vault {

inline constexpr std::size_t kPages = 256;
inline constexpr std::size_t kNameBytes = 16;
inline constexpr std::size_t kHashBytes = 32;

struct Root {
    std::uint64_t generation = 0;   // committed changes
    std::uint32_t active_key = 0;   // new seals are made with this data key
    std::uint64_t records = 0;
    std::uint64_t audit_entries = 0;
    base::WipedString audit_head;   // 32 bytes: chain value of the last line
    base::WipedString name_key;     // 32 bytes: hides the names of erased records
    base::WipedString audit_key;    // 32 bytes
    std::array<std::array<char, 8>, kPages> page_marks{};  // zeros: the page does not exist

    static Root fresh(base::Random& random);
    [[nodiscard]] base::WipedString encode() const;
    static base::Result<Root> decode(std::string_view bytes);

    [[nodiscard]] std::string name_of(const RecordKey& key) const;  // kNameBytes
    static std::uint32_t page_of(std::string_view name) { return static_cast<unsigned char>(name[0]); }
    [[nodiscard]] std::string chain(std::string_view previous, std::string_view line) const;
};

struct PageEntry {
    std::uint64_t version = 0;
    bool erased = false;  // kept, so that a version is never used twice for a name
    std::string mark;     // of the record's seal; zeros when erased
};

struct Page {
    std::map<std::string, PageEntry, std::less<>> entries;  // by name

    [[nodiscard]] base::WipedString encode() const;
    static base::Result<Page> decode(std::string_view bytes);
    [[nodiscard]] const PageEntry* find(std::string_view name) const;
};

}  // namespace claviger::vault
