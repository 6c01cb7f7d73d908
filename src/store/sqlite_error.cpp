#include "store/sqlite_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace claviger::store {

base::Error sqlite_error(int code, std::string_view doing) {
    using base::ErrorCode;
    const auto make = [&](ErrorCode kind, std::string_view reason, std::string hint) {
        return base::Error::make(kind, fmt::format("{}: {} (sqlite {})", doing, reason, code), std::move(hint));
    };
    switch (code & 0xff) {
        case SQLITE_FULL:
            return make(ErrorCode::storage, "no space left on the disk",
                        "free some space and try again; the vault is unchanged");
        case SQLITE_IOERR:
            return make(ErrorCode::storage, "the disk reported an error or is full",
                        "check free space and the system log, then try again; the vault is unchanged");
        case SQLITE_READONLY:
        case SQLITE_PERM: return make(ErrorCode::storage, "the file is read-only", "make the vault's directory writable");
        case SQLITE_CANTOPEN:
        case SQLITE_AUTH:
            return make(ErrorCode::storage, "the file cannot be opened",
                        "check the permissions and free space of the vault's directory");
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return make(ErrorCode::busy, "another process holds the vault",
                        "wait until the other claviger command has finished");
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return make(ErrorCode::corrupt, "the file is damaged", "restore a backup with: claviger vault restore");
        case SQLITE_NOMEM:
        case SQLITE_TOOBIG: return make(ErrorCode::limit, "too large, or out of memory", "");
        case SQLITE_CONSTRAINT: return make(ErrorCode::corrupt, "the file breaks its own rules", "");
        // A damaged schema shows as a missing table or column, which is an error of the statement.
        case SQLITE_ERROR:
        case SQLITE_SCHEMA:
            return make(ErrorCode::corrupt, "the file's tables are not those of a vault",
                        "restore a backup with: claviger vault restore");
        default: return make(ErrorCode::internal, sqlite3_errstr(code), "");
    }
}

}  // namespace claviger::store
