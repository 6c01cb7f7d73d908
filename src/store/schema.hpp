// Versioned schema of a database file: SQLite's application_id says whose file it is, user_version how far it has
// been migrated. Migrations only go forward, in the caller's write transaction (UP-01). Thread rule: as the Database.
#pragma once

#include <cstdint>
#include <span>

#include "store/database.hpp"

namespace claviger::store {

struct Schema {
    std::int32_t application_id = 0;
    std::span<const char* const> steps;  // step i brings version i to i + 1
};

// 0 for an empty file. corrupt when the file is some other program's; unsupported when a newer Claviger made it
// (UP-02, VA-18): then nothing may be written.
base::Result<int> schema_version(Database& database, const Schema& schema);
// Runs the missing steps. Call inside a write transaction.
base::Result<void> migrate(Database& database, const Schema& schema);

}  // namespace claviger::store
