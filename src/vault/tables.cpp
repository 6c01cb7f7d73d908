#include "vault/tables.hpp"

#include "vault/encoding.hpp"
#include "vault/key_encryption_key.hpp"

namespace claviger::vault {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr const char* kSteps[] = {R"(
CREATE TABLE vault (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  vault_id BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  key_source TEXT NOT NULL,
  key_parameters TEXT NOT NULL,
  key_check BLOB NOT NULL,
  retired_key TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE data_keys (
  id INTEGER PRIMARY KEY,
  created_at INTEGER NOT NULL,
  wrapped BLOB NOT NULL
) STRICT;
CREATE TABLE root (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  key_id INTEGER NOT NULL,
  sealed BLOB NOT NULL
) STRICT;
CREATE TABLE pages (
  page INTEGER PRIMARY KEY,
  key_id INTEGER NOT NULL,
  sealed BLOB NOT NULL
) STRICT;
CREATE TABLE records (
  slot INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  key_id INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  UNIQUE (tenant, kind, id)
) STRICT;
CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  at INTEGER NOT NULL,
  event TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  chain BLOB NOT NULL
) STRICT;
)"};

base::Instant instant(std::int64_t milliseconds) { return base::Instant(base::Duration(milliseconds)); }
std::int64_t milliseconds(base::Instant instant) { return instant.time_since_epoch().count(); }

Result<void> done(Result<std::int64_t> changed) {
    if (!changed) return fail(std::move(changed).error());
    return {};
}

// key_id is INTEGER in the file; anything that does not fit was never written by us.
std::uint32_t key_id(std::int64_t value) {
    return value > 0 && value <= UINT32_MAX ? static_cast<std::uint32_t>(value) : 0;
}

}  // namespace

const store::Schema kSchema{0x436c6176, kSteps};  // "Clav"

Result<VaultRow> read_vault_row(store::Database& database) {
    TRY(statement, database.prepare("SELECT vault_id, created_at, key_source, key_parameters, key_check, retired_key "
                                    "FROM vault WHERE one = 1"));
    TRY(found, statement.step());
    if (!found) return fail(ErrorCode::corrupt, "the vault has lost its first row", "restore a backup with: claviger vault restore");
    const auto row = statement.row();
    const auto source = key_source_from(row.text(2));
    if (!source) return fail(ErrorCode::corrupt, "the vault names an unknown key source");
    return VaultRow{std::string(row.blob(0)), row.integer(1), *source, std::string(row.text(3)), std::string(row.blob(4)),
                    std::string(row.text(5))};
}

Result<void> write_vault_row(store::Database& database, const VaultRow& row) {
    TRY(statement, database.prepare("INSERT INTO vault VALUES (1, ?, ?, ?, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET "
                                    "key_source = excluded.key_source, key_parameters = excluded.key_parameters, "
                                    "key_check = excluded.key_check, retired_key = excluded.retired_key"));
    statement.bind_blob(1, row.vault_id).bind(2, row.created_at).bind_text(3, to_string(row.source));
    return done(statement.bind_text(4, row.parameters).bind_blob(5, row.check).bind_text(6, row.retired).run());
}

Result<std::vector<DataKeyRow>> read_data_keys(store::Database& database) {
    TRY(statement, database.prepare("SELECT id, created_at, wrapped FROM data_keys ORDER BY id"));
    std::vector<DataKeyRow> rows;
    for (;;) {
        TRY(found, statement.step());
        if (!found) return rows;
        const auto row = statement.row();
        rows.push_back({key_id(row.integer(0)), row.integer(1), std::string(row.blob(2))});
    }
}

Result<void> write_data_key(store::Database& database, const DataKeyRow& row) {
    TRY(statement, database.prepare("INSERT INTO data_keys VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET wrapped = excluded.wrapped"));
    return done(statement.bind(1, std::int64_t{row.id}).bind(2, row.created_at).bind_blob(3, row.wrapped).run());
}

Result<void> delete_data_keys_except(store::Database& database, std::uint32_t id) {
    TRY(statement, database.prepare("DELETE FROM data_keys WHERE id <> ?"));
    return done(statement.bind(1, std::int64_t{id}).run());
}

namespace {

Result<std::optional<SealedRow>> sealed_row(store::Statement statement) {
    TRY(found, statement.step());
    if (!found) return std::optional<SealedRow>();
    return std::optional(SealedRow{key_id(statement.row().integer(0)), std::string(statement.row().blob(1))});
}

}  // namespace

Result<std::optional<SealedRow>> read_root_row(store::Database& database) {
    TRY(statement, database.prepare("SELECT key_id, sealed FROM root WHERE one = 1"));
    return sealed_row(std::move(statement));
}

Result<void> write_root_row(store::Database& database, const SealedRow& row) {
    TRY(statement, database.prepare("INSERT INTO root VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET "
                                    "key_id = excluded.key_id, sealed = excluded.sealed"));
    return done(statement.bind(1, std::int64_t{row.key_id}).bind_blob(2, row.sealed).run());
}

Result<std::optional<SealedRow>> read_page_row(store::Database& database, std::uint32_t page) {
    TRY(statement, database.prepare("SELECT key_id, sealed FROM pages WHERE page = ?"));
    statement.bind(1, std::int64_t{page});
    return sealed_row(std::move(statement));
}

Result<void> write_page_row(store::Database& database, std::uint32_t page, const SealedRow& row) {
    TRY(statement, database.prepare("INSERT INTO pages VALUES (?, ?, ?) ON CONFLICT (page) DO UPDATE SET "
                                    "key_id = excluded.key_id, sealed = excluded.sealed"));
    return done(statement.bind(1, std::int64_t{page}).bind(2, std::int64_t{row.key_id}).bind_blob(3, row.sealed).run());
}

Result<store::Statement> find_record_row(store::Database& database, const RecordKey& key) {
    TRY(statement, database.prepare("SELECT version, created_at, updated_at, key_id, sealed FROM records "
                                    "WHERE tenant = ? AND kind = ? AND id = ?"));
    statement.bind_text(1, key.tenant).bind_text(2, key.kind).bind_text(3, key.id);
    return statement;
}

RecordRowView record_row_view(const store::Row& row, int first_column) {
    const int c = first_column;
    return {static_cast<std::uint64_t>(row.integer(c)), instant(row.integer(c + 1)), instant(row.integer(c + 2)),
            key_id(row.integer(c + 3)), row.blob(c + 4)};
}

Result<std::optional<RecordRow>> read_record_row(store::Database& database, const RecordKey& key) {
    TRY(statement, find_record_row(database, key));
    TRY(found, statement.step());
    if (!found) return std::optional<RecordRow>();
    const auto row = record_row_view(statement.row());
    return std::optional(RecordRow{RecordInfo{key, row.version, row.created_at, row.updated_at},
                                   SealedRow{row.key_id, std::string(row.sealed)}});
}

Result<void> write_record_row(store::Database& database, const RecordRow& row) {
    TRY(statement, database.prepare("INSERT INTO records (tenant, kind, id, version, created_at, updated_at, key_id, sealed) "
                                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, kind, id) DO UPDATE SET "
                                    "version = excluded.version, created_at = excluded.created_at, "
                                    "updated_at = excluded.updated_at, key_id = excluded.key_id, sealed = excluded.sealed"));
    const auto& info = row.info;
    statement.bind_text(1, info.key.tenant).bind_text(2, info.key.kind).bind_text(3, info.key.id).bind(4, info.version);
    statement.bind(5, milliseconds(info.created_at)).bind(6, milliseconds(info.updated_at));
    return done(statement.bind(7, std::int64_t{row.seal.key_id}).bind_blob(8, row.seal.sealed).run());
}

Result<void> delete_record_row(store::Database& database, const RecordKey& key) {
    TRY(statement, database.prepare("DELETE FROM records WHERE tenant = ? AND kind = ? AND id = ?"));
    return done(statement.bind_text(1, key.tenant).bind_text(2, key.kind).bind_text(3, key.id).run());
}

std::string AuditRow::line() const {
    Encoder encoder;
    encoder.u64(sequence).text(tenant).i64(at).text(event).text(subject).text(detail);
    return std::string(encoder.view());
}

Result<void> append_audit_row(store::Database& database, const AuditRow& row) {
    TRY(statement, database.prepare("INSERT OR REPLACE INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)"));
    statement.bind(1, row.sequence).bind_text(2, row.tenant).bind(3, row.at).bind_text(4, row.event);
    return done(statement.bind_text(5, row.subject).bind_text(6, row.detail).bind_blob(7, row.chain).run());
}

AuditRow audit_row(const store::Row& row) {
    return {static_cast<std::uint64_t>(row.integer(0)), std::string(row.text(1)), row.integer(2), std::string(row.text(3)),
            std::string(row.text(4)), std::string(row.text(5)), std::string(row.blob(6))};
}

}  // namespace claviger::vault
