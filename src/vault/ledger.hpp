// The ledger: what must be in the vault. A root (one sealed row) names 256 pages by the mark of their seal; a page
// (a sealed row) names each record whose hashed name falls into it: version, and mark of its seal. So one old row,
// page or audit line put back, or one taken away, is noticed where it is read, and only there (VA-03, VA-12).
// Rolling back the whole file is not noticed. Ownership: values, held in wiped memory. Thread rule: values.
// Format: docs/formats/vault.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
    std::array<char, kNameBytes> name{};
    std::uint64_t version = 0;
    std::array<char, 8> mark{};  // of the record's seal; zeros when erased
    bool erased = false;         // kept, so that a version is never used twice for a name

    static PageEntry of(std::string_view name, std::uint64_t version, std::string_view mark);
    static PageEntry erased_one(std::string_view name, std::uint64_t version);
    [[nodiscard]] std::string_view name_view() const { return {name.data(), name.size()}; }
    [[nodiscard]] std::string_view mark_view() const { return {mark.data(), mark.size()}; }
};

struct Page {
    std::vector<PageEntry> entries;  // in ascending order of name, each name once

    [[nodiscard]] base::WipedString encode() const;
    static base::Result<Page> decode(std::string_view bytes);
    [[nodiscard]] const PageEntry* find(std::string_view name) const;
    void put(const PageEntry& entry);  // in the place of one of the same name
};

// What was opened of the ledger stays in memory, for as long as the file says that nobody has committed. A page is known
// by the mark that the root has for it, so it outlives commits that did not touch it. Thread rule: as the Vault.
class LedgerCache {
public:
    // The root, when it was opened at this version of the file.
    [[nodiscard]] const Root* root(std::uint32_t version) const { return root_ && version_ == version ? &*root_ : nullptr; }
    void keep_root(std::uint32_t version, const Root& root);
    [[nodiscard]] std::shared_ptr<const Page> page(std::uint32_t number, const std::array<char, 8>& mark) const;
    void keep_page(std::uint32_t number, const std::array<char, 8>& mark, std::shared_ptr<const Page> page);
    void clear();

private:
    static constexpr std::size_t kMostEntries = 200'000;  // 8 MB
    struct Kept {
        std::array<char, 8> mark{};
        std::shared_ptr<const Page> page;
    };
    std::optional<Root> root_;
    std::uint32_t version_ = 0;
    std::map<std::uint32_t, Kept> pages_;
    std::size_t entries_ = 0;
};

}  // namespace claviger::vault
