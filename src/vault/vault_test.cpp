#include "vault/vault.hpp"

#include <fstream>
#include <thread>

#include <sys/stat.h>

#include "base/text.hpp"
#include "vault/test_vault.hpp"

namespace claviger::vault::testing {
namespace {

using base::ErrorCode;

using VaultBasics = VaultTest;

TEST_F(VaultBasics, a_record_comes_back_whole_also_after_reopening) {
    const std::string bytes("\0secret\xff", 8);
    {
        auto vault = open();
        EXPECT_EQ(put(vault, key("acme/default"), bytes), 1U);
        clock_.advance(std::chrono::seconds(5));
        EXPECT_EQ(put(vault, key("acme/empty"), ""), 1U);
        EXPECT_EQ(put(vault, key("acme/default"), bytes + "2"), 2U);
    }
    auto vault = open(options(KeySourceKind::automatic));
    const auto record = vault.get(key("acme/default")).value();
    ASSERT_TRUE(record);
    EXPECT_EQ(record->payload.reveal(), bytes + "2");
    EXPECT_EQ(record->version, 2U);
    EXPECT_EQ(record->updated_at - record->created_at, std::chrono::seconds(5));
    EXPECT_EQ(text(vault, key("acme/empty")), "");
    EXPECT_EQ(text(vault, key("acme/none")), "absent");
    EXPECT_EQ(text(vault, {"other", "connection", "acme/default"}), "absent") << "tenants are apart";
}

TEST_F(VaultBasics, versions_guard_updates_and_are_never_used_twice) {
    auto vault = open();
    const auto a = key("a");
    const auto code = [&](std::optional<std::uint64_t> expected) {
        return vault.put(a, base::Secret("x"), expected, {"e", "a"}).error().code;
    };
    EXPECT_EQ(code(1), ErrorCode::changed);
    EXPECT_EQ(put(vault, a, "one", 0), 1U);
    EXPECT_EQ(code(0), ErrorCode::changed);
    EXPECT_EQ(put(vault, a, "two", 1), 2U);
    EXPECT_EQ(vault.erase(a, 1, {"e", "a"}).error().code, ErrorCode::changed);
    EXPECT_TRUE(vault.erase(a, 2, {"e", "a"}).value());
    EXPECT_FALSE(vault.erase(a, std::nullopt, {"e", "a"}).value());
    EXPECT_EQ(text(vault, a), "absent");
    EXPECT_EQ(code(2), ErrorCode::changed);
    EXPECT_EQ(put(vault, a, "three", 0), 3U) << "not 1 again";
}

TEST_F(VaultBasics, a_transaction_is_all_or_nothing) {
    auto vault = open();
    put(vault, key("kept"), "old");
    const auto failed = vault.transact([&](Transaction& transaction) -> base::Result<void> {
        TRY_VOID(transaction.put(key("kept"), base::Secret("new"), std::nullopt));
        TRY_VOID(transaction.put(key("added"), base::Secret("new"), 0));
        EXPECT_EQ(transaction.get(key("kept")).value()->payload.reveal(), "new") << "sees its own writes";
        TRY_VOID(transaction.audit({"never", "kept"}));
        return base::fail(ErrorCode::cancelled, "no");
    });
    EXPECT_EQ(failed.error().code, ErrorCode::cancelled);
    EXPECT_EQ(text(vault, key("kept")), "old");
    EXPECT_EQ(text(vault, key("added")), "absent");
    EXPECT_EQ(vault.audit_tail(10).value().size(), 1U);
    EXPECT_TRUE(vault.status(true).value().seals_ok);
}

TEST_F(VaultBasics, lists_in_pages) {
    auto vault = open();
    for (const char* id : {"c", "a", "b"}) put(vault, key(id), "x");
    put(vault, key("z", "client"), "x");
    const auto first = vault.list("local", "connection", {}, 2).value();
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(first[0].key.id, "a");
    const auto second = vault.list("local", "connection", first[1].key.id, 2).value();
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].key, key("c"));
}

TEST_F(VaultBasics, names_are_checked_and_strange_ones_survive) {
    auto vault = open();
    for (const std::string& bad : {std::string(), std::string("a\0b", 3), std::string(513, 'x'), std::string("\xff")}) {
        EXPECT_EQ(vault.put(key(bad), base::Secret("x"), std::nullopt, {"e", "s"}).error().code, ErrorCode::invalid_input);
        EXPECT_EQ(vault.get(key(bad)).error().code, ErrorCode::invalid_input);
    }
    for (const std::string& odd : {std::string("a_b"), std::string("a%b"), std::string("'; DROP TABLE records; --"),
                                   std::string("../../etc"), std::string("\u00fcml"), std::string(512, 'x')}) {
        put(vault, key(odd), odd);
        EXPECT_EQ(text(vault, key(odd)), odd);
    }
    EXPECT_EQ(text(vault, key("aXb")), "absent") << "no LIKE anywhere (F5)";
}

TEST_F(VaultBasics, change_counter_moves_with_own_and_foreign_commits) {
    auto one = open(), two = open();
    auto before = two.change_counter().value();
    EXPECT_EQ(two.change_counter().value(), before);
    put(one, key("a"), "x");
    const auto after = two.change_counter().value();
    EXPECT_NE(after, before);
    put(two, key("a"), "y");
    EXPECT_NE(two.change_counter().value(), after);
}

TEST_F(VaultBasics, audit_lines_are_in_order_and_chained) {
    auto vault = open();
    put(vault, key("a"), "x");
    clock_.advance(std::chrono::seconds(1));
    ASSERT_TRUE(vault.transact([](Transaction& t) { return t.audit({"secret.shown", "acme/default", R"({"by":"cli"})"}); }));
    const auto lines = vault.audit_tail(10).value();
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[1].event, "secret.shown");
    EXPECT_EQ(lines[1].subject, "acme/default");
    EXPECT_EQ(lines[1].at - lines[0].at, std::chrono::seconds(1));
    EXPECT_EQ(vault.audit_tail(1).value()[0].sequence, 2U);
}

TEST_F(VaultBasics, CL06_every_file_is_private_under_a_wide_umask) {
    const auto before = ::umask(0);
    {
        auto vault = open();
        put(vault, key("a"), "x");
        for (const auto& entry : std::filesystem::directory_iterator(home())) {
            EXPECT_EQ(entry.status().permissions(), std::filesystem::perms(0600)) << entry.path();
        }
        EXPECT_EQ(std::filesystem::status(home()).permissions(), std::filesystem::perms(0700));
    }
    ::umask(before);
}

TEST_F(VaultBasics, CL07_unsafe_home_is_refused) {
    std::filesystem::create_directory(home());
    ASSERT_EQ(::chmod(home().c_str(), 0777), 0);
    EXPECT_EQ(Vault::open(options(), clock_, random_).error().code, ErrorCode::denied);
    EXPECT_TRUE(std::filesystem::is_empty(home()));
}

TEST_F(VaultBasics, absent_vault_is_not_made_when_not_asked_for) {
    auto reading = options();
    reading.create_if_absent = false;
    EXPECT_EQ(Vault::open(reading, clock_, random_).error().code, ErrorCode::not_found);
    EXPECT_FALSE(std::filesystem::exists(home()));
    std::filesystem::create_directory(home());
    std::filesystem::permissions(home(), std::filesystem::perms(0700));
    EXPECT_EQ(Vault::open(reading, clock_, random_).error().code, ErrorCode::not_found);
    EXPECT_TRUE(std::filesystem::is_empty(home()));
}

TEST_F(VaultBasics, read_only_reads_and_refuses_to_write) {
    {
        auto vault = open();
        put(vault, key("a"), "x");
    }
    auto reading = options();
    reading.read_only = true;
    auto vault = open(reading);
    EXPECT_EQ(text(vault, key("a")), "x");
    EXPECT_FALSE(vault.put(key("a"), base::Secret("y"), std::nullopt, {"e", "s"}));
    EXPECT_FALSE(vault.rotate(std::nullopt, {}));
}

TEST_F(VaultBasics, VA09_a_locked_vault_answers_nothing) {
    auto vault = open();
    put(vault, key("a"), "x");
    vault.lock();
    EXPECT_EQ(vault.get(key("a")).error().code, ErrorCode::key_missing);
    EXPECT_EQ(vault.put(key("a"), base::Secret("y"), std::nullopt, {"e", "s"}).error().code, ErrorCode::key_missing);
    EXPECT_EQ(vault.list("local", "connection").error().code, ErrorCode::key_missing);
    EXPECT_EQ(vault.status(false).error().code, ErrorCode::key_missing);
    EXPECT_EQ(vault.rotate(std::nullopt, {}).error().code, ErrorCode::key_missing);
}

TEST_F(VaultBasics, VA06_missing_or_wrong_key_writes_nothing_and_makes_no_new_key) {
    {
        auto vault = open();
        put(vault, key("a"), "x");
    }
    const auto key_file = home() / "vault.key";
    const std::string right = sys::read_file(key_file, 1000).value();
    const std::string wrong = "claviger-key:1:" + base::base64url_encode(std::string(32, 'w')) + "\n";
    const std::string database = sys::read_file(file(), 1 << 20).value();
    for (const std::string& content : {wrong, std::string("claviger-key:1:short"), std::string(), right.substr(0, 30)}) {
        std::ofstream(key_file) << content;
        EXPECT_EQ(Vault::open(options(), clock_, random_).error().code, ErrorCode::key_missing);
        EXPECT_EQ(sys::read_file(key_file, 1000).value(), content);
    }
    std::filesystem::remove(key_file);
    EXPECT_EQ(Vault::open(options(), clock_, random_).error().code, ErrorCode::key_missing);
    EXPECT_EQ(Vault::open(options(KeySourceKind::automatic), clock_, random_).error().code, ErrorCode::key_missing);
    EXPECT_FALSE(std::filesystem::exists(key_file));
    EXPECT_EQ(sys::read_file(file(), 1 << 20).value(), database);
    ASSERT_TRUE(sys::write_file_atomically(key_file, right));
    auto vault = open();
    EXPECT_EQ(text(vault, key("a")), "x");
}

TEST_F(VaultBasics, a_key_left_by_a_killed_first_start_is_taken_over) {
    { auto vault = open(); }
    const std::string left = sys::read_file(home() / "vault.key", 1000).value();
    for (const auto& entry : std::filesystem::directory_iterator(home())) {
        if (entry.path().filename() != "vault.key") std::filesystem::remove(entry);
    }
    auto vault = open();
    put(vault, key("a"), "x");
    EXPECT_EQ(sys::read_file(home() / "vault.key", 1000).value(), left);
}

TEST_F(VaultBasics, a_log_without_its_database_is_not_thrown_away) {
    { auto vault = open(); }
    std::filesystem::remove(file());
    std::ofstream(home() / "vault.db-wal") << std::string(5000, 'x');
    EXPECT_EQ(Vault::open(options(), clock_, random_).error().code, ErrorCode::corrupt);
    EXPECT_EQ(sys::read_file(home() / "vault.db-wal", 9999).value().size(), 5000U);
}

TEST_F(VaultBasics, VA18_UP02_newer_format_is_refused_and_untouched) {
    { auto vault = open(); }
    tamper("PRAGMA user_version=2");
    const std::string database = sys::read_file(file(), 1 << 20).value();
    EXPECT_EQ(Vault::open(options(), clock_, random_).error().code, ErrorCode::unsupported);
    EXPECT_EQ(sys::read_file(file(), 1 << 20).value(), database);
}

TEST_F(VaultBasics, ST07_threads_with_vaults_of_their_own_lose_no_update) {
    { auto vault = open(); }
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([this] {
            auto vault = open();
            for (int n = 0; n < 25; ++n) {
                const auto done = vault.transact([](Transaction& transaction) -> base::Result<void> {
                    TRY(record, transaction.get(key("counter")));
                    const int count = record ? std::stoi(std::string(record->payload.reveal())) : 0;
                    TRY_VOID(transaction.put(key("counter"), base::Secret(std::to_string(count + 1)), std::nullopt));
                    return {};
                });
                EXPECT_TRUE(done) << done.error().message;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    auto vault = open();
    EXPECT_EQ(text(vault, key("counter")), "100");
    EXPECT_EQ(vault.status(true).value().generation, 100U);
}

TEST_F(VaultBasics, VA16_an_erased_record_is_nowhere_in_the_files) {
    auto vault = open();
    put(vault, key("a"), "x");
    const auto everything = [&] {
        return sys::read_file(file(), 1 << 20).value() + sys::read_file(home() / "vault.db-wal", 1 << 24).value();
    };
    std::string sealed;
    {
        auto database = store::Database::open(file(), {}).value();
        auto row = database.prepare("SELECT sealed FROM records").value();
        ASSERT_TRUE(row.step().value());
        sealed = row.row().blob(0);
    }
    ASSERT_NE(everything().find(sealed), std::string::npos);
    ASSERT_TRUE(vault.erase(key("a"), std::nullopt, {"connection.removed", "a"}).value());
    EXPECT_EQ(everything().find(sealed), std::string::npos);
}

TEST_F(VaultBasics, no_plaintext_reaches_the_disk) {
    auto vault = open();
    put(vault, key("a"), "canary-5be1c0de");
    for (const auto& entry : std::filesystem::directory_iterator(home())) {
        EXPECT_EQ(sys::read_file(entry.path(), 1 << 24).value().find("canary-5be1c0de"), std::string::npos) << entry.path();
    }
}

}  // namespace
}  // namespace claviger::vault::testing
