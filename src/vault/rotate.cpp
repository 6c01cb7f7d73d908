// Vault::rotate: a new data key, then every seal made again with it, then the old key erased. The first and the last
// step are one transaction each, the middle is batches; whatever is killed, both keys are there until the last seal
// is moved, and the next rotate goes on where this one stopped (VA-11).
#include <algorithm>

#include <fmt/format.h>

#include "sys/files.hpp"
#include "vault/seal.hpp"
#include "vault/state.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::int64_t kBatch = 200;
constexpr std::chrono::seconds kWait{5};

class Rotation {
public:
    explicit Rotation(VaultState& state) : state_(state) {}

    // Data keys that are there besides the active one: a rotation that was interrupted.
    Result<bool> unfinished() {
        TRY(database, state_.database());
        TRY(keys, read_data_keys(*database));
        return keys.size() > 1;
    }

    Result<void> begin(const std::optional<KeySourceChoice>& source) {
        std::optional<KeyEncryptionKey> moved;
        if (source) {
            TRY(made, make_key(*source, state_.place(), false, state_.random_));
            moved = std::move(made);
        }
        const auto begun = change(state_, [&](Change& change) { return add_key(change, moved ? &*moved : nullptr); });
        if (!begun) state_.data_keys_.erase(fresh_);
        if (!moved) return begun;
        // What the file says decides, also after an error that left it open whether the commit happened.
        TRY(row, read_vault_row(*state_.database_));
        const bool in_use = row.source == moved->kind && row.check == key_check(moved->key, row);
        if (in_use) {
            state_.row_ = std::move(row);
            state_.key_encryption_key_ = std::move(moved->key);
        } else if (const auto removed = destroy_key(moved->kind, moved->parameters, state_.place()); !removed && begun) {
            return removed;
        }
        return begun;
    }

    Result<void> reseal_all(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
        std::int64_t after = 0;
        std::uint64_t done = 0, total = 0;
        for (bool more = true; more;) {
            TRY_VOID(change(state_, [&](Change& change) -> Result<void> {
                total = std::max(total, change.view_.root_.records);
                TRY(count, reseal_batch(change, after));
                more = count == kBatch;
                done += static_cast<std::uint64_t>(count);
                return {};
            }));
            if (progress) progress(std::min(done, total), total);
        }
        return {};
    }

    // Every page again under the new key, then the old keys' rows go; whoever reads later needs only the new one.
    Result<void> finish() {
        TRY_VOID(change(state_, [&](Change& change) -> Result<void> {
            for (std::uint32_t page = 0; page < kPages; ++page) {
                const auto& mark = change.view_.root_.page_marks[page];
                if (std::ranges::all_of(mark, [](char byte) { return byte == 0; })) continue;
                TRY_VOID(change.touch(page));
            }
            TRY_VOID(change.audit({"vault.rotated", "vault"}));
            const auto active = change.view_.root_.active_key;
            TRY(left, records_not_under(active));
            if (left > 0) {
                return fail(ErrorCode::corrupt, fmt::format("{} records cannot be opened, so the old key stays", left),
                            "see which with: claviger vault status, replace them, then rotate again");
            }
            return delete_data_keys_except(*state_.database_, active);
        }));
        std::erase_if(state_.data_keys_, [&](const auto& key) { return key.first != active_; });
        state_.log_holds_erased_ = !state_.database_->truncate_log();
        return {};
    }

private:
    Result<void> add_key(Change& change, KeyEncryptionKey* moved) {
        auto& root = change.view_.root_;
        TRY(old, state_.data_key(root.active_key));
        const base::Secret old_key = old->duplicate();
        TRY(rows, read_data_keys(*state_.database_));
        const std::uint32_t old_id = root.active_key, id = old_id + 1;
        const auto now = state_.clock_.now().time_since_epoch().count();
        const base::Secret& wrapping = moved != nullptr ? moved->key : state_.key_encryption_key_;
        if (moved != nullptr) {
            VaultRow row = state_.row_;
            row.retired = fmt::format("{}:{}", to_string(row.source), row.parameters);
            row.source = moved->kind;
            row.parameters = moved->parameters;
            row.check = key_check(moved->key, row);
            TRY_VOID(write_vault_row(*state_.database_, row));
            const auto created = std::ranges::find(rows, old_id, &DataKeyRow::id);
            if (created == rows.end()) return fail(ErrorCode::corrupt, "the data key in use is missing");
            TRY(wrapped, state_.wrap(old_key, old_id, created->created_at, wrapping));
            TRY_VOID(write_data_key(*state_.database_, wrapped));
        }
        base::Secret fresh = state_.random_.secret_bytes(kKeyBytes);
        TRY(wrapped, state_.wrap(fresh, id, now, wrapping));
        TRY_VOID(write_data_key(*state_.database_, wrapped));
        state_.data_keys_.insert_or_assign(id, std::move(fresh));
        fresh_ = id;
        root.active_key = id;
        return {};
    }

    // Records that do not open are left as they are: resealing must not make damage look whole.
    Result<std::int64_t> reseal_batch(Change& change, std::int64_t& after) {
        active_ = change.view_.root_.active_key;
        std::vector<RecordKey> keys;
        {
            TRY(statement, state_.database_->prepare("SELECT slot, tenant, kind, id FROM records WHERE slot > ? AND key_id <> ? "
                                                     "ORDER BY slot LIMIT ?"));
            statement.bind(1, after).bind(2, std::int64_t{active_}).bind(3, kBatch);
            for (;;) {
                TRY(found, statement.step());
                if (!found) break;
                const auto row = statement.row();
                after = row.integer(0);
                keys.push_back({std::string(row.text(1)), std::string(row.text(2)), std::string(row.text(3))});
            }
        }
        for (const auto& key : keys) {
            const auto record = change.view_.get(key);
            if (!record && record.error().code != ErrorCode::corrupt && record.error().code != ErrorCode::unsupported) {
                return fail(record.error());
            }
            if (!record || !*record) continue;
            const auto& found = **record;
            TRY_VOID(change.place({found.key, found.version, found.created_at, found.updated_at}, found.payload));
        }
        return static_cast<std::int64_t>(keys.size());
    }

    Result<std::int64_t> records_not_under(std::uint32_t key) {
        TRY(statement, state_.database_->prepare("SELECT count(*) FROM records WHERE key_id <> ?"));
        statement.bind(1, std::int64_t{key});
        TRY_VOID(statement.step());
        return statement.row().integer(0);
    }

    VaultState& state_;
    std::uint32_t active_ = 0;
    std::uint32_t fresh_ = 0;  // made by begin(); forgotten should its commit fail
};

}  // namespace

Result<void> destroy_retired_key(VaultState& state) {
    TRY(row, read_vault_row(*state.database_));
    const auto colon = row.retired.find(':');
    if (colon == std::string::npos) return {};
    if (const auto kind = key_source_from(row.retired.substr(0, colon))) {
        TRY_VOID(destroy_key(*kind, row.retired.substr(colon + 1), state.place()));
    }
    row.retired.clear();
    state.row_ = row;
    return change(state, [&](Change&) { return write_vault_row(*state.database_, row); });
}

Result<void> Vault::rotate(const std::optional<KeySourceChoice>& new_source,
                           const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    auto& state = *state_;
    TRY_VOID(state.writable());
    TRY_VOID(state.database());
    TRY(lock, sys::FileLock::acquire(state.options_.home / kLockName, kWait));
    TRY_VOID(state.follow_moved_key());
    Rotation rotation(state);
    TRY(resume, rotation.unfinished());
    if (!resume || new_source) {
        if (resume) {
            TRY_VOID(rotation.reseal_all(progress));
            TRY_VOID(rotation.finish());
        }
        TRY_VOID(destroy_retired_key(state));
        TRY_VOID(rotation.begin(new_source));
    }
    TRY_VOID(rotation.reseal_all(progress));
    TRY_VOID(rotation.finish());
    return destroy_retired_key(state);
}

}  // namespace claviger::vault
