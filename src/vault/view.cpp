#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "sys/files.hpp"
#include "vault/replace_file.hpp"
#include "vault/seal.hpp"
#include "vault/state.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t kLongestName = 512;
constexpr std::chrono::seconds kReplacedWithin{30};

std::string shown(const RecordKey& key) { return fmt::format("{} {}", base::printable(key.kind), base::printable(key.id)); }

base::Error damaged(const RecordKey& key, std::string_view what) {
    return base::Error::make(ErrorCode::corrupt, fmt::format("the vault's {} cannot be trusted: {}", shown(key), what),
                             "log in again to replace it, or restore a backup with: claviger vault restore");
}

}  // namespace

Result<void> check_key(const RecordKey& key) {
    for (const std::string* part : {&key.tenant, &key.kind, &key.id}) {
        if (part->empty() || part->size() > kLongestName || part->find('\0') != std::string::npos || !base::valid_utf8(*part)) {
            return fail(ErrorCode::invalid_input, "a record's tenant, kind and id are 1 to 512 bytes of UTF-8 without zero bytes");
        }
    }
    return {};
}

Result<View> View::open(VaultState& state) {
    TRY(root, state.load_root());
    state.ledger_.keep_root(state.database_->snapshot_version(), root);
    return View(state, std::move(root));
}

Result<const Page*> View::page(std::uint32_t number) {
    if (const auto edited = edited_.find(number); edited != edited_.end()) return &edited->second;
    if (const auto known = pages_.find(number); known != pages_.end()) return known->second.get();
    const auto& mark = root_.page_marks[number];
    auto page = state_.ledger_.page(number, mark);
    if (page == nullptr) {
        TRY(opened, open_page(number));
        page = std::make_shared<const Page>(std::move(opened));
        state_.ledger_.keep_page(number, mark, page);
    }
    return pages_.insert_or_assign(number, std::move(page)).first->second.get();
}

Result<Page> View::open_page(std::uint32_t number) {
    const auto& mark = root_.page_marks[number];
    if (std::ranges::all_of(mark, [](char byte) { return byte == 0; })) return Page();
    TRY(row, read_page_row(*state_.database_, number));
    if (!row || seal_mark(row->sealed) != std::string_view(mark.data(), mark.size())) {
        return fail(ErrorCode::corrupt, fmt::format("page {} of the vault's ledger is missing or old", number),
                    "restore a backup with: claviger vault restore");
    }
    TRY(key, state_.data_key(row->key_id));
    auto plain = unseal_wiped(*key, row->sealed, page_associated(state_.row_.vault_id, row->key_id, number));
    if (!plain) return fail(plain.error().within(fmt::format("page {} of the vault's ledger", number)));
    return Page::decode({plain->data(), plain->size()});
}

Result<Page*> View::editable_page(std::uint32_t number) {
    if (const auto edited = edited_.find(number); edited != edited_.end()) return &edited->second;
    TRY(present, page(number));
    return &edited_.insert_or_assign(number, *present).first->second;
}

void View::keep(std::uint32_t version) {
    for (auto& [number, page] : edited_) {
        state_.ledger_.keep_page(number, root_.page_marks[number], std::make_shared<const Page>(std::move(page)));
    }
    edited_.clear();
    state_.newest_generation_ = root_.generation;
    state_.ledger_.keep_root(version, root_);
}

Result<const PageEntry*> View::entry(const RecordKey& key) {
    const auto name = root_.name_of(key);
    TRY(found, page(Root::page_of(name)));
    return found->find(name);
}

Result<Record> unseal_row(VaultState& state, const RecordKey& key, const RecordRowView& row, const PageEntry& entry) {
    if (row.version != entry.version || mark_in(row.sealed) != entry.mark_view()) {
        return fail(damaged(key, "it is not the version that was written last"));
    }
    const RecordInfo info{key, row.version, row.created_at, row.updated_at};
    auto data_key = state.data_key(row.key_id);
    if (!data_key && data_key.error().code == ErrorCode::corrupt) return fail(damaged(key, data_key.error().message));
    if (!data_key) return fail(std::move(data_key).error());
    auto payload = unseal(**data_key, row.sealed, record_associated(state.row_.vault_id, row.key_id, info));
    if (!payload) return fail(damaged(key, payload.error().message));
    return Record{key, row.version, row.created_at, row.updated_at, std::move(*payload)};
}

Result<std::optional<Record>> read_by_known_ledger(VaultState& state, const RecordKey& key) {
    const auto nothing = [] { return Result<std::optional<Record>>(std::nullopt); };
    TRY(statement, find_record_row(*state.database_, key));
    TRY(found, statement.step());
    // While the statement stands on a row, its snapshot is open and has this version.
    const Root* root = found ? state.ledger_.root(state.database_->snapshot_version()) : nullptr;
    if (root == nullptr) return nothing();
    const auto name = root->name_of(key);
    const auto number = Root::page_of(name);
    const auto page = state.ledger_.page(number, root->page_marks[number]);
    const PageEntry* entry = page != nullptr ? page->find(name) : nullptr;
    if (entry == nullptr || entry->erased) return nothing();
    TRY(record, unseal_row(state, key, record_row_view(statement.row()), *entry));
    return std::optional<Record>(std::move(record));
}

Result<Record> View::open_row(const RecordKey& key, const RecordRowView& row) {
    TRY_VOID(check_key(key).map_error([&](const base::Error&) { return damaged(key, "its name is not one that claviger writes"); }));
    TRY(entry, this->entry(key));
    if (entry == nullptr || entry->erased) return fail(damaged(key, "it was put in by somebody else"));
    return unseal_row(state_, key, row, *entry);
}

Result<Record> View::unseal_record(const RecordRow& row, const PageEntry& entry) {
    const auto& info = row.info;
    return unseal_row(state_, info.key, {info.version, info.created_at, info.updated_at, row.seal.key_id, row.seal.sealed}, entry);
}

Result<std::optional<Record>> View::get(const RecordKey& key) {
    TRY_VOID(check_key(key));
    TRY(entry, this->entry(key));
    TRY(row, read_record_row(*state_.database_, key));
    const bool expected = entry != nullptr && !entry->erased;
    if (!expected && !row) return std::optional<Record>();
    if (!expected) return fail(damaged(key, "it was put in by somebody else"));
    if (!row) return fail(damaged(key, "it is missing"));
    TRY(record, unseal_record(*row, *entry));
    return std::optional<Record>(std::move(record));
}

Result<std::vector<RecordInfo>> View::list(std::string_view tenant, std::string_view kind, std::string_view after_id, std::size_t limit) {
    TRY(statement, state_.database_->prepare("SELECT id, version, created_at, updated_at, key_id, sealed FROM records "
                                             "WHERE tenant = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?"));
    statement.bind_text(1, tenant).bind_text(2, kind).bind_text(3, after_id).bind(4, static_cast<std::int64_t>(limit));
    std::vector<RecordInfo> infos;
    for (;;) {
        TRY(found, statement.step());
        if (!found) return infos;
        const auto row = statement.row();
        RecordInfo info{{std::string(tenant), std::string(kind), std::string(row.text(0))}, 0, {}, {}};
        auto record = open_row(info.key, record_row_view(row, 1));
        if (record) {
            info.version = record->version, info.created_at = record->created_at, info.updated_at = record->updated_at;
        } else {
            const auto code = record.error().code;
            if (code != ErrorCode::corrupt && code != ErrorCode::unsupported) return fail(std::move(record).error());
            info.problem = std::move(record).error();
        }
        infos.push_back(std::move(info));
    }
}

// Change

Result<void> Change::note(const PageEntry& entry) {
    TRY(page, view_.editable_page(Root::page_of(entry.name_view())));
    page->put(entry);
    return {};
}

Result<void> Change::place(const RecordInfo& info, const base::Secret& payload) {
    if (payload.size() > kLargestPayload) return fail(ErrorCode::limit, "a record holds at most 16 MiB");
    auto& state = view_.state_;
    const auto key_id = view_.root_.active_key;
    TRY(key, state.data_key(key_id));
    RecordRow row{info, {key_id, seal(*key, payload.reveal(), record_associated(state.row_.vault_id, key_id, info), state.random_)}};
    TRY_VOID(write_record_row(*state.database_, row));
    return note(PageEntry::of(view_.root_.name_of(info.key), info.version, seal_mark(row.seal.sealed)));
}

Result<std::uint64_t> Change::put(const RecordKey& key, const base::Secret& payload, std::optional<std::uint64_t> expected) {
    TRY_VOID(check_key(key));
    TRY(entry, view_.entry(key));
    const bool exists = entry != nullptr && !entry->erased;
    const std::uint64_t last = entry != nullptr ? entry->version : 0;
    if (expected && *expected != (exists ? last : 0)) {
        return fail(ErrorCode::changed, fmt::format("{} was changed meanwhile", shown(key)), "try again");
    }
    RecordInfo info{key, last + 1, view_.state_.clock_.now(), view_.state_.clock_.now()};
    if (exists) {
        // The time of creation is only taken over from a row that opens.
        if (const auto before = view_.get(key); before && *before) info.created_at = (*before)->created_at;
    } else {
        ++view_.root_.records;
    }
    TRY_VOID(place(info, payload));
    return info.version;
}

Result<bool> Change::erase(const RecordKey& key, std::optional<std::uint64_t> expected) {
    TRY_VOID(check_key(key));
    TRY(entry, view_.entry(key));
    const bool exists = entry != nullptr && !entry->erased;
    const std::uint64_t last = entry != nullptr ? entry->version : 0;
    if (expected && *expected != (exists ? last : 0)) {
        return fail(ErrorCode::changed, fmt::format("{} was changed meanwhile", shown(key)), "try again");
    }
    TRY_VOID(delete_record_row(*view_.state_.database_, key));  // also one that somebody else put there
    erased_ = true;
    if (!exists) return false;
    if (view_.root_.records > 0) --view_.root_.records;
    TRY_VOID(note(PageEntry::erased_one(view_.root_.name_of(key), last)));
    return true;
}

Result<void> Change::remember_erased(const std::string& name, std::uint64_t version) {
    TRY(page, view_.page(Root::page_of(name)));
    if (page->find(name) != nullptr) return fail(ErrorCode::corrupt, "a record is both there and erased");
    return note(PageEntry::erased_one(name, version));
}

Result<void> Change::append_line(std::string_view tenant, base::Instant at, const AuditEntry& entry) {
    auto& root = view_.root_;
    AuditRow row{root.audit_entries + 1, std::string(tenant), at.time_since_epoch().count(), entry.event, entry.subject, entry.detail, {}};
    row.chain = root.chain({root.audit_head.data(), root.audit_head.size()}, row.line());
    TRY_VOID(append_audit_row(*view_.state_.database_, row));
    root.audit_entries = row.sequence;
    root.audit_head = base::WipedString(row.chain);
    return {};
}

Result<void> Change::audit(const AuditEntry& entry) { return append_line(entry.tenant, view_.state_.clock_.now(), entry); }

Result<void> Change::touch(std::uint32_t number) {
    TRY_VOID(view_.editable_page(number));
    return {};
}

Result<void> Change::finish() {
    auto& state = view_.state_;
    auto& root = view_.root_;
    TRY(key, state.data_key(root.active_key));
    for (const auto& [number, page] : view_.edited_) {
        const auto plain = page.encode();
        const auto associated = page_associated(state.row_.vault_id, root.active_key, number);
        const SealedRow row{root.active_key, seal(*key, {plain.data(), plain.size()}, associated, state.random_)};
        TRY_VOID(write_page_row(*state.database_, number, row));
        const auto mark = seal_mark(row.sealed);
        std::copy(mark.begin(), mark.end(), root.page_marks[number].begin());
    }
    ++root.generation;
    return state.store_root(root);
}

namespace {

// Held for the length of a commit, so that no repair or restore puts another file in this one's place meanwhile.
Result<std::optional<sys::FileLock>> share_the_name(const VaultState& state, const store::Database& database) {
    if (state.name_ != kFileName) return std::optional<sys::FileLock>();  // being built by the one who replaces
    TRY(lock, sys::FileLock::acquire(state.options_.home / kReplaceLockName, kReplacedWithin, sys::FileLock::Kind::shared));
    if (database.replaced()) {
        return fail(ErrorCode::changed, "the vault was repaired or restored in the meantime, and nothing was written",
                    "run the command again");
    }
    return std::optional<sys::FileLock>(std::move(lock));
}

}  // namespace

Result<void> change(VaultState& state, const std::function<Result<void>(Change&)>& work) {
    TRY_VOID(state.writable());
    TRY(database, state.database());
    TRY(gate, share_the_name(state, *database));
    const auto run = [&]() -> Result<bool> {
        TRY(transaction, store::Transaction::begin(*database, store::Transaction::Kind::write));
        TRY(view, View::open(state));
        Change change(std::move(view));
        TRY_VOID(work(change));
        TRY_VOID(change.finish());
        TRY_VOID(transaction.commit());
        change.view_.keep(database->snapshot_version());
        return change.erased_something();
    };
    auto erased = run();
    if (!erased) return fail(state.noticed(std::move(erased).error()));
    ++state.own_commits_;
    state.log_holds_erased_ = state.log_holds_erased_ || *erased;
    // Readers of older snapshots may hold the log; the next change, or closing, tries again (VA-16).
    if (state.log_holds_erased_ && database->truncate_log()) state.log_holds_erased_ = false;
    return {};
}

}  // namespace claviger::vault
