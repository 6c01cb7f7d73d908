#include "store/schema.hpp"

#include <fmt/format.h>

namespace claviger::store {

using base::ErrorCode;
using base::fail;
using base::Result;

Result<int> schema_version(Database& database, const Schema& schema) {
    TRY(version, database.integer("PRAGMA user_version"));
    if (version == 0) {
        TRY(objects, database.integer("SELECT count(*) FROM sqlite_schema"));
        if (objects == 0) return 0;
        // Another process may have filled the file between the two questions.
        TRY(again, database.integer("PRAGMA user_version"));
        if (again == 0) return fail(ErrorCode::corrupt, "the file is not a vault", "restore a backup with: claviger vault restore");
        version = again;
    }
    TRY(application, database.integer("PRAGMA application_id"));
    if (application != schema.application_id) {
        return fail(ErrorCode::corrupt, "the file is not a vault", "restore a backup with: claviger vault restore");
    }
    if (version < 0 || static_cast<std::size_t>(version) > schema.steps.size()) {
        return fail(ErrorCode::unsupported,
                    fmt::format("the vault has format {}; this program knows formats up to {}", version, schema.steps.size()),
                    "upgrade claviger; nothing was changed");
    }
    return static_cast<int>(version);
}

Result<void> migrate(Database& database, const Schema& schema) {
    TRY(version, schema_version(database, schema));
    for (auto step = static_cast<std::size_t>(version); step < schema.steps.size(); ++step) {
        TRY_VOID(database.execute(schema.steps[step]));
    }
    // Pragmas take no parameters; both values are our own numbers.
    TRY_VOID(database.execute(fmt::format("PRAGMA application_id={}", schema.application_id).c_str()));
    return database.execute(fmt::format("PRAGMA user_version={}", schema.steps.size()).c_str());
}

}  // namespace claviger::store
