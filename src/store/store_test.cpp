#include <fstream>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "store/database.hpp"
#include "store/schema.hpp"
#include "store/sqlite_error.hpp"
#include "sys/files.hpp"
#include "sys/scratch_directory.hpp"

namespace claviger::store {
namespace {

using base::ErrorCode;

constexpr const char* kSteps[] = {"CREATE TABLE t (k TEXT PRIMARY KEY, n INTEGER, b BLOB) STRICT",
                                  "ALTER TABLE t ADD COLUMN extra TEXT"};
const Schema kFirst{0x1234, std::span(kSteps, 1)};
const Schema kSecond{0x1234, std::span(kSteps, 2)};

class Store : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(sys::create_file_exclusively(file_, "")); }
    Database open(Access access = Access::read_write) {
        return Database::open(file_, {access, std::chrono::milliseconds(20)}).value();
    }
    void make(Database& database, const Schema& schema) {
        ASSERT_TRUE(database.use_write_ahead_log());
        auto change = Transaction::begin(database, Transaction::Kind::write);
        ASSERT_TRUE(migrate(database, schema));
        ASSERT_TRUE(change->commit());
    }
    static void insert(Database& database, std::string_view key) {
        auto statement = database.prepare("INSERT INTO t (k, n) VALUES (?, 1)");
        ASSERT_TRUE(statement);
        ASSERT_EQ(statement->bind_text(1, key).run().value(), 1);
    }
    sys::ScratchDirectory home_;
    std::filesystem::path file_ = home_ / "a.db";
};

TEST_F(Store, binds_and_reads_every_type_with_zero_bytes_inside) {
    auto database = open();
    make(database, kFirst);
    const std::string bytes("\0x\0", 3);
    {
        auto insert = database.prepare("INSERT INTO t VALUES (?, ?, ?)").value();
        EXPECT_EQ(insert.bind_text(1, "key").bind(2, std::int64_t{-5}).bind_blob(3, bytes).run().value(), 1);
        EXPECT_EQ(insert.bind_text(1, "").bind(2, std::int64_t{INT64_MAX}).bind_blob(3, {}).run().value(), 1);
    }
    auto select = database.prepare("SELECT k, n, b FROM t ORDER BY k DESC").value();
    ASSERT_TRUE(select.step().value());
    EXPECT_EQ(select.row().text(0), "key");
    EXPECT_EQ(select.row().integer(1), -5);
    EXPECT_EQ(select.row().blob(2), bytes);
    ASSERT_TRUE(select.step().value());
    EXPECT_FALSE(select.row().is_null(0));
    EXPECT_EQ(select.row().blob(2), "");
    EXPECT_FALSE(select.step().value());
}

TEST_F(Store, a_transaction_that_is_not_committed_is_rolled_back) {
    auto database = open();
    make(database, kFirst);
    {
        auto change = Transaction::begin(database, Transaction::Kind::write);
        insert(database, "lost");
    }
    EXPECT_EQ(database.integer("SELECT count(*) FROM t").value(), 0);
}

TEST_F(Store, transactions_do_not_nest) {
    auto database = open();
    make(database, kFirst);
    auto change = Transaction::begin(database, Transaction::Kind::write);
    EXPECT_EQ(Transaction::begin(database, Transaction::Kind::read).error().code, ErrorCode::internal);
    insert(database, "a");
    ASSERT_TRUE(change->commit()) << "the outer one is not harmed";
    EXPECT_EQ(database.integer("SELECT count(*) FROM t").value(), 1);
}

TEST_F(Store, values_have_a_limit) {
    auto database = open();
    make(database, kFirst);
    EXPECT_EQ(database.integer("SELECT length(zeroblob(40000000))").error().code, ErrorCode::limit);
}

TEST_F(Store, second_writer_gets_busy_and_a_reader_keeps_its_snapshot) {
    auto one = open();
    make(one, kFirst);
    auto two = open();
    auto reading = Transaction::begin(two, Transaction::Kind::read).value();
    EXPECT_EQ(two.integer("SELECT count(*) FROM t").value(), 0);
    const auto before = open();
    auto three = open();
    const auto version = three.data_version().value();
    {
        auto change = Transaction::begin(one, Transaction::Kind::write).value();
        insert(one, "a");
        const auto blocked = Transaction::begin(three, Transaction::Kind::write);
        ASSERT_FALSE(blocked);
        EXPECT_EQ(blocked.error().code, ErrorCode::busy);
        ASSERT_TRUE(change.commit());
    }
    EXPECT_EQ(two.integer("SELECT count(*) FROM t").value(), 0);
    EXPECT_NE(three.data_version().value(), version);
}

TEST_F(Store, UP02_newer_and_foreign_files_are_refused_and_older_ones_migrated) {
    {
        auto database = open();
        EXPECT_EQ(schema_version(database, kFirst).value(), 0);
        make(database, kFirst);
        insert(database, "kept");
        make(database, kSecond);
        EXPECT_EQ(schema_version(database, kSecond).value(), 2);
        EXPECT_EQ(database.integer("SELECT count(*) FROM t WHERE extra IS NULL").value(), 1);
        EXPECT_EQ(schema_version(database, kFirst).error().code, ErrorCode::unsupported);
        EXPECT_EQ(schema_version(database, {0x9999, std::span(kSteps, 2)}).error().code, ErrorCode::corrupt);
        ASSERT_TRUE(database.execute("PRAGMA user_version=0"));
        EXPECT_EQ(schema_version(database, kSecond).error().code, ErrorCode::corrupt);
    }
}

TEST_F(Store, CL06_log_files_are_as_private_as_the_database) {
    auto database = open();
    make(database, kFirst);
    insert(database, "a");
    for (const char* name : {"a.db", "a.db-wal", "a.db-shm"}) {
        const auto permissions = std::filesystem::status(home_ / name).permissions();
        EXPECT_EQ(permissions & std::filesystem::perms(077), std::filesystem::perms::none) << name;
    }
}

TEST_F(Store, VA16_deleted_bytes_are_nowhere_once_the_log_is_truncated) {
    auto database = open();
    make(database, kFirst);
    insert(database, "canary-7d1f");
    ASSERT_TRUE(database.truncate_log());
    const auto everything = [&] {
        return sys::read_file(file_, 1 << 20).value() + sys::read_file(home_ / "a.db-wal", 1 << 20).value();
    };
    EXPECT_NE(everything().find("canary-7d1f"), std::string::npos);
    ASSERT_TRUE(database.execute("DELETE FROM t"));
    ASSERT_TRUE(database.truncate_log());
    EXPECT_EQ(everything().find("canary-7d1f"), std::string::npos);
}

TEST_F(Store, a_damaged_or_foreign_file_is_corrupt_and_a_symlink_is_refused) {
    std::ofstream(file_) << std::string(8192, 'x');
    EXPECT_EQ(Database::open(file_, {}).error().code, ErrorCode::corrupt);
    std::filesystem::create_symlink(file_, home_ / "link.db");
    EXPECT_EQ(Database::open(home_ / "link.db", {}).error().code, ErrorCode::storage);
    EXPECT_EQ(Database::open(home_ / "none.db", {}).error().code, ErrorCode::storage);
}

TEST_F(Store, triggers_and_views_of_the_file_do_not_run) {
    {
        auto database = open();
        make(database, kFirst);
        ASSERT_TRUE(database.execute("CREATE TRIGGER evil AFTER INSERT ON t BEGIN DELETE FROM t; END"));
    }
    auto database = open();
    insert(database, "a");
    EXPECT_EQ(database.integer("SELECT count(*) FROM t").value(), 1);
}

TEST_F(Store, read_only_refuses_writes) {
    {
        auto database = open();
        make(database, kFirst);
    }
    auto database = open(Access::read_only);
    EXPECT_EQ(database.integer("SELECT count(*) FROM t").value(), 0);
    EXPECT_EQ(database.execute("DELETE FROM t").error().code, ErrorCode::storage);
}

TEST(SqliteError, ST04_codes_map_to_classes_that_say_what_to_do) {
    const std::pair<int, ErrorCode> rows[] = {
        {SQLITE_FULL, ErrorCode::storage},        {SQLITE_IOERR_FSYNC, ErrorCode::storage},
        {SQLITE_IOERR_WRITE, ErrorCode::storage}, {SQLITE_READONLY, ErrorCode::storage},
        {SQLITE_CANTOPEN, ErrorCode::storage},    {SQLITE_BUSY_SNAPSHOT, ErrorCode::busy},
        {SQLITE_CORRUPT, ErrorCode::corrupt},     {SQLITE_NOTADB, ErrorCode::corrupt},
        {SQLITE_NOMEM, ErrorCode::limit},         {SQLITE_MISUSE, ErrorCode::internal}};
    for (const auto& [code, expected] : rows) EXPECT_EQ(sqlite_error(code, "x").code, expected) << code;
    EXPECT_FALSE(sqlite_error(SQLITE_FULL, "x").hint.empty());
}

}  // namespace
}  // namespace claviger::store
