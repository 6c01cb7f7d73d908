#include "store/database.hpp"

#include <utility>
#include <vector>

#include <sqlite3.h>

#include "store/sqlite_error.hpp"

namespace claviger::store {

using base::ErrorCode;
using base::fail;
using base::Result;

struct Database::Handle {
    sqlite3* connection = nullptr;
    std::map<const char*, sqlite3_stmt*> statements;

    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        for (const auto& [sql, statement] : statements) sqlite3_finalize(statement);
        sqlite3_close_v2(connection);
    }
};

// Row

std::int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Row::text(int column) const {
    const auto* text = sqlite3_column_text(statement_, column);
    if (text == nullptr) return {};
    return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Row::blob(int column) const {
    const void* bytes = sqlite3_column_blob(statement_, column);
    if (bytes == nullptr) return {};
    return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Row::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

// Statement

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), bind_failure_(other.bind_failure_) {}

Statement::~Statement() {
    if (statement_ != nullptr) reset();
}

void Statement::reset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    bind_failure_ = SQLITE_OK;
}

Statement& Statement::bind(int position, std::int64_t value) {
    if (const int code = sqlite3_bind_int64(statement_, position, value); code != SQLITE_OK) bind_failure_ = code;
    return *this;
}

Statement& Statement::bind_text(int position, std::string_view value) {
    const int code = sqlite3_bind_text64(statement_, position, value.data() == nullptr ? "" : value.data(), value.size(),
                                         SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK) bind_failure_ = code;
    return *this;
}

Statement& Statement::bind_blob(int position, std::string_view value) {
    const int code = sqlite3_bind_blob64(statement_, position, value.data() == nullptr ? "" : value.data(), value.size(),
                                         SQLITE_STATIC);
    if (code != SQLITE_OK) bind_failure_ = code;
    return *this;
}

Result<bool> Statement::step() {
    if (bind_failure_ != SQLITE_OK) return fail(sqlite_error(bind_failure_, "cannot use the vault"));
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return fail(sqlite_error(sqlite3_extended_errcode(sqlite3_db_handle(statement_)), "cannot use the vault"));
}

Result<std::int64_t> Statement::run() {
    for (;;) {
        TRY(more, step());
        if (!more) break;
    }
    const auto changed = sqlite3_changes64(sqlite3_db_handle(statement_));
    reset();
    return changed;
}

// Database

Database::Database(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

namespace {

constexpr int kLargestValue = 32 << 20;

// The file is not trusted: no triggers, views or functions of its schema run, and writes to the schema are refused.
void distrust_the_file(sqlite3* connection) {
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
    // A damaged length must not become an allocation of a gigabyte.
    sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, kLargestValue);
}

// A lasting log spares each short process creating and deleting it.
void keep_the_log(sqlite3* connection) {
    int keep = 1;
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
}

}  // namespace

Result<Database> Database::open(const std::filesystem::path& file, const Options& options) {
    auto handle = std::make_unique<Handle>();
    const int access = options.access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    const int code = sqlite3_open_v2(file.c_str(), &handle->connection,
                                     access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, nullptr);
    if (code != SQLITE_OK) return fail(sqlite_error(code, "cannot open the vault"));
    sqlite3_busy_timeout(handle->connection, static_cast<int>(options.busy_timeout.count()));
    distrust_the_file(handle->connection);
    keep_the_log(handle->connection);
    Database database(std::move(handle));
    TRY_VOID(database.execute("PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA cell_size_check=ON; "
                              "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=4194304"));
    return database;
}

Result<Database> Database::open_in_memory() {
    auto handle = std::make_unique<Handle>();
    const int code = sqlite3_open_v2(":memory:", &handle->connection,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                     nullptr);
    if (code != SQLITE_OK) return fail(sqlite_error(code, "cannot open a database in memory"));
    distrust_the_file(handle->connection);
    return Database(std::move(handle));
}

Result<void> Database::use_write_ahead_log() {
    auto statement = prepare("PRAGMA journal_mode=WAL");
    if (!statement) return fail(statement.error());
    TRY(found, statement->step());
    if (!found || statement->row().text(0) != "wal") {
        return fail(ErrorCode::storage, "this file system cannot hold the vault's log",
                    "set CLAVIGER_HOME to a directory on a local disk");
    }
    return {};
}

Result<void> Database::leave_write_ahead_log() {
    TRY_VOID(truncate_log());
    TRY(statement, prepare("PRAGMA journal_mode=DELETE"));
    TRY(found, statement.step());
    if (!found || statement.row().text(0) != "delete") return fail(sqlite_error(SQLITE_BUSY, "cannot close the vault's log"));
    return {};
}

Result<void> Database::execute(const char* sql) {
    const int code = sqlite3_exec(handle_->connection, sql, nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    return fail(sqlite_error(sqlite3_extended_errcode(handle_->connection), "cannot use the vault"));
}

Result<Statement> Database::prepare(const char* sql) {
    auto& kept = handle_->statements[sql];
    if (kept != nullptr && sqlite3_stmt_busy(kept) != 0) {
        return fail(ErrorCode::internal, "a statement of the vault is used inside itself");
    }
    if (kept == nullptr) {
        const int code = sqlite3_prepare_v3(handle_->connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &kept, nullptr);
        if (code != SQLITE_OK) {
            handle_->statements.erase(sql);
            return fail(sqlite_error(sqlite3_extended_errcode(handle_->connection), "cannot use the vault"));
        }
    }
    return Statement(kept);
}

Result<std::int64_t> Database::integer(const char* sql) {
    TRY(statement, prepare(sql));
    TRY(found, statement.step());
    if (!found) return fail(ErrorCode::corrupt, "the vault lacks a row it must have");
    return statement.row().integer(0);
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_->connection) == 0; }

bool Database::replaced() const {
    int moved = 0;
    sqlite3_file_control(handle_->connection, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

Result<std::int64_t> Database::data_version() { return integer("PRAGMA data_version"); }

std::uint32_t Database::snapshot_version() const {
    unsigned int version = 0;
    sqlite3_file_control(handle_->connection, "main", SQLITE_FCNTL_DATA_VERSION, &version);
    return version;
}

Result<void> Database::truncate_log() {
    const int code = sqlite3_wal_checkpoint_v2(handle_->connection, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    return fail(sqlite_error(code, "cannot empty the vault's log"));
}

Result<std::string> Database::integrity_check() {
    TRY(statement, prepare("PRAGMA integrity_check(1)"));
    TRY(found, statement.step());
    return found ? std::string(statement.row().text(0)) : std::string("no answer");
}

// Transaction

Result<Transaction> Transaction::begin(Database& database, Kind kind) {
    if (database.in_transaction()) {
        return fail(ErrorCode::internal, "a transaction is open already: use it for reading and writing");
    }
    TRY(statement, database.prepare(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN"));
    TRY_VOID(statement.run());
    return Transaction(&database);
}

Transaction::Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
    // Some errors have rolled back already; then this one fails, and that is all right.
    if (database_ == nullptr) return;
    if (auto statement = database_->prepare("ROLLBACK")) [[maybe_unused]] const auto ignored = statement->run();
}

Result<void> Transaction::commit() {
    TRY(statement, database_->prepare("COMMIT"));
    TRY_VOID(statement.run());
    database_ = nullptr;
    return {};
}

}  // namespace claviger::store
