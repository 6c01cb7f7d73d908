// VaultState: the open file and the keys in memory. View: one consistent look at the ledger inside a transaction.
// Internal to the folder. Ownership: a View must not outlive its State or the transaction it was made in.
// Thread rule: as the Vault.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "store/database.hpp"
#include "vault/key_encryption_key.hpp"
#include "vault/ledger.hpp"
#include "vault/tables.hpp"
#include "vault/vault.hpp"

namespace claviger::vault {

inline constexpr std::string_view kFileName = "vault.db";
inline constexpr std::string_view kLockName = "vault.lock";
inline constexpr std::size_t kLargestPayload = 16 << 20;

// Keyed hash over vault id, source and parameters: a wrong key or a changed row does not match.
std::string key_check(const base::Secret& key, const VaultRow& row);

class VaultState {
public:
    VaultState(Vault::Options options, const base::Clock& clock, base::Random& random)
        : options_(std::move(options)), clock_(clock), random_(random) {}

    // Opens the file and gets the key-encryption key. `known` spares asking for a key that was just made.
    base::Result<void> open(std::optional<base::Secret> known);

    // Before each operation: key_missing when locked; a new connection after a disk error (ST-05).
    base::Result<store::Database*> database();
    // Says that `error` came out of the database, so that a disk error makes the next call start afresh.
    base::Error noticed(base::Error error);

    base::Result<const base::Secret*> data_key(std::uint32_t id);
    base::Result<DataKeyRow> wrap(const base::Secret& data_key, std::uint32_t id, std::int64_t created_at,
                                  const base::Secret& key_encryption_key);
    // The root as it is in the open transaction's snapshot, opened only when it is not the one opened last.
    base::Result<Root> load_root();
    base::Result<void> store_root(const Root& root);

    // Gets the key-encryption key again when another process has moved it.
    base::Result<void> follow_moved_key();

    [[nodiscard]] KeyPlace place() const { return {options_.home, row_.vault_id}; }
    [[nodiscard]] std::filesystem::path file() const { return options_.home / name_; }
    base::Result<void> writable() const;
    void forget_keys();

    Vault::Options options_;
    std::string_view name_ = kFileName;
    const base::Clock& clock_;
    base::Random& random_;
    std::optional<store::Database> database_;
    VaultRow row_;
    base::Secret key_encryption_key_;
    std::map<std::uint32_t, base::Secret> data_keys_;
    LedgerCache ledger_;
    std::uint64_t newest_generation_ = 0;  // that this process has seen
    std::int64_t own_commits_ = 0;
    bool locked_ = false;
    bool reopen_ = false;         // after a disk error
    bool log_holds_erased_ = false;

private:
    base::Result<void> load_key_encryption_key();
    base::Result<base::Secret> unwrap(const DataKeyRow& row);
};

// Opens a record's row after comparing it with what the ledger says of it.
base::Result<Record> unseal_row(VaultState& state, const RecordKey& key, const RecordRowView& row, const PageEntry& entry);

// A read by the ledger that is in memory, when that is the ledger of the very snapshot the record is read from: one
// statement, one seal. nullopt: that cannot be said, look at the file.
base::Result<std::optional<Record>> read_by_known_ledger(VaultState& state, const RecordKey& key);

class View {
public:
    static base::Result<View> open(VaultState& state);

    base::Result<std::optional<Record>> get(const RecordKey& key);
    base::Result<std::vector<RecordInfo>> list(std::string_view tenant, std::string_view kind, std::string_view after_id, std::size_t limit);
    // nullptr: never heard of it.
    base::Result<const PageEntry*> entry(const RecordKey& key);
    base::Result<const Page*> page(std::uint32_t number);
    // The page to be changed; the cache keeps the one it has.
    base::Result<Page*> editable_page(std::uint32_t number);
    // After the commit: what this view has become is what the file holds.
    void keep(std::uint32_t version);
    // Opens a row that is there, after comparing it with what the ledger says of it.
    base::Result<Record> open_row(const RecordKey& key, const RecordRowView& row);
    base::Result<Record> unseal_record(const RecordRow& row, const PageEntry& entry);

    VaultState& state_;
    Root root_;
    std::map<std::uint32_t, Page> edited_;  // to be sealed again

private:
    View(VaultState& state, Root root) : state_(state), root_(std::move(root)) {}
    base::Result<Page> open_page(std::uint32_t number);
    std::map<std::uint32_t, std::shared_ptr<const Page>> pages_;
};

// A write transaction's face: collects ledger changes, written by finish() just before the commit.
class Change final : public Transaction {
public:
    explicit Change(View view) : view_(std::move(view)) {}
    base::Result<std::optional<Record>> get(const RecordKey& key) override { return view_.get(key); }
    base::Result<std::vector<RecordInfo>> list(std::string_view tenant, std::string_view kind, std::string_view after_id,
                                               std::size_t limit) override {
        return view_.list(tenant, kind, after_id, limit);
    }
    base::Result<std::uint64_t> put(const RecordKey& key, const base::Secret& payload,
                                    std::optional<std::uint64_t> expected) override;
    base::Result<bool> erase(const RecordKey& key, std::optional<std::uint64_t> expected) override;
    base::Result<void> audit(const AuditEntry& entry) override;

    // Seals the record and notes it in the ledger, at exactly this version and these times.
    base::Result<void> place(const RecordInfo& info, const base::Secret& payload);
    // Appends a line with a time of its own (a restored one).
    base::Result<void> append_line(std::string_view tenant, base::Instant at, const AuditEntry& entry);
    // What is left of a record erased in another vault with the same name key.
    base::Result<void> remember_erased(const std::string& name, std::uint64_t version);
    base::Result<void> touch(std::uint32_t page);  // to be sealed again
    base::Result<void> finish();

    [[nodiscard]] bool erased_something() const { return erased_; }
    View view_;

private:
    base::Result<void> note(const PageEntry& entry);
    bool erased_ = false;
};

// Runs `work` in a write transaction, then finish() and commit.
base::Result<void> change(VaultState& state, const std::function<base::Result<void>(Change&)>& work);

base::Result<void> check_key(const RecordKey& key);

// A key-encryption key that the vault has moved away from is destroyed once the move is durable; a killed rotation
// leaves that to the next opening.
base::Result<void> destroy_retired_key(VaultState& state);

// Makes the key at its source and a whole vault in `file` (absent or empty). The caller holds the lock.
base::Result<KeyEncryptionKey> create_vault(const std::filesystem::path& home, const std::filesystem::path& file,
                                            const KeySourceChoice& source, bool first_start, const base::Clock& clock,
                                            base::Random& random);

}  // namespace claviger::vault
