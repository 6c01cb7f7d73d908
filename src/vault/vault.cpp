#include "vault/vault.hpp"

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
    TRY(database, state_->database());
    TRY(statement, database->prepare("SELECT id, version, created_at, updated_at FROM records "
                                     "WHERE tenant = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?"));
    statement.bind_text(1, tenant).bind_text(2, kind).bind_text(3, after_id).bind(4, static_cast<std::int64_t>(limit));
    std::vector<RecordInfo> infos;
    for (;;) {
        auto found = statement.step();
        if (!found) return fail(state_->noticed(std::move(found).error()));
        if (!*found) return infos;
        const auto row = statement.row();
        infos.push_back({{std::string(tenant), std::string(kind), std::string(row.text(0))},
                         static_cast<std::uint64_t>(row.integer(1)),
                         base::Instant(base::Duration(row.integer(2))),
                         base::Instant(base::Duration(row.integer(3)))});
    }
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
    TRY(database, state_->database());
    TRY(statement, database->prepare("SELECT sequence, tenant, at, event, subject, detail, chain FROM audit "
                                     "ORDER BY sequence DESC LIMIT ?"));
    statement.bind(1, static_cast<std::int64_t>(limit));
    std::vector<AuditLine> lines;
    for (;;) {
        auto found = statement.step();
        if (!found) return fail(state_->noticed(std::move(found).error()));
        if (!*found) break;
        auto row = audit_row(statement.row());
        lines.push_back({row.sequence, base::Instant(base::Duration(row.at)), std::move(row.event), std::move(row.subject),
                         std::move(row.detail)});
    }
    return std::vector<AuditLine>(std::make_move_iterator(lines.rbegin()), std::make_move_iterator(lines.rend()));
}

void Vault::lock() { state_->forget_keys(); }

}  // namespace claviger::vault
