// Vault::open and the first start: N racing processes end with one key and one vault (VA-05), and a kill at any point
// leaves either nothing, or a key that protects nothing yet and is taken over, or the whole vault.
#include <cerrno>

#include <sys/stat.h>

#include <fmt/format.h>

#include "sys/files.hpp"
#include "vault/seal.hpp"
#include "vault/state.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
namespace fs = std::filesystem;

constexpr std::chrono::seconds kFirstStartWait{60};

Result<std::uintmax_t> size_or_zero(const fs::path& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) return static_cast<std::uintmax_t>(info.st_size);
    if (errno == ENOENT) return std::uintmax_t{0};
    return fail(ErrorCode::storage, fmt::format("cannot examine {}", path.native()));
}

Result<fs::path> usable_home(const Vault::Options& options) {
    struct stat info {};
    if (!options.create_if_absent && ::lstat(options.home.c_str(), &info) != 0 && errno == ENOENT) {
        return fail(ErrorCode::not_found, "there is no vault yet", "log in to a provider first");
    }
    TRY_VOID(sys::ensure_private_directory(options.home));
    std::error_code failure;
    auto home = fs::canonical(options.home, failure);
    if (failure) return fail(ErrorCode::storage, fmt::format("cannot use {}", options.home.native()));
    TRY(network, sys::network_file_system(home));
    if (network) {
        return fail(ErrorCode::unsupported, fmt::format("{} is on a network file system ({})", home.native(), *network),
                    "locks cannot be relied on there: set CLAVIGER_HOME to a directory on a local disk");
    }
    return home;
}

// The empty database file, private from its first moment; SQLite gives its log the same mode.
Result<void> create_empty_file(const fs::path& file) {
    const auto created = sys::create_file_exclusively(file, "");
    if (!created && created.error().code != ErrorCode::already_exists) return created;
    return {};
}

Result<bool> vault_exists(const fs::path& file) {
    TRY(size, size_or_zero(file));
    TRY(log, size_or_zero(fs::path(file.native() + "-wal")));
    if (size == 0 && log > 0) {
        return fail(ErrorCode::corrupt, "the vault's file is gone but its log is still there",
                    "put vault.db back beside it, or restore a backup with: claviger vault restore");
    }
    if (size == 0) return false;
    TRY(database, store::Database::open(file, {store::Access::read_write, kFirstStartWait}));
    TRY(version, store::schema_version(database, kSchema));
    return version > 0;
}

// A human must not type while other processes wait for the lock: the passphrase is asked for first, and given to
// whichever needs it.
Result<KeySourceChoice> asked_beforehand(KeySourceChoice choice) {
    if (choice.kind != KeySourceKind::passphrase || !choice.ask_passphrase) return choice;
    TRY(passphrase, choice.ask_passphrase(true));
    const auto kept = std::make_shared<const base::Secret>(std::move(passphrase));
    choice.ask_passphrase = [kept](bool) { return Result<base::Secret>(kept->duplicate()); };
    return choice;
}

}  // namespace

Result<KeyEncryptionKey> create_vault(const fs::path& home, const fs::path& file, const KeySourceChoice& source, bool first_start,
                                      const base::Clock& clock, base::Random& random) {
    VaultRow row;
    row.vault_id.resize(16);
    random.fill(std::as_writable_bytes(std::span(row.vault_id)));
    row.created_at = clock.now().time_since_epoch().count();
    TRY(key, make_key(source, {home, row.vault_id}, first_start, random));
    row.source = key.kind;
    row.parameters = key.parameters;
    row.check = key_check(key.key, row);

    TRY_VOID(create_empty_file(file));
    TRY(database, store::Database::open(file, {store::Access::read_write, kFirstStartWait}));
    TRY_VOID(database.use_write_ahead_log());
    TRY(transaction, store::Transaction::begin(database, store::Transaction::Kind::write));
    TRY_VOID(store::migrate(database, kSchema));
    TRY_VOID(write_vault_row(database, row));
    const base::Secret data_key = random.secret_bytes(kKeyBytes);
    const std::uint32_t id = 1;
    TRY_VOID(write_data_key(database, {id, row.created_at,
                                       seal(key.key, data_key.reveal(), data_key_associated(row.vault_id, id, row.created_at), random)}));
    Root root = Root::fresh(random);
    root.active_key = id;
    const auto plain = root.encode();
    TRY_VOID(write_root_row(database, {id, seal(data_key, {plain.data(), plain.size()}, root_associated(row.vault_id, id), random)}));
    TRY_VOID(transaction.commit());
    return key;
}

Result<Vault> Vault::open(const Options& options, const base::Clock& clock, base::Random& random) {
    Options own = options;
    TRY(home, usable_home(options));
    own.home = std::move(home);
    auto state = std::make_unique<VaultState>(own, clock, random);

    TRY(size, size_or_zero(state->file()));
    if (size > 0) {
        auto opened = state->open(std::nullopt);
        if (opened) {
            if (!state->row_.retired.empty() && !own.read_only) {
                // Left by a killed rotation; while one is running, or should it fail, a later opening does it.
                const auto lock = sys::FileLock::acquire(own.home / kLockName, std::chrono::milliseconds(0));
                if (lock) [[maybe_unused]] const auto ignored = destroy_retired_key(*state);
            }
            return Vault(std::move(state));
        }
        // Not yet filled: a first start is under way or was killed. Anything else is final (VA-06).
        if (opened.error().code != ErrorCode::not_found || !options.create_if_absent) return fail(std::move(opened).error());
    }
    if (!options.create_if_absent || options.read_only) {
        return fail(ErrorCode::not_found, "there is no vault yet", "log in to a provider first");
    }
    TRY(source, asked_beforehand(own.key_source));
    state->options_.key_source = source;
    TRY(lock, sys::FileLock::acquire(own.home / kLockName, kFirstStartWait));
    TRY(exists, vault_exists(state->file()));
    std::optional<base::Secret> known;
    if (!exists) {
        TRY(made, create_vault(own.home, state->file(), source, true, clock, random));
        known = std::move(made.key);
    }
    TRY_VOID(state->open(std::move(known)));
    state->options_.key_source = own.key_source;
    return Vault(std::move(state));
}

}  // namespace claviger::vault
