// Vault: sealed records in one SQLite file (WAL, synchronous=FULL), shared safely by several processes.
// Each record is sealed with XChaCha20-Poly1305 under the vault's data key; the associated data binds tenant,
// kind, id, version and format (VA-02). The data key is wrapped by a key-encryption key from a KeySource.
// A call that returned success is durable (ST-01). Thread rule: one Vault per thread; open another for another.
// Format: docs/formats/vault.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "vault/key_source.hpp"

namespace claviger::vault {

inline constexpr std::string_view kLocalTenant = "local";

struct RecordKey {
    std::string tenant;  // never empty
    std::string kind;    // "client", "connection", "setting", ...
    std::string id;      // unique per tenant and kind
    friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

struct Record {
    RecordKey key;
    std::uint64_t version = 0;  // 1 for the first write, +1 for each further one; never reused for a key
    base::Instant created_at, updated_at;
    base::Secret payload;
};

// A row without its content, for listing.
struct RecordInfo {
    RecordKey key;
    std::uint64_t version = 0;
    base::Instant created_at, updated_at;
    // Set when the record cannot be trusted (corrupt) or read (unsupported); then only its name is shown, as it stands in
    // the file, and version and times mean nothing.
    std::optional<base::Error> problem{};
};

// One line of the journal of what happened to credentials and definitions: append-only, hash-chained, written in
// the transaction of the change it describes. `detail` is JSON without secrets.
struct AuditEntry {
    std::string event;    // "connection.created", "client.created", "secret.shown", ...
    std::string subject;  // "github/default"
    std::string detail = "{}";
    std::string tenant = std::string(kLocalTenant);
};

class VaultState;  // the open file and the keys; vault/state.hpp, internal to the folder

class Transaction {
public:
    virtual ~Transaction() = default;
    virtual base::Result<std::optional<Record>> get(const RecordKey& key) = 0;
    // As Vault::list, with what this transaction has written so far.
    virtual base::Result<std::vector<RecordInfo>> list(std::string_view tenant, std::string_view kind, std::string_view after_id,
                                                       std::size_t limit) = 0;
    // `expected`: nullopt = whatever is there; 0 = must not exist; n = must be at version n. Otherwise
    // ErrorCode::changed. Returns the new version.
    virtual base::Result<std::uint64_t> put(const RecordKey& key, const base::Secret& payload,
                                            std::optional<std::uint64_t> expected) = 0;
    virtual base::Result<bool> erase(const RecordKey& key, std::optional<std::uint64_t> expected) = 0;
    virtual base::Result<void> audit(const AuditEntry& entry) = 0;
};

struct VaultStatus {
    std::string path;
    int format_version = 0;
    std::string vault_id;
    std::string key_source;       // "secret-service", "file", "passphrase", "descriptor"
    std::string key_source_detail;  // path or item label, never a secret
    std::uint64_t generation = 0;   // counts committed changes
    std::uint64_t records = 0;
    std::uint64_t audit_entries = 0;
    bool integrity_ok = false;      // SQLite integrity_check, every row's place in the authenticated index, audit chain
    bool seals_ok = false;          // every record decrypts (only when asked for a full check)
    std::vector<std::string> faults;
    base::Instant created_at, data_key_created_at;
    bool contents_known = false;    // generation, records and audit_entries were read; false when the ledger is damaged
    bool data_key_known = false;    // data_key_created_at was read
};

class Vault {
public:
    struct Options {
        std::filesystem::path home;       // CLAVIGER_HOME; made 0700 if absent; refused if unsafe (CL-07)
        KeySourceChoice key_source;       // how to get the key-encryption key
        bool create_if_absent = true;     // false: ErrorCode::not_found when there is no vault yet
        bool read_only = false;
    };
    // First start: N racing processes end with one key and one vault (VA-05). A vault whose key is missing or
    // wrong is never written and never re-keyed: ErrorCode::key_missing (VA-06).
    static base::Result<Vault> open(const Options& options, const base::Clock& clock, base::Random& random);
    Vault(Vault&&) noexcept;
    Vault& operator=(Vault&&) noexcept;
    ~Vault();

    base::Result<std::optional<Record>> get(const RecordKey& key);
    // In order of id, every row authenticated by ledger and seal; a damaged one has its `problem` and hides no other.
    base::Result<std::vector<RecordInfo>> list(std::string_view tenant, std::string_view kind,
                                               std::string_view after_id = {}, std::size_t limit = 1000);
    // How many records the ledger has that are not in the file, whatever their tenant and kind: a row that was taken away
    // has no name left to be listed by. Counts rows, so it costs O(n).
    base::Result<std::uint64_t> missing_records();
    // All or nothing, durable on success. The function may run only once; an error it returns rolls back.
    base::Result<void> transact(const std::function<base::Result<void>(Transaction&)>& work);
    // transact() with a single put/erase and its audit entry.
    base::Result<std::uint64_t> put(const RecordKey& key, const base::Secret& payload,
                                    std::optional<std::uint64_t> expected, const AuditEntry& entry);
    base::Result<bool> erase(const RecordKey& key, std::optional<std::uint64_t> expected, const AuditEntry& entry);

    // Changes whenever any process committed something: tells a cache that it is stale. Microseconds.
    base::Result<std::int64_t> change_counter();

    base::Result<VaultStatus> status(bool full_check);
    // New data key, every record re-sealed, then the old key erased; resumable and killable at any write (VA-11).
    // With `new_source`: also moves the key-encryption key there.
    base::Result<void> rotate(const std::optional<KeySourceChoice>& new_source,
                              const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

    struct AuditLine {
        std::uint64_t sequence = 0;
        base::Instant at;
        std::string event, subject, detail;
        std::string problem{};  // empty: as it was written. Else what is wrong with it, or with what came after it
    };
    // Oldest first, held against the chain and its head in the ledger.
    base::Result<std::vector<AuditLine>> audit_tail(std::size_t limit);

    // Erases the decrypted data key from memory; every later call fails with ErrorCode::key_missing (VA-09).
    void lock();

private:
    friend base::Result<void> backup_at_cost(Vault& vault, const std::filesystem::path& to, const base::Secret& passphrase,
                                             int work_factor);
    explicit Vault(std::unique_ptr<VaultState> state);
    std::unique_ptr<VaultState> state_;
};

// Consistent snapshot under load, encrypted as an age v1 file (passphrase -> scrypt recipient, VA-15), which
// Debian's `age -d` opens. Written 0600, atomically. The content is documented in docs/formats/backup.md.
base::Result<void> backup(Vault& vault, const std::filesystem::path& to, const base::Secret& passphrase);

struct RestoreReport {
    std::uint64_t records = 0;
    base::Instant taken_at;
    std::string vault_id;
    // With `replace`: the old vault's file and where its key is; both still hold secrets. "" when there was none, or when it
    // was too damaged to tell.
    std::string kept_file{}, kept_key{};
};
// What can be said against a restore before its passphrase is known: no such file, no backup, a vault that is there.
base::Result<void> check_restorable(const std::filesystem::path& from, const std::filesystem::path& home, bool check_only, bool replace);
// Into an empty home only (or `replace`, which keeps the old vault file beside). With `check_only`: decrypts and
// verifies, writes nothing (UP-03). The restored vault gets a new instance id and marks rotating connections for
// RF-11 (`restored_at` in the vault's settings).
base::Result<RestoreReport> restore(const std::filesystem::path& from, const base::Secret& passphrase,
                                    const Vault::Options& into, bool check_only, bool replace,
                                    const base::Clock& clock, base::Random& random);

struct RepairReport {
    bool needed = false;             // false: the vault was whole, and nothing was changed
    std::uint64_t kept = 0;          // records in the vault now
    std::uint64_t unchecked = 0;     // of these: their part of the ledger was lost, so they may be an older state
    std::vector<std::string> lost;   // one line each, for people
    std::string damaged_copy;        // where the damaged file is
};
// Makes a whole vault out of a damaged one: the damaged files are copied aside first, then every record that still
// authenticates is sealed anew into a fresh file under a fresh data key, with a new ledger, and that file takes the
// damaged one's place by one rename. Needs the key: without it, or without the data key's row, an error, and nothing is
// changed. ST-06.
base::Result<RepairReport> repair(const Vault::Options& where, const base::Clock& clock, base::Random& random);

}  // namespace claviger::vault
