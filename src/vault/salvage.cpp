#include "vault/salvage.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "vault/seal.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t kMostLines = 1000;         // of what was lost: a ruined file must not fill the terminal
constexpr std::int64_t kMostSlots = 50'000'000;  // a damaged number must not become an endless loop

std::string shown(const RecordKey& key) { return fmt::format("{} {}", base::printable(key.kind), base::printable(key.id)); }

}  // namespace

Result<void> Salvage::run() {
    // One snapshot; a file that cannot even begin one is read statement by statement.
    auto snapshot = store::Transaction::begin(*state_.database_, store::Transaction::Kind::read);
    TRY_VOID(find_keys());
    find_ledger();
    find_records();
    find_audit();
    return {};
}

void Salvage::lose(std::string what) {
    if (lost_.size() < kMostLines) lost_.push_back(std::move(what));
}

Result<void> Salvage::find_keys() {
    TRY(keys, read_data_keys(*state_.database_));
    bool any = false;
    for (const auto& row : keys) {
        highest_key_ = std::max(highest_key_, row.id);
        any = state_.data_key(row.id).has_value() || any;
    }
    if (any) return {};
    return fail(ErrorCode::corrupt, "the vault's data key is lost, and with it every record", "restore a backup with: claviger vault restore");
}

void Salvage::find_ledger() {
    pages_.resize(kPages);
    auto view = View::open(state_);
    if (!view) {
        lose("the ledger: what was erased, and which version of a record is the last, is no longer known");
        return;
    }
    root_ = view->root_;
    for (std::uint32_t number = 0; number < kPages; ++number) {
        const auto page = view->page(number);
        if (!page) {
            lose(fmt::format("page {} of the ledger", number));
            continue;
        }
        pages_[number] = **page;
        for (const auto& entry : (*page)->entries) {
            (entry.erased ? erased_ : expected_).emplace(entry.name_view(), entry.version);
        }
    }
}

std::int64_t Salvage::highest_slot() {
    // Each of these may fail or lie; the largest number that any gives is tried, within bounds.
    std::int64_t highest = static_cast<std::int64_t>(expected_.size()) + 1000;
    for (const char* sql : {"SELECT max(slot) FROM records", "SELECT count(*) FROM records",
                            "SELECT max(rowid) FROM (SELECT rowid FROM records INDEXED BY sqlite_autoindex_records_1 ORDER BY tenant, kind, id)"}) {
        if (const auto number = state_.database_->integer(sql)) highest = std::max(highest, *number);
    }
    return std::min(highest, kMostSlots);
}

void Salvage::find_records() {
    // One row a question: a page that cannot be read costs only the rows on it.
    const auto last = highest_slot();
    for (std::int64_t slot = 1; slot <= last; ++slot) try_slot(slot);
    for (const auto& [name, version] : expected_) {
        if (!seen_.contains(name)) lose(fmt::format("a record whose row is gone (ledger entry {}, version {})", base::hex_encode(name).substr(0, 12), version));
    }
}

void Salvage::try_slot(std::int64_t slot) {
    auto statement = state_.database_->prepare("SELECT tenant, kind, id, version, created_at, updated_at, key_id, sealed FROM records NOT INDEXED WHERE slot = ?");
    if (!statement) return;
    statement->bind(1, slot);
    const auto found = statement->step();
    if (!found || !*found) return;  // what it was, the ledger tells
    const auto row = statement->row();
    take({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))}, record_row_view(row, 3));
}

void Salvage::take(const RecordKey& key, const RecordRowView& row) {
    if (!check_key(key)) return lose("a row whose name is damaged");
    const auto name = root_ ? root_->name_of(key) : fmt::format("{}\n{}\n{}", key.tenant, key.kind, key.id);
    const auto* page = root_ && pages_[Root::page_of(name)] ? &*pages_[Root::page_of(name)] : nullptr;
    PageEntry entry = PageEntry::of(name, row.version, mark_in(row.sealed));
    if (page != nullptr) {
        const auto* known = page->find(name);
        seen_.insert(name);
        if (known == nullptr || known->erased) return lose(shown(key) + ": it was put in by somebody else, or erased");
        entry = *known;
    }
    auto record = unseal_row(state_, key, row, entry);
    if (!record) return lose(record.error().message);
    if (!taken_.insert(name).second) return lose(shown(key) + ": it is there twice");
    if (page == nullptr) ++unchecked_;
    records_.push_back(std::move(*record));
}

void Salvage::find_audit() {
    if (!root_) return lose("the audit journal: its key was in the ledger");
    std::string before(kHashBytes, '\0');
    std::uint64_t bad = 0, next = 1;
    for (; next <= root_->audit_entries; ++next) {
        auto statement = state_.database_->prepare("SELECT sequence, tenant, at, event, subject, detail, chain FROM audit WHERE sequence = ?");
        if (!statement) break;
        statement->bind(1, next);
        const auto found = statement->step();
        if (!found || !*found) {
            ++bad;
            before.clear();
            continue;
        }
        auto row = audit_row(statement->row());
        // After a gap the line's own predecessor is unknown, so the line cannot be proved either.
        const bool proved = !before.empty() && root_->chain(before, row.line()) == row.chain;
        before = row.chain;
        if (proved) audit_.push_back(std::move(row));
        else ++bad;
    }
    if (bad > 0) lose(fmt::format("{} lines of the audit journal", bad));
}

}  // namespace claviger::vault
