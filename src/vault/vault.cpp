#include "vault/vault.hpp"

#include <algorithm>

#include "vault/state.hpp"

namespace claviger::vault {

using base::ErrorCode;
using base::fail;
using base::Result;

Vault::Vault(std::unique_ptr<VaultState> state) : state_(std::move(state)) {}
Vault::Vault(Vault&&) noexcept = default;
Vault& Vault::operator=(Vault&&) noexcept = default;
Vault::~Vault() = default;

namespace {

// One consistent look: the ledger and what it speaks of come from the same snapshot.
template <class T>
Result<T> look(VaultState& state, const std::function<Result<T>(View&)>& work) {
    TRY(database, state.database());
    const auto run = [&]() -> Result<T> {
        TRY(transaction, store::Transaction::begin(*database, store::Transaction::Kind::read));
        TRY(view, View::open(state));
        return work(view);
    };
    auto seen = run();
    if (!seen) return fail(state.noticed(std::move(seen).error()));
    return seen;
}

}  // namespace

Result<std::optional<Record>> Vault::get(const RecordKey& key) {
    TRY_VOID(check_key(key));
    TRY_VOID(state_->database());
    if (auto known = read_by_known_ledger(*state_, key); known && *known) return known;
    // Also after an error: the file as it is now says what the error is.
    return look<std::optional<Record>>(*state_, [&](View& view) { return view.get(key); });
}

Result<std::vector<RecordInfo>> Vault::list(std::string_view tenant, std::string_view kind, std::string_view after_id,
                                            std::size_t limit) {
    return look<std::vector<RecordInfo>>(*state_, [&](View& view) { return view.list(tenant, kind, after_id, limit); });
}

Result<std::uint64_t> Vault::missing_records() {
    return look<std::uint64_t>(*state_, [&](View& view) -> Result<std::uint64_t> {
        TRY(rows, state_->database_->integer("SELECT count(*) FROM records"));
        const auto there = static_cast<std::uint64_t>(rows);
        return view.root_.records > there ? view.root_.records - there : 0;
    });
}

Result<void> Vault::transact(const std::function<Result<void>(Transaction&)>& work) {
    return change(*state_, [&](Change& change) { return work(change); });
}

Result<std::uint64_t> Vault::put(const RecordKey& key, const base::Secret& payload, std::optional<std::uint64_t> expected,
                                 const AuditEntry& entry) {
    std::uint64_t version = 0;
    TRY_VOID(transact([&](Transaction& transaction) -> Result<void> {
        TRY(written, transaction.put(key, payload, expected));
        version = written;
        return transaction.audit(entry);
    }));
    return version;
}

Result<bool> Vault::erase(const RecordKey& key, std::optional<std::uint64_t> expected, const AuditEntry& entry) {
    bool existed = false;
    TRY_VOID(transact([&](Transaction& transaction) -> Result<void> {
        TRY(erased, transaction.erase(key, expected));
        existed = erased;
        return erased ? transaction.audit(entry) : Result<void>();
    }));
    return existed;
}

Result<std::int64_t> Vault::change_counter() {
    TRY(database, state_->database());
    TRY(others, database->data_version());
    // Both only grow, so their mix never repeats within a process's life.
    return (state_->own_commits_ << 32) + others;
}

Result<std::vector<Vault::AuditLine>> Vault::audit_tail(std::size_t limit) {
    return look<std::vector<AuditLine>>(*state_, [&](View& view) -> Result<std::vector<AuditLine>> {
        const auto& root = view.root_;
        TRY(statement, state_->database_->prepare("SELECT sequence, tenant, at, event, subject, detail, chain FROM audit "
                                                  "ORDER BY sequence DESC LIMIT ?"));
        statement.bind(1, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT32_MAX)) + 1);  // one more: the first one's predecessor
        std::vector<AuditRow> rows;
        for (;;) {
            TRY(found, statement.step());
            if (!found) break;
            rows.push_back(audit_row(statement.row()));
        }
        if (rows.empty() && root.audit_entries > 0) {
            return base::fail(ErrorCode::corrupt, "the journal is missing: all of its lines were taken away", "mend the vault with: claviger vault repair");
        }
        std::vector<AuditLine> lines;
        for (std::size_t i = std::min(limit, rows.size()); i-- > 0;) {
            auto& row = rows[i];
            const bool first = i + 1 == rows.size();
            const bool follows = first ? row.sequence == 1 : row.sequence == rows[i + 1].sequence + 1;
            const std::string before = first ? std::string(kHashBytes, '\0') : rows[i + 1].chain;
            AuditLine line{row.sequence, base::Instant(base::Duration(row.at)), row.event, row.subject, row.detail};
            if (!follows) line.problem = "lines before it are missing";
            else if (root.chain(before, row.line()) != row.chain) line.problem = "it, or the line before it, was changed";
            else if (i == 0 && (row.sequence != root.audit_entries || row.chain != std::string_view(root.audit_head.data(), root.audit_head.size())))
                line.problem = "lines after it are missing";
            lines.push_back(std::move(line));
        }
        return lines;
    });
}

void Vault::lock() { state_->forget_keys(); }

}  // namespace claviger::vault
