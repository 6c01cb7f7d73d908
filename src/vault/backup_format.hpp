// The lines inside a backup: one JSON object each, so that a person with an age program can read them without
// Claviger. Format: docs/formats/backup.md. Thread rule: values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "vault/vault.hpp"

namespace claviger::vault {

struct BackupHead {
    std::string vault_id;  // hex
    base::Instant taken_at;
    std::uint64_t generation = 0;
    base::Secret name_key;  // 32 bytes: what the names of erased records are hashed with
    std::uint64_t records = 0, erased = 0, audit_entries = 0;
};
struct BackupErased {
    std::string name;  // hashed
    std::uint64_t version = 0;
};
struct BackupAudit {
    base::Instant at;
    AuditEntry entry;
};
struct BackupEnd {};
using BackupLine = std::variant<BackupHead, Record, BackupErased, BackupAudit, BackupEnd>;

// With the final newline.
base::Secret write_line(const BackupLine& line);
base::Result<BackupLine> read_line(std::string_view text);

// backup() at another scrypt cost than age::kWorkFactor: for tests, which make many.
base::Result<void> backup_at_cost(Vault& vault, const std::filesystem::path& to, const base::Secret& passphrase, int work_factor);

// Cuts decrypted pieces into lines and checks their order and their numbers; gives each to `take`.
class BackupReader {
public:
    using Take = std::function<base::Result<void>(BackupLine)>;
    explicit BackupReader(Take take) : take_(std::move(take)) {}
    base::Result<void> piece(std::string_view bytes);
    base::Result<void> finish() const;

private:
    base::Result<void> line(std::string_view text);
    base::Result<void> check_order(const BackupLine& line);
    Take take_;
    base::WipedString pending_;
    bool begun_ = false, ended_ = false;
    std::uint64_t records_left_ = 0, erased_left_ = 0, audit_left_ = 0;
};

}  // namespace claviger::vault
