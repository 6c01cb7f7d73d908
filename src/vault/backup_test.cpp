#include <fstream>
#include <thread>

#include "base/text.hpp"
#include "vault/age.hpp"
#include "vault/backup_format.hpp"
#include "vault/test_vault.hpp"

namespace claviger::vault::testing {
namespace {

using base::ErrorCode;
using base::Secret;

constexpr int kCheap = 6;

class VaultBackup : public VaultTest {
protected:
    void SetUp() override {
        vault_.emplace(open());
        put(*vault_, key("acme/default"), std::string("\0canary-1\xff", 10));
        put(*vault_, key("acme/default"), std::string("\0canary-2\xff", 10));
        put(*vault_, {"other", "client", "x"}, "tenant");
        put(*vault_, key("gone"), "x");
        ASSERT_TRUE(vault_->erase(key("gone"), std::nullopt, {"connection.removed", "gone"}).value());
        clock_.advance(std::chrono::hours(1));
        ASSERT_TRUE(backup_at_cost(*vault_, file_, passphrase_, kCheap));
    }
    Vault::Options elsewhere(const char* name = "elsewhere") {
        auto other = options();
        other.home = scratch_ / name;
        return other;
    }
    base::Result<RestoreReport> restore_into(const Vault::Options& into, bool check = false, bool replace = false,
                                             std::string_view passphrase = "correct horse") {
        return restore(file_, Secret(passphrase), into, check, replace, clock_, random_);
    }
    // The lines of the backup, decrypted.
    std::string content() {
        std::string plain;
        EXPECT_TRUE(age::decrypt(sys::read_file(file_, 1 << 20).value(), passphrase_, [&](std::string_view piece) -> base::Result<void> {
            plain += piece;
            return {};
        }));
        return plain;
    }
    // A backup with these lines.
    void write_backup(std::string_view lines) {
        auto file = sys::AtomicFile::create(file_).value();
        auto out = age::Encryptor::begin(passphrase_, 6, random_, [&](std::string_view piece) { return file.append(piece); }).value();
        ASSERT_TRUE(out.append(lines));
        ASSERT_TRUE(out.finish());
        ASSERT_TRUE(file.commit());
    }
    static std::size_t entries(const std::filesystem::path& directory) {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
    }

    std::filesystem::path file_ = scratch_ / "vault.age";
    Secret passphrase_{"correct horse"};
    std::optional<Vault> vault_;
};

TEST_F(VaultBackup, UP04_another_machine_needs_only_the_passphrase) {
    const auto origin = vault_->status(true).value();
    vault_.reset();
    std::filesystem::remove_all(home());
    clock_.advance(std::chrono::hours(1));
    const auto report = restore_into(elsewhere()).value();
    EXPECT_EQ(report.records, 2U);
    EXPECT_EQ(report.vault_id, origin.vault_id);
    EXPECT_EQ(clock_.now() - report.taken_at, std::chrono::hours(1));

    auto vault = open(elsewhere());
    const auto record = vault.get(key("acme/default")).value();
    ASSERT_TRUE(record);
    EXPECT_EQ(record->payload.reveal(), std::string_view("\0canary-2\xff", 10));
    EXPECT_EQ(record->version, 2U);
    EXPECT_EQ(clock_.now() - record->created_at, std::chrono::hours(2));
    EXPECT_EQ(text(vault, {"other", "client", "x"}), "tenant");
    EXPECT_EQ(text(vault, key("gone")), "absent");
    EXPECT_EQ(put(vault, key("gone"), "again"), 2U) << "versions stay used up";

    const auto state = vault.status(true).value();
    EXPECT_TRUE(state.seals_ok) << (state.faults.empty() ? "" : state.faults[0]);
    EXPECT_NE(state.vault_id, origin.vault_id) << "a new instance";
    EXPECT_GT(state.generation, origin.generation);
    const auto lines = vault.audit_tail(100).value();
    EXPECT_EQ(lines.front().event, "connection.created");
    EXPECT_EQ(lines[lines.size() - 2].event, "vault.restored");
    const auto mark = vault.get({"local", "setting", "restored_at"}).value();
    ASSERT_TRUE(mark) << "RF-11";
    EXPECT_NE(mark->payload.reveal().find(std::to_string(clock_.now().time_since_epoch().count())), std::string_view::npos);
}

TEST_F(VaultBackup, VA15_full_cost_is_as_age_itself_chooses) {
    ASSERT_TRUE(backup(*vault_, file_, passphrase_));
    const auto bytes = sys::read_file(file_, 1 << 20).value();
    EXPECT_NE(bytes.substr(0, 80).find(" 18\n"), std::string::npos);
    EXPECT_EQ(restore_into(elsewhere(), true).value().records, 2U);
}

TEST_F(VaultBackup, file_is_private_atomic_and_shows_nothing) {
    EXPECT_EQ(std::filesystem::status(file_).permissions(), std::filesystem::perms(0600));
    EXPECT_EQ(entries(scratch_.path()), 2U) << "no temporary file is left";
    const auto bytes = sys::read_file(file_, 1 << 20).value();
    EXPECT_EQ(bytes.find("canary"), std::string::npos);
    EXPECT_EQ(bytes.find("acme"), std::string::npos);
    ASSERT_FALSE(backup(*vault_, scratch_ / "none" / "x.age", passphrase_)) << "at full cost";
    ASSERT_FALSE(backup(*vault_, scratch_ / "x.age", Secret()));
    EXPECT_EQ(entries(scratch_.path()), 2U);
}

TEST_F(VaultBackup, UP03_check_only_verifies_and_writes_nothing) {
    EXPECT_EQ(restore_into(elsewhere(), true).value().records, 2U);
    EXPECT_FALSE(std::filesystem::exists(elsewhere().home));
    EXPECT_EQ(restore_into(elsewhere(), true, false, "wrong").error().code, ErrorCode::invalid_input);
    auto bytes = sys::read_file(file_, 1 << 20).value();
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    std::ofstream(file_, std::ios::binary) << bytes;
    EXPECT_EQ(restore_into(elsewhere(), true).error().code, ErrorCode::corrupt);
}

TEST_F(VaultBackup, failed_restore_leaves_the_home_as_it_was) {
    const auto good = content();
    // Each line taken away, given twice, or cut.
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < good.size();) {
        const auto end = good.find('\n', at) + 1;
        lines.push_back(good.substr(at, end - at));
        at = end;
    }
    ASSERT_EQ(lines.size(), 1 + 2 + 1 + 5 + 1U);
    const auto joined = [&](auto edit) {
        auto edited = lines;
        edit(edited);
        std::string all;
        for (const auto& line : edited) all += line;
        return all;
    };
    std::vector<std::string> bad;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        bad.push_back(joined([i](auto& l) { l.erase(l.begin() + static_cast<std::ptrdiff_t>(i)); }));
        bad.push_back(joined([i](auto& l) { l.insert(l.begin() + static_cast<std::ptrdiff_t>(i), std::string(l[i])); }));
        bad.push_back(joined([i](auto& l) { l[i].resize(l[i].size() / 2); }));
    }
    bad.push_back("");
    bad.push_back(joined([](auto& l) { l[2] = l[1]; }));                                       // a record twice
    bad.push_back(joined([](auto& l) { std::swap(l[3], l[4]); }));                             // out of order
    bad.push_back(joined([](auto& l) { l[1].replace(l[1].find("\"version\":2"), 11, "\"version\":0"); }));
    bad.push_back(good + "{}\n");
    std::filesystem::create_directory(elsewhere().home);
    std::filesystem::permissions(elsewhere().home, std::filesystem::perms(0700));
    for (std::size_t i = 0; i < bad.size(); ++i) {
        write_backup(bad[i]);
        const auto report = restore_into(elsewhere());
        ASSERT_FALSE(report) << i;
        EXPECT_EQ(report.error().code, ErrorCode::corrupt) << i << report.error().message;
        EXPECT_FALSE(std::filesystem::exists(elsewhere().home / "vault.db")) << i;
        EXPECT_FALSE(std::filesystem::exists(elsewhere().home / "vault.db.restoring")) << i;
    }
    write_backup(joined([](auto& l) { l[0].replace(l[0].find("\"version\":1"), 11, "\"version\":2"); }));
    EXPECT_EQ(restore_into(elsewhere()).error().code, ErrorCode::unsupported) << "VA-18";
    write_backup(good);
    EXPECT_TRUE(restore_into(elsewhere()));
}

TEST_F(VaultBackup, an_existing_vault_is_only_replaced_when_asked_and_then_kept_beside) {
    write_backup(content());
    put(*vault_, key("acme/default"), "newer");
    EXPECT_EQ(restore_into(options()).error().code, ErrorCode::already_exists);
    EXPECT_EQ(restore_into(options(), false, true).error().code, ErrorCode::busy) << "it is open";
    EXPECT_EQ(text(*vault_, key("acme/default")), "newer");
    vault_.reset();
    ASSERT_TRUE(restore_into(options(), false, true));
    {
        auto vault = open();
        EXPECT_EQ(text(vault, key("acme/default")), std::string("\0canary-2\xff", 10));
        EXPECT_TRUE(vault.status(true).value().seals_ok);
    }
    std::filesystem::path aside;
    for (const auto& entry : std::filesystem::directory_iterator(home())) {
        if (entry.path().extension() == ".old") aside = entry.path();
    }
    ASSERT_FALSE(aside.empty());
    std::filesystem::remove(home() / "vault.db-wal");
    std::filesystem::remove(home() / "vault.db-shm");
    std::filesystem::rename(aside, file());
    auto old = open();
    EXPECT_EQ(text(old, key("acme/default")), "newer") << "its key is still there too";
    EXPECT_TRUE(old.status(true).value().seals_ok);
}

TEST_F(VaultBackup, a_ruined_vault_can_be_replaced) {
    write_backup(content());
    vault_.reset();
    std::ofstream(file()) << std::string(20'000, 'x');
    std::ofstream(home() / "vault.db-wal") << std::string(20'000, 'y');
    ASSERT_TRUE(restore_into(options(), false, true));
    auto vault = open();
    EXPECT_EQ(text(vault, {"other", "client", "x"}), "tenant");
    EXPECT_TRUE(vault.status(true).value().seals_ok);
}

TEST_F(VaultBackup, damage_ends_the_backup_instead_of_leaving_a_record_out) {
    tamper("UPDATE records SET sealed = zeroblob(length(sealed)) WHERE slot = 1");
    EXPECT_EQ(backup_at_cost(*vault_, scratch_ / "b.age", passphrase_, kCheap).error().code, ErrorCode::corrupt);
    EXPECT_FALSE(std::filesystem::exists(scratch_ / "b.age"));
    tamper("DELETE FROM records WHERE slot = 1");
    EXPECT_EQ(backup_at_cost(*vault_, scratch_ / "b.age", passphrase_, kCheap).error().code, ErrorCode::corrupt);
}

TEST_F(VaultBackup, UP03_snapshot_is_consistent_under_load) {
    // Two records always change together; a backup that shows them apart saw half a transaction.
    const auto set = [](Vault& vault, int n) {
        ASSERT_TRUE(vault.transact([&](Transaction& transaction) -> base::Result<void> {
            TRY_VOID(transaction.put(key("left"), Secret(std::to_string(n)), std::nullopt));
            TRY_VOID(transaction.put(key("right"), Secret(std::to_string(n)), std::nullopt));
            return {};
        }));
    };
    set(*vault_, 0);
    std::atomic<bool> over = false;
    std::thread writer([&] {
        auto vault = open();
        for (int n = 1; !over; ++n) set(vault, n);
    });
    const auto written = backup_at_cost(*vault_, file_, passphrase_, 12);
    over = true;
    writer.join();
    ASSERT_TRUE(written) << written.error().message;
    ASSERT_TRUE(restore_into(elsewhere()));
    auto vault = open(elsewhere());
    EXPECT_EQ(text(vault, key("left")), text(vault, key("right")));
    EXPECT_TRUE(vault.status(true).value().seals_ok);
}

}  // namespace
}  // namespace claviger::vault::testing
