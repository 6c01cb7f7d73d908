// Database, Statement, Row, Transaction: SQLite behind four small types. The only folder that includes sqlite3.h.
// Opened with WAL, synchronous=FULL, secure_delete, STRICT-schema rules; a committed transaction is on the disk
// (ST-01). Ownership: a Statement and a Transaction must not outlive their Database. Thread rule: one thread at a
// time; open another Database for another thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace claviger::store {

// One result row; its views are valid until the next step of its statement.
class Row {
public:
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::string_view blob(int column) const;
    [[nodiscard]] bool is_null(int column) const;

private:
    friend class Statement;
    explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
    sqlite3_stmt* statement_;
};

// A prepared statement lent by its Database; reset when this goes. Bind by position from 1: bytes are not copied and
// must live until the statement has run.
class Statement {
public:
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    ~Statement();

    Statement& bind(int position, std::int64_t value);
    Statement& bind(int position, std::uint64_t value) { return bind(position, static_cast<std::int64_t>(value)); }
    Statement& bind_text(int position, std::string_view value);
    Statement& bind_blob(int position, std::string_view value);

    // True: row() is the next row. False: done.
    base::Result<bool> step();
    [[nodiscard]] Row row() const { return Row(statement_); }
    // For statements without rows; the number of changed rows.
    base::Result<std::int64_t> run();
    // Ready to bind and run again.
    void reset();

private:
    friend class Database;
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
    sqlite3_stmt* statement_;
    int bind_failure_ = 0;
};

enum class Access { read_write, read_only };

class Database {
public:
    struct Options {
        Access access = Access::read_write;
        std::chrono::milliseconds busy_timeout{30'000};
    };
    // The file must exist (an empty one is an empty database): creating it privately is the caller's business, as
    // SQLite would create it 0644. Nothing is read or written yet.
    static base::Result<Database> open(const std::filesystem::path& file, const Options& options);
    // A private database in memory.
    static base::Result<Database> open_in_memory();
    Database(Database&&) noexcept;
    Database& operator=(Database&&) noexcept;
    ~Database();

    // Persistent property of the file; asked for once, when it is made.
    base::Result<void> use_write_ahead_log();
    // Moves the log into the file and does without one; `busy` when others have the file open. Afterwards the file is
    // the whole database.
    base::Result<void> leave_write_ahead_log();
    // One or more statements without parameters and results, from a literal.
    base::Result<void> execute(const char* sql);
    // `sql` must be a literal: statements are kept by its address.
    base::Result<Statement> prepare(const char* sql);
    // The single integer a query gives.
    base::Result<std::int64_t> integer(const char* sql);

    [[nodiscard]] bool in_transaction() const;
    // Another file has the name now under which this one was opened: what is written here is lost.
    [[nodiscard]] bool replaced() const;
    // Changes when another connection has committed (PRAGMA data_version).
    base::Result<std::int64_t> data_version();
    // The same for the snapshot that is being, or was last, read here; also changes with commits of this connection.
    // No system call: equal numbers mean that nothing was committed between two snapshots.
    [[nodiscard]] std::uint32_t snapshot_version() const;
    // Moves the log into the file and empties it, so that erased bytes are nowhere (VA-16). `busy` when readers hold it.
    base::Result<void> truncate_log();
    // "ok", or what SQLite's integrity_check says first.
    base::Result<std::string> integrity_check();

private:
    struct Handle;
    explicit Database(std::unique_ptr<Handle> handle);
    std::unique_ptr<Handle> handle_;
};

// BEGIN ... COMMIT; rolled back when it goes uncommitted.
class Transaction {
public:
    enum class Kind { read, write };
    static base::Result<Transaction> begin(Database& database, Kind kind);
    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    // After success the change is durable; after an error it is rolled back.
    base::Result<void> commit();

private:
    explicit Transaction(Database* database) : database_(database) {}
    Database* database_;
};

}  // namespace claviger::store
