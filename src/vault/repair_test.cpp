// vault::repair: what it keeps, what it says is lost, what it leaves alone.
#include <atomic>
#include <fstream>
#include <thread>

#include "vault/test_threats.hpp"

namespace claviger::vault::testing {
namespace {

// ST-06: what a repair keeps, what it says is lost, and that the damaged file stays.
class VaultRepair : public VaultThreats {
protected:
    base::Result<RepairReport> mend() {
        auto where = options(KeySourceKind::automatic);
        return repair(where, clock_, random_);
    }
    static bool says(const RepairReport& report, std::string_view text) {
        return std::ranges::any_of(report.lost, [&](const std::string& line) { return line.find(text) != std::string::npos; });
    }
};

TEST_F(VaultRepair, ST06_a_whole_vault_is_left_alone) {
    fill(5);
    const auto before = sys::read_file(file(), 1 << 24).value();
    const auto report = mend().value();
    EXPECT_FALSE(report.needed);
    EXPECT_EQ(report.kept, 5U);
    EXPECT_EQ(sys::read_file(file(), 1 << 24).value(), before);
    EXPECT_EQ(mend().value().damaged_copy, "");
}

TEST_F(VaultRepair, ST06_keeps_what_authenticates_and_names_what_is_lost) {
    fill(10);
    {
        auto vault = open();
        ASSERT_TRUE(vault.erase(record(9), std::nullopt, {"e", "s"}).value());
    }
    tamper("CREATE TABLE kept AS SELECT * FROM records WHERE slot = 1");
    {
        auto vault = open();
        put(vault, record(0), "newer");
    }
    tamper("DELETE FROM records WHERE slot = 1; INSERT INTO records SELECT * FROM kept; DROP TABLE kept; "
           "UPDATE records SET sealed = zeroblob(90) WHERE slot = 2; DELETE FROM records WHERE slot = 3; "
           "UPDATE audit SET subject = 'x' WHERE sequence = 4");
    const auto report = mend().value();
    EXPECT_TRUE(report.needed);
    EXPECT_EQ(report.kept, 6U);
    EXPECT_EQ(report.unchecked, 0U);
    EXPECT_TRUE(says(report, id(0))) << "the old version";
    EXPECT_TRUE(says(report, id(1)));
    EXPECT_TRUE(says(report, "row is gone"));
    EXPECT_TRUE(says(report, "audit journal"));
    EXPECT_EQ(report.lost.size(), 4U);
    ASSERT_TRUE(std::filesystem::exists(report.damaged_copy));
    EXPECT_EQ(std::filesystem::status(report.damaged_copy).permissions(), std::filesystem::perms(0600));
    auto vault = open();
    for (int i = 3; i < 9; ++i) EXPECT_EQ(text(vault, record(i)), content(i)) << i;
    for (int i : {0, 1, 2, 9}) EXPECT_EQ(text(vault, record(i)), "absent") << i;
    const auto status = vault.status(true).value();
    EXPECT_TRUE(status.integrity_ok && status.seals_ok) << (status.faults.empty() ? "" : status.faults[0]);
    EXPECT_EQ(vault.audit_tail(1).value()[0].event, "vault.repaired");
    EXPECT_EQ(put(vault, record(9), "back"), 2U) << "a version of an erased record is not used again";
    EXPECT_FALSE(mend().value().needed);
}

TEST_F(VaultRepair, ST06_a_lost_ledger_is_rebuilt_and_what_could_not_be_checked_is_said) {
    for (const char* edit : {"DELETE FROM root", "DELETE FROM pages", "UPDATE pages SET sealed = zeroblob(60)", "UPDATE root SET sealed = x''"}) {
        std::filesystem::remove_all(home());
        fill(6);
        tamper(edit);
        const auto report = mend();
        ASSERT_TRUE(report) << edit << report.error().describe();
        EXPECT_EQ(report->kept, 6U) << edit;
        EXPECT_EQ(report->unchecked, 6U) << edit;
        EXPECT_FALSE(report->lost.empty()) << edit;
        auto vault = open();
        for (int i = 0; i < 6; ++i) EXPECT_EQ(text(vault, record(i)), content(i)) << edit;
        EXPECT_TRUE(vault.status(true).value().seals_ok);
    }
}

TEST_F(VaultRepair, ST06_without_the_key_or_the_data_key_nothing_is_changed) {
    fill(4);
    tamper("UPDATE data_keys SET wrapped = zeroblob(73)");
    const auto whole = sys::read_file(file(), 1 << 24).value();
    EXPECT_EQ(mend().error().code, ErrorCode::corrupt);
    EXPECT_EQ(sys::read_file(file(), 1 << 24).value(), whole);
    std::filesystem::rename(home() / "vault.key", home() / "away.key");
    EXPECT_EQ(mend().error().code, ErrorCode::key_missing);
    EXPECT_EQ(sys::read_file(file(), 1 << 24).value(), whole);
    EXPECT_FALSE(std::filesystem::exists(home() / "vault.db.repairing"));
}

// ST-06: a page of the file is ruined; every record on other pages is kept.
TEST_F(VaultRepair, ST06_ruined_pages_of_the_file_cost_only_what_was_on_them) {
    constexpr int kRecords = 60;
    fill(kRecords);
    const std::string whole = sys::read_file(file(), 1 << 24).value();
    int mended = 0, beyond = 0, kept_least = kRecords;
    for (std::size_t at = 4096; at < whole.size(); at += 4096) {
        std::string damaged = whole;
        std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(at), 4096, '\x5a');
        std::filesystem::remove(home() / "vault.db-wal");
        std::filesystem::remove(home() / "vault.db-shm");
        std::ofstream(file(), std::ios::binary | std::ios::trunc) << damaged;
        const auto report = mend();
        if (!report) {
            EXPECT_EQ(report.error().code, ErrorCode::corrupt) << at;
            ++beyond;
            continue;
        }
        auto vault = open();
        EXPECT_TRUE(vault.status(true).value().seals_ok) << at;
        if (!report->needed) continue;
        ++mended;
        int kept = 0;
        for (int i = 0; i < kRecords; ++i) {
            const auto read = text(vault, record(i));
            kept += read == content(i) ? 1 : 0;
            EXPECT_TRUE(read == content(i) || read == "absent") << at << ": " << read;
        }
        EXPECT_EQ(kept, static_cast<int>(report->kept));
        kept_least = std::min(kept_least, kept);
    }
    EXPECT_GT(mended, 3);
    EXPECT_LE(beyond, 3) << "the key's rows and the tables' description have no second copy";
    RecordProperty("mended", mended);
    RecordProperty("beyond", beyond);
    RecordProperty("kept_least", kept_least);
}

// A commit that would go into a file that has lost its name is refused, not acknowledged.
TEST_F(VaultRepair, ST01_what_is_written_after_the_file_was_replaced_is_not_acknowledged) {
    fill(3);
    auto vault = open();
    std::filesystem::copy_file(file(), home() / "copy");
    std::filesystem::rename(home() / "copy", file());
    const auto refused = vault.put(record(0), base::Secret("lost"), std::nullopt, {"e", "s"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::ErrorCode::changed) << refused.error().describe();
    auto other = open();
    put(other, record(0), "kept");
    EXPECT_EQ(text(other, record(0)), "kept");
}

// Whoever replaces the file keeps commits out from the first look at it on.
TEST_F(VaultRepair, ST01_a_commit_waits_while_the_file_is_being_replaced) {
    fill(3);
    auto vault = open();
    auto alone = sys::FileLock::acquire(home() / "vault.replace.lock", std::chrono::seconds(1));
    ASSERT_TRUE(alone);
    std::atomic<bool> done = false;
    std::thread writer([&] {
        put(vault, record(0), "after");
        done = true;
    });
    auto reader = open();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(text(reader, record(0)), content(0)) << "readers do not wait";
    EXPECT_FALSE(done);
    { const auto gone = std::move(*alone); }
    writer.join();
    EXPECT_EQ(text(reader, record(0)), "after");
}

TEST_F(VaultRepair, ST01_repair_and_restore_wait_for_nobody_forever) {
    fill(3);
    tamper("UPDATE records SET sealed = zeroblob(90) WHERE slot = 2");
    const auto others = sys::FileLock::acquire(home() / "vault.replace.lock", std::chrono::seconds(1), sys::FileLock::Kind::shared);
    ASSERT_TRUE(others);
    const auto report = mend();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, base::ErrorCode::busy);
}

}  // namespace
}  // namespace claviger::vault::testing
