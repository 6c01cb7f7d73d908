// repair(): a whole vault out of a damaged one. What authenticates is carried into a fresh file; nothing is believed that
// does not open, and nothing is written to the damaged file before a copy of it lies beside.
#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/text.hpp"
#include "sys/files.hpp"
#include "vault/replace_file.hpp"
#include "vault/salvage.hpp"
#include "vault/seal.hpp"
#include "vault/state.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
namespace fs = std::filesystem;

constexpr std::string_view kNewName = "vault.db.repairing";
constexpr std::chrono::seconds kWait{5};
constexpr std::size_t kLargestFile = std::size_t{8} << 30;

// A byte for byte copy, private from its first moment and durable before it is relied on.
Result<void> copy_aside(const fs::path& from, const fs::path& to) {
    std::error_code failure;
    if (!fs::exists(from, failure)) return {};
    TRY(bytes, sys::read_file(from, kLargestFile));
    return sys::create_file_exclusively(to, bytes);
}

class Repair {
public:
    Repair(VaultState& damaged, const base::Clock& clock, base::Random& random) : damaged_(damaged), clock_(clock), random_(random) {}

    Result<RepairReport> run() {
        const fs::path file = damaged_.file(), fresh = damaged_.options_.home / kNewName;
        const fs::path aside = name_beside(damaged_.options_.home, "damaged", clock_, random_);
        TRY_VOID(copy_aside(file.native() + "-wal", aside.native() + "-wal"));
        TRY_VOID(copy_aside(file, aside));
        report_.needed = true;
        report_.damaged_copy = aside.native();
        Salvage salvage(damaged_);
        TRY_VOID(salvage.run());
        remove_with_log(fresh);
        auto built = build(fresh, salvage);
        if (built) built = put_in_place(fresh, file);
        if (!built) {
            remove_with_log(fresh);
            return fail(std::move(built).error());
        }
        report_.lost = std::move(salvage.lost_);
        report_.kept = salvage.records_.size();
        report_.unchecked = salvage.unchecked_;
        return std::move(report_);
    }

private:
    // The same vault (id, key source, key) with a new data key: an old seal opens nowhere in it.
    Result<void> build(const fs::path& fresh, Salvage& salvage) {
        TRY_VOID(sys::create_file_exclusively(fresh, ""));
        VaultState state(damaged_.options_, clock_, random_);
        state.name_ = kNewName;
        const std::uint32_t id = salvage.highest_key_ + 1;
        {
            TRY(database, store::Database::open(fresh, {store::Access::read_write, kWait}));
            TRY_VOID(database.use_write_ahead_log());
            TRY(transaction, store::Transaction::begin(database, store::Transaction::Kind::write));
            TRY_VOID(store::migrate(database, kSchema));
            VaultRow row = damaged_.row_;
            row.retired.clear();
            TRY_VOID(write_vault_row(database, row));
            const base::Secret key = random_.secret_bytes(kKeyBytes);
            const auto now = clock_.now().time_since_epoch().count();
            TRY(wrapped, damaged_.wrap(key, id, now, damaged_.key_encryption_key_));
            TRY_VOID(write_data_key(database, wrapped));
            Root root = Root::fresh(random_);
            root.active_key = id;
            if (salvage.root_) {  // erased records are only known by their hashed names
                root.name_key = salvage.root_->name_key;
                root.generation = salvage.root_->generation;
            }
            const auto plain = root.encode();
            const auto sealed = seal(key, {plain.data(), plain.size()}, root_associated(row.vault_id, id), random_);
            TRY_VOID(write_root_row(database, {id, sealed}));
            TRY_VOID(transaction.commit());
        }
        state.options_.read_only = false;
        TRY_VOID(state.open(damaged_.key_encryption_key_.duplicate()));
        TRY_VOID(change(state, [&](Change& change) { return fill(change, salvage); }));
        return state.database_->truncate_log();  // the log does not come along
    }

    Result<void> fill(Change& change, const Salvage& salvage) {
        for (const auto& record : salvage.records_) {
            ++change.view_.root_.records;
            TRY_VOID(change.place({record.key, record.version, record.created_at, record.updated_at}, record.payload));
        }
        for (const auto& [name, version] : salvage.erased_) {
            TRY_VOID(change.remember_erased(name, version));
        }
        for (const auto& line : salvage.audit_) {
            const AuditEntry entry{line.event, line.subject, line.detail, line.tenant};
            TRY_VOID(change.append_line(line.tenant, base::Instant(base::Duration(line.at)), entry));
        }
        return change.audit({"vault.repaired", "vault", fmt::format(R"({{"kept":{},"lost":{}}})", salvage.records_.size(), salvage.lost_.size())});
    }

    Result<void> put_in_place(const fs::path& fresh, const fs::path& file) {
        damaged_.database_.reset();
        {
            // Nobody else may have the file open: what they commit would be lost.
            auto old = store::Database::open(file, {store::Access::read_write, kWait});
            const auto closed = old ? old->leave_write_ahead_log() : Result<void>(fail(old.error()));
            if (!closed && closed.error().code == ErrorCode::busy) {
                return fail(ErrorCode::busy, "another process uses the vault", "stop the other claviger commands and try again");
            }
        }
        for (const char* suffix : {"-wal", "-shm"}) ::unlink((fresh.native() + suffix).c_str());
        // A log that is left is the damaged file's: its copy lies beside, and the new file must not read it.
        for (const char* suffix : {"-wal", "-shm", "-journal"}) ::unlink((file.native() + suffix).c_str());
        return rename_durably(fresh, file);
    }

    VaultState& damaged_;
    const base::Clock& clock_;
    base::Random& random_;
    RepairReport report_;
};

}  // namespace

Result<RepairReport> repair(const Vault::Options& where, const base::Clock& clock, base::Random& random) {
    Vault::Options options = where;
    options.create_if_absent = false;
    options.read_only = false;
    TRY_VOID(sys::check_private_directory(options.home));
    std::error_code failure;
    options.home = fs::canonical(options.home, failure);
    TRY(lock, sys::FileLock::acquire(options.home / kLockName, kWait));
    {
        auto vault = Vault::open(options, clock, random);
        if (!vault && vault.error().code != ErrorCode::corrupt) return fail(std::move(vault).error());
        if (vault) {
            auto status = vault->status(true);
            if (status && status->integrity_ok && status->seals_ok) {
                RepairReport whole;
                whole.kept = status->records;
                return whole;
            }
            if (!status && status.error().code != ErrorCode::corrupt) return fail(std::move(status).error());
        }
    }
    TRY(alone, sys::FileLock::acquire(options.home / kReplaceLockName, kWait));
    VaultState state(options, clock, random);
    TRY_VOID(state.open(std::nullopt));
    return Repair(state, clock, random).run();
}

}  // namespace claviger::vault
