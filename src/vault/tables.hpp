// The vault's tables as structs: one function a statement, no meaning. Schema: docs/formats/vault.md.
// Thread rule: as the Database.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.hpp"
#include "store/schema.hpp"
#include "vault/key_source.hpp"
#include "vault/vault.hpp"

namespace claviger::vault {

extern const store::Schema kSchema;

// The one row that says which vault this is and where its key-encryption key comes from.
struct VaultRow {
    std::string vault_id;  // 16 random bytes
    std::int64_t created_at = 0;
    KeySourceKind source = KeySourceKind::file;
    std::string parameters;
    std::string check;    // keyed hash under the key-encryption key: proves the key, authenticates this row
    std::string retired;  // "source:parameters" of a key that must still be destroyed; else empty
};
base::Result<VaultRow> read_vault_row(store::Database& database);
base::Result<void> write_vault_row(store::Database& database, const VaultRow& row);

struct DataKeyRow {
    std::uint32_t id = 0;
    std::int64_t created_at = 0;
    std::string wrapped;
};
base::Result<std::vector<DataKeyRow>> read_data_keys(store::Database& database);
base::Result<void> write_data_key(store::Database& database, const DataKeyRow& row);
base::Result<void> delete_data_keys_except(store::Database& database, std::uint32_t id);

struct SealedRow {
    std::uint32_t key_id = 0;
    std::string sealed;
};
base::Result<std::optional<SealedRow>> read_root_row(store::Database& database);
base::Result<void> write_root_row(store::Database& database, const SealedRow& row);
base::Result<std::optional<SealedRow>> read_page_row(store::Database& database, std::uint32_t page);
base::Result<void> write_page_row(store::Database& database, std::uint32_t page, const SealedRow& row);

struct RecordRow {
    RecordInfo info;
    SealedRow seal;
};
// The same while its statement stands on it: nothing is copied.
struct RecordRowView {
    std::uint64_t version = 0;
    base::Instant created_at, updated_at;
    std::uint32_t key_id = 0;
    std::string_view sealed;
};
// To be stepped once; then record_row_view(statement.row()).
base::Result<store::Statement> find_record_row(store::Database& database, const RecordKey& key);
RecordRowView record_row_view(const store::Row& row, int first_column = 0);
base::Result<std::optional<RecordRow>> read_record_row(store::Database& database, const RecordKey& key);
base::Result<void> write_record_row(store::Database& database, const RecordRow& row);
base::Result<void> delete_record_row(store::Database& database, const RecordKey& key);

struct AuditRow {
    std::uint64_t sequence = 0;
    std::string tenant;
    std::int64_t at = 0;
    std::string event, subject, detail;
    std::string chain;

    // What the chain covers.
    [[nodiscard]] std::string line() const;
};
base::Result<void> append_audit_row(store::Database& database, const AuditRow& row);
// The row `statement` stands at, selected as sequence, tenant, at, event, subject, detail, chain.
AuditRow audit_row(const store::Row& row);

}  // namespace claviger::vault
