// backup(): one snapshot of the whole vault, checked while it is read, as an age file.
#include "sys/files.hpp"
#include "base/text.hpp"
#include "vault/age.hpp"
#include "vault/backup_format.hpp"
#include "vault/state.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

class Export {
public:
    Export(VaultState& state, View& view, age::Encryptor& out) : state_(state), view_(view), out_(out) {}

    Result<void> run() {
        TRY_VOID(collect_erased());
        const auto& root = view_.root_;
        BackupHead head{base::hex_encode(state_.row_.vault_id), state_.clock_.now(), root.generation,
                        base::Secret({root.name_key.data(), root.name_key.size()}), root.records, erased_.size(), root.audit_entries};
        TRY_VOID(write(std::move(head)));
        TRY_VOID(write_records());
        for (const auto& erased : erased_) {
            TRY_VOID(write(erased));
        }
        TRY_VOID(write_audit());
        return write(BackupEnd{});
    }

private:
    Result<void> write(BackupLine line) { return out_.append(write_line(line).reveal()); }

    Result<void> collect_erased() {
        for (std::uint32_t number = 0; number < kPages; ++number) {
            TRY(page, view_.page(number));
            for (const auto& entry : page->entries) {
                if (entry.erased) erased_.push_back({std::string(entry.name_view()), entry.version});
            }
        }
        return {};
    }

    // A record that does not open ends the backup: one that silently lacks it would be worse.
    Result<void> write_records() {
        TRY(statement, state_.database_->prepare("SELECT tenant, kind, id FROM records ORDER BY tenant, kind, id"));
        std::uint64_t written = 0;
        for (;;) {
            TRY(found, statement.step());
            if (!found) break;
            const auto row = statement.row();
            TRY(record, view_.get({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))}));
            if (!record) return fail(ErrorCode::corrupt, "a record changed under the snapshot");
            TRY_VOID(write(std::move(*record)));
            ++written;
        }
        if (written != view_.root_.records) {
            return fail(ErrorCode::corrupt, "records of the vault are missing", "see which with: claviger vault status");
        }
        return {};
    }

    Result<void> write_audit() {
        TRY(statement, state_.database_->prepare("SELECT sequence, tenant, at, event, subject, detail, chain FROM audit "
                                                 "ORDER BY sequence"));
        std::string head(kHashBytes, '\0');
        std::uint64_t sequence = 0;
        for (;;) {
            TRY(found, statement.step());
            if (!found) break;
            const auto row = audit_row(statement.row());
            head = view_.root_.chain(head, row.line());
            if (row.sequence != ++sequence || row.chain != head) return fail(ErrorCode::corrupt, "the audit journal was changed");
            TRY_VOID(write(BackupAudit{base::Instant(base::Duration(row.at)), {row.event, row.subject, row.detail, row.tenant}}));
        }
        if (sequence != view_.root_.audit_entries) return fail(ErrorCode::corrupt, "the audit journal was cut short");
        return {};
    }

    VaultState& state_;
    View& view_;
    age::Encryptor& out_;
    std::vector<BackupErased> erased_;
};

}  // namespace

Result<void> backup(Vault& vault, const std::filesystem::path& to, const base::Secret& passphrase) {
    return backup_at_cost(vault, to, passphrase, age::kWorkFactor);
}

Result<void> backup_at_cost(Vault& vault, const std::filesystem::path& to, const base::Secret& passphrase, int work_factor) {
    auto& state = *vault.state_;
    TRY(database, state.database());
    TRY(file, sys::AtomicFile::create(to));
    TRY(encryptor, age::Encryptor::begin(passphrase, work_factor, state.random_,
                                         [&file](std::string_view bytes) { return file.append(bytes); }));
    const auto run = [&]() -> Result<void> {
        TRY(transaction, store::Transaction::begin(*database, store::Transaction::Kind::read));
        TRY(view, View::open(state));
        return Export(state, view, encryptor).run();
    };
    auto written = run();
    if (!written) return fail(state.noticed(std::move(written).error()));
    TRY_VOID(encryptor.finish());
    return file.commit();
}

}  // namespace claviger::vault
