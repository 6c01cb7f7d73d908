// restore(): a new vault from a backup. Built whole under another name, then put in place by one link or rename.
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/value.hpp"
#include "sys/files.hpp"
#include "vault/age.hpp"
#include "vault/backup_format.hpp"
#include "vault/replace_file.hpp"
#include "vault/seal.hpp"
#include "vault/state.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
namespace fs = std::filesystem;

constexpr std::size_t kLargestBackup = std::size_t{4} << 30;
constexpr std::string_view kNewName = "vault.db.restoring";
constexpr std::chrono::seconds kWait{5};

// Reads a whole backup, giving each line to `take`.
Result<RestoreReport> read_backup(const fs::path& from, const base::Secret& passphrase, const std::function<Result<void>(BackupLine)>& take) {
    TRY(file, sys::read_file(from, kLargestBackup));
    RestoreReport report;
    BackupReader reader([&](BackupLine line) -> Result<void> {
        if (const auto* head = std::get_if<BackupHead>(&line)) report = {head->records, head->taken_at, head->vault_id};
        if (const auto* record = std::get_if<Record>(&line)) {
            TRY_VOID(check_key(record->key));
        }
        return take(std::move(line));
    });
    TRY_VOID(age::decrypt(file, passphrase, [&](std::string_view piece) { return reader.piece(piece); }));
    TRY_VOID(reader.finish());
    return report;
}

// Writes lines into a vault inside its one transaction.
class Import {
public:
    explicit Import(Change& change) : change_(change) {}

    Result<void> line(BackupLine line) {
        if (auto* head = std::get_if<BackupHead>(&line)) {
            // Erased records are only known by their hashed names.
            change_.view_.root_.name_key = base::WipedString(head->name_key.reveal());
            change_.view_.root_.generation = head->generation;
            from_ = head->vault_id;
            return {};
        }
        if (auto* record = std::get_if<Record>(&line)) {
            TRY(known, change_.view_.entry(record->key));
            if (known != nullptr) return fail(ErrorCode::corrupt, "the backup holds a record twice");
            ++change_.view_.root_.records;
            return change_.place({record->key, record->version, record->created_at, record->updated_at}, record->payload);
        }
        if (auto* erased = std::get_if<BackupErased>(&line)) return change_.remember_erased(erased->name, erased->version);
        if (auto* audit = std::get_if<BackupAudit>(&line)) return change_.append_line(audit->entry.tenant, audit->at, audit->entry);
        return {};
    }

    // For whoever holds tokens that may have been used since the backup (RF-11).
    Result<void> mark_restored(base::Instant now) {
        const json::Object mark{{"at", now.time_since_epoch().count()}, {"from_vault", from_}};
        const RecordKey key{std::string(kLocalTenant), "setting", "restored_at"};
        TRY_VOID(change_.put(key, json::to_secret_text(json::Value(mark)), std::nullopt));
        return change_.audit({"vault.restored", "vault"});
    }

private:
    Change& change_;
    std::string from_;
};

tl::unexpected<base::Error> vault_is_there() {
    return fail(ErrorCode::already_exists, "there is a vault already", "add --replace; the old one is kept beside it");
}

Result<bool> something_there(const fs::path& file) {
    for (const char* suffix : {"", "-wal"}) {
        std::error_code failure;
        const auto size = fs::file_size(fs::path(file.native() + suffix), failure);
        if (failure && failure != std::errc::no_such_file_or_directory) {
            return fail(ErrorCode::storage, fmt::format("cannot examine {}", file.native()));
        }
        if (!failure && size > 0) return true;
    }
    return false;
}

class Restoration {
public:
    Restoration(const Vault::Options& into, const base::Clock& clock, base::Random& random) : options_(into), clock_(clock), random_(random) {}

    Result<RestoreReport> run(const fs::path& from, const base::Secret& passphrase, bool replace) {
        TRY_VOID(sys::ensure_private_directory(options_.home));
        std::error_code failure;
        options_.home = fs::canonical(options_.home, failure);
        const fs::path file = options_.home / kFileName, fresh = options_.home / kNewName;
        TRY(lock, sys::FileLock::acquire(options_.home / kLockName, kWait));
        TRY(there, something_there(file));
        if (there && !replace) {
            return vault_is_there();
        }
        // Everything in the backup is checked before a key is made.
        TRY(checked, read_backup(from, passphrase, [](BackupLine) { return Result<void>(); }));
        remove_with_log(fresh);
        const auto built = build(from, passphrase, fresh, !there);
        if (built) {
            TRY(alone, sys::FileLock::acquire(options_.home / kReplaceLockName, kWait));
            if (there) {
                const fs::path aside = name_beside(options_.home, "old", clock_, random_);
                checked.kept_key = key_of(file);
                TRY_VOID(keep_beside(file, aside));
                checked.kept_file = aside.native();
            }
            ::unlink((fresh.native() + "-wal").c_str());
            ::unlink((fresh.native() + "-shm").c_str());
            TRY_VOID(rename_durably(fresh, file));
            return checked;
        }
        remove_with_log(fresh);
        return fail(built.error());
    }

private:
    Result<void> build(const fs::path& from, const base::Secret& passphrase, const fs::path& fresh, bool first) {
        TRY(made, create_vault(options_.home, fresh, options_.key_source, first, clock_, random_));
        Vault::Options options = options_;
        options.read_only = false;
        VaultState state(options, clock_, random_);
        state.name_ = kNewName;
        TRY_VOID(state.open(std::move(made.key)));
        TRY_VOID(change(state, [&](Change& change) -> Result<void> {
            Import import(change);
            TRY_VOID(read_backup(from, passphrase, [&](BackupLine line) { return import.line(std::move(line)); }));
            return import.mark_restored(clock_.now());
        }));
        // Its log must be empty, as the log does not come along.
        return state.database_->truncate_log();
    }

    // Where the old vault's key is, as far as that vault can still say.
    std::string key_of(const fs::path& file) const {
        auto database = store::Database::open(file, {store::Access::read_only, kWait});
        if (!database) return {};
        const auto row = read_vault_row(*database);
        if (!row) return {};
        const std::string place = describe_key(row->source, row->parameters, {options_.home, row->vault_id});
        if (row->source == KeySourceKind::secret_service) return "in the Secret Service, " + place;
        return row->source == KeySourceKind::file ? place : std::string();  // a passphrase lies nowhere
    }

    Vault::Options options_;
    const base::Clock& clock_;
    base::Random& random_;
};

}  // namespace

Result<void> check_restorable(const fs::path& from, const fs::path& home, bool check_only, bool replace) {
    std::error_code failure;
    const auto status = fs::status(from, failure);
    const std::string shown = base::printable(from.native(), 4096);
    if (status.type() == fs::file_type::not_found) return fail(ErrorCode::not_found, fmt::format("there is no file {}", shown));
    if (fs::is_directory(status)) return fail(ErrorCode::invalid_input, fmt::format("{} is a directory, no backup", shown));
    if (check_only) return {};
    if (fs::exists(home, failure)) {
        TRY_VOID(sys::check_private_directory(home));
    }
    TRY(there, something_there(home / kFileName));
    return there && !replace ? Result<void>(vault_is_there()) : Result<void>();
}

Result<RestoreReport> restore(const fs::path& from, const base::Secret& passphrase, const Vault::Options& into, bool check_only,
                              bool replace, const base::Clock& clock, base::Random& random) {
    if (check_only) return read_backup(from, passphrase, [](BackupLine) { return Result<void>(); });
    return Restoration(into, clock, random).run(from, passphrase, replace);
}

}  // namespace claviger::vault
