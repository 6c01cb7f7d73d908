#include "vault/state.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "vault/encoding.hpp"
#include "vault/seal.hpp"

namespace claviger::vault {

using base::ErrorCode;
using base::fail;
using base::Result;

std::string key_check(const base::Secret& key, const VaultRow& row) {
    Encoder encoder;
    encoder.text("claviger/key-check").u8(1).text(row.vault_id).i64(row.created_at);
    encoder.text(to_string(row.source)).text(row.parameters);
    return keyed_hash(key.reveal(), encoder.view());
}

Result<void> VaultState::open(std::optional<base::Secret> known) {
    const auto access = options_.read_only ? store::Access::read_only : store::Access::read_write;
    TRY(database, store::Database::open(file(), {access, std::chrono::seconds(30)}));
    TRY(version, store::schema_version(database, kSchema));
    if (version == 0) return fail(ErrorCode::not_found, "there is no vault yet", "log in to a provider first");
    database_ = std::move(database);
    // A killed restore leaves the old vault without its log; a no-op otherwise.
    if (!options_.read_only) {
        TRY_VOID(database_->use_write_ahead_log());
    }
    TRY(row, read_vault_row(*database_));
    row_ = std::move(row);
    if (options_.key_source.kind != KeySourceKind::automatic && options_.key_source.kind != row_.source) {
        return fail(ErrorCode::usage,
                    fmt::format("this vault's key comes from: {}, not from: {}", to_string(row_.source), to_string(options_.key_source.kind)),
                    "leave the key source out, or move the key with: claviger vault rotate");
    }
    if (known) {
        key_encryption_key_ = std::move(*known);
        return {};
    }
    return load_key_encryption_key();
}

Result<void> VaultState::load_key_encryption_key() {
    // Another process may be moving the key right now: the row is read again when the key does not fit.
    for (int attempt = 0;; ++attempt) {
        auto key = load_key(row_.source, row_.parameters, options_.key_source, place());
        if (key && base::equal_constant_time(key_check(*key, row_), row_.check)) {
            key_encryption_key_ = std::move(*key);
            return {};
        }
        TRY(again, read_vault_row(*database_));
        const bool moved = again.check != row_.check;
        row_ = std::move(again);
        if (moved && attempt < 3) continue;
        if (!key) return fail(key.error());
        return fail(ErrorCode::key_missing,
                    row_.source == KeySourceKind::passphrase ? "the passphrase is wrong" : "the key is not the one this vault was made with",
                    row_.source == KeySourceKind::passphrase ? "try again" : "put the right key back or restore a backup; nothing was changed");
    }
}

Result<store::Database*> VaultState::database() {
    if (locked_) return fail(ErrorCode::key_missing, "the vault is locked", "open it again");
    if (reopen_) {
        const auto access = options_.read_only ? store::Access::read_only : store::Access::read_write;
        TRY(fresh, store::Database::open(file(), {access, std::chrono::seconds(30)}));
        database_ = std::move(fresh);
        ledger_.clear();  // versions start anew
        reopen_ = false;
        ++own_commits_;  // data_version starts anew: let caches look again
    }
    return &*database_;
}

base::Error VaultState::noticed(base::Error error) {
    if (error.code == ErrorCode::storage) reopen_ = true;
    return error;
}

Result<void> VaultState::writable() const {
    if (options_.read_only) return fail(ErrorCode::internal, "the vault was opened for reading only");
    return {};
}

void VaultState::forget_keys() {
    key_encryption_key_ = {};
    data_keys_.clear();
    ledger_.clear();
    locked_ = true;
    database_.reset();
}

Result<base::Secret> VaultState::unwrap(const DataKeyRow& row) {
    auto key = unseal(key_encryption_key_, row.wrapped, data_key_associated(row_.vault_id, row.id, row.created_at));
    if (!key) return fail(key.error().within("the vault's data key"));
    if (key->size() != kKeyBytes) return fail(ErrorCode::corrupt, "the vault's data key has a wrong length");
    return key;
}

Result<DataKeyRow> VaultState::wrap(const base::Secret& data_key, std::uint32_t id, std::int64_t created_at,
                                      const base::Secret& key_encryption_key) {
    return DataKeyRow{id, created_at,
                      seal(key_encryption_key, data_key.reveal(), data_key_associated(row_.vault_id, id, created_at), random_)};
}

Result<void> VaultState::follow_moved_key() {
    TRY(current, read_vault_row(*database_));
    if (current.check == row_.check) return {};
    row_ = std::move(current);
    return load_key_encryption_key();
}

Result<const base::Secret*> VaultState::data_key(std::uint32_t id) {
    if (const auto found = data_keys_.find(id); found != data_keys_.end()) return &found->second;
    TRY_VOID(follow_moved_key());
    TRY(rows, read_data_keys(*database_));
    for (const auto& row : rows) {
        if (row.id != id) continue;
        TRY(key, unwrap(row));
        return &data_keys_.insert_or_assign(id, std::move(key)).first->second;
    }
    return fail(ErrorCode::corrupt, "the data key that it was sealed with is not in the vault");
}

Result<Root> VaultState::load_root() {
    // The statement takes the snapshot, so only after it the version is that of what is read.
    TRY(row, read_root_row(*database_));
    if (const Root* known = ledger_.root(database_->snapshot_version())) return *known;
    if (!row) return fail(ErrorCode::corrupt, "the vault has lost its ledger", "restore a backup with: claviger vault restore");
    const auto key = data_key(row->key_id);
    if (!key) return fail(key.error().within("the vault's ledger"));
    auto plain = unseal_wiped(**key, row->sealed, root_associated(row_.vault_id, row->key_id));
    if (!plain) return fail(plain.error().within("the vault's ledger"));
    TRY(root, Root::decode({plain->data(), plain->size()}));
    // Across processes that cannot be told; within one it can.
    if (root.generation < newest_generation_) {
        return fail(ErrorCode::corrupt, "the whole vault was put back to an older state while it was in use",
                    "if you did that yourself, run the command again");
    }
    newest_generation_ = root.generation;
    return root;
}

Result<void> VaultState::store_root(const Root& root) {
    TRY(key, data_key(root.active_key));
    const auto plain = root.encode();
    const auto sealed = seal(*key, {plain.data(), plain.size()}, root_associated(row_.vault_id, root.active_key), random_);
    return write_root_row(*database_, {root.active_key, sealed});
}

}  // namespace claviger::vault
