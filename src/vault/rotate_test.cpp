#include <thread>

#include "vault/test_vault.hpp"

namespace claviger::vault::testing {
namespace {

using base::ErrorCode;

class VaultRotation : public VaultTest {
protected:
    static KeySourceChoice passphrase(std::string text) {
        KeySourceChoice choice;
        choice.kind = KeySourceKind::passphrase;
        choice.ask_passphrase = [text](bool) { return base::Result<base::Secret>(base::Secret(text)); };
        return choice;
    }
    static KeySourceChoice file_source() { return {KeySourceKind::file, -1, {}}; }
    static void fill(Vault& vault, int records) {
        ASSERT_TRUE(vault.transact([&](Transaction& transaction) -> base::Result<void> {
            for (int i = 0; i < records; ++i) {
                TRY_VOID(transaction.put(key("r" + std::to_string(i)), base::Secret("v" + std::to_string(i)), 0));
            }
            return {};
        }));
    }
    static void expect_whole(Vault& vault, int records) {
        for (int i = 0; i < records; ++i) ASSERT_EQ(text(vault, key("r" + std::to_string(i))), "v" + std::to_string(i));
        const auto state = vault.status(true).value();
        EXPECT_TRUE(state.seals_ok) << (state.faults.empty() ? "" : state.faults[0]);
    }
    std::int64_t integer(const char* sql) { return store::Database::open(file(), {}).value().integer(sql).value(); }
};

TEST_F(VaultRotation, VA11_every_seal_moves_and_the_old_key_goes) {
    constexpr int kRecords = 450;  // more than two batches
    {
        auto vault = open();
        fill(vault, kRecords);
        ASSERT_TRUE(vault.erase(key("r3"), std::nullopt, {"e", "s"}).value());
        put(vault, key("r3"), "v3");
        clock_.advance(std::chrono::hours(1));
        std::uint64_t last = 0, steps = 0;
        ASSERT_TRUE(vault.rotate(std::nullopt, [&](std::uint64_t done, std::uint64_t total) {
            EXPECT_GE(done, last);
            EXPECT_LE(done, total);
            last = done;
            ++steps;
        }));
        EXPECT_EQ(last, static_cast<std::uint64_t>(kRecords));
        EXPECT_EQ(steps, 3U);
        expect_whole(vault, kRecords);
        EXPECT_EQ(vault.status(false).value().data_key_created_at, clock_.now());
        EXPECT_EQ(vault.audit_tail(1).value()[0].event, "vault.rotated");
    }
    EXPECT_EQ(integer("SELECT count(*) FROM data_keys"), 1);
    EXPECT_EQ(integer("SELECT max(id) FROM data_keys"), 2);
    EXPECT_EQ(integer("SELECT count(*) FROM records WHERE key_id <> 2"), 0);
    EXPECT_EQ(integer("SELECT count(*) FROM pages WHERE key_id <> 2"), 0);
    auto vault = open();
    expect_whole(vault, kRecords);
    EXPECT_EQ(vault.get(key("r3")).value()->version, 2U) << "versions are not touched, so optimistic updates go on";
}

TEST_F(VaultRotation, VA11_the_old_wrapped_key_is_nowhere_in_the_files) {
    auto vault = open();
    fill(vault, 3);
    std::string wrapped;
    {
        auto database = store::Database::open(file(), {}).value();
        auto row = database.prepare("SELECT wrapped FROM data_keys").value();
        ASSERT_TRUE(row.step().value());
        wrapped = row.row().blob(0);
    }
    ASSERT_TRUE(vault.rotate(std::nullopt, {}));
    const auto everything = sys::read_file(file(), 1 << 24).value() + sys::read_file(home() / "vault.db-wal", 1 << 24).value();
    EXPECT_EQ(everything.find(wrapped), std::string::npos);
}

TEST_F(VaultRotation, an_open_vault_of_another_process_follows) {
    auto one = open(), two = open();
    fill(one, 5);
    expect_whole(two, 5);
    ASSERT_TRUE(one.rotate(std::nullopt, {}));
    expect_whole(two, 5);
    put(two, key("r9"), "v9");
    EXPECT_EQ(text(one, key("r9")), "v9");
    ASSERT_TRUE(two.rotate(file_source(), {}));
    expect_whole(one, 5);
    ASSERT_TRUE(one.rotate(std::nullopt, {}));
    expect_whole(two, 5);
}

TEST_F(VaultRotation, VA04_the_key_moves_from_file_to_passphrase_and_back) {
    {
        auto vault = open();
        fill(vault, 5);
        ASSERT_TRUE(vault.rotate(passphrase("one two"), {}));
        EXPECT_EQ(vault.status(false).value().key_source, "passphrase");
        expect_whole(vault, 5);
    }
    EXPECT_FALSE(std::filesystem::exists(home() / "vault.key")) << "the old key is gone";
    EXPECT_EQ(integer("SELECT count(*) FROM vault WHERE retired_key = ''"), 1);
    auto with = options(KeySourceKind::automatic);
    EXPECT_EQ(Vault::open(with, clock_, random_).error().code, ErrorCode::key_missing) << "nobody to ask";
    with.key_source.ask_passphrase = passphrase("wrong").ask_passphrase;
    EXPECT_EQ(Vault::open(with, clock_, random_).error().code, ErrorCode::key_missing);
    with.key_source.ask_passphrase = passphrase("one two").ask_passphrase;
    EXPECT_EQ(Vault::open(options(KeySourceKind::file), clock_, random_).error().code, ErrorCode::usage);
    {
        auto vault = open(with);
        ASSERT_TRUE(vault.rotate(file_source(), {}));
    }
    auto vault = open();
    expect_whole(vault, 5);
}

TEST_F(VaultRotation, a_new_file_replaces_the_old_one) {
    { auto vault = open(); fill(vault, 2); }
    {
        auto vault = open();
        ASSERT_TRUE(vault.rotate(file_source(), {}));
    }
    EXPECT_FALSE(std::filesystem::exists(home() / "vault.key"));
    auto vault = open();
    expect_whole(vault, 2);
    EXPECT_TRUE(vault.status(false).value().key_source_detail.starts_with((home() / "vault-").native()));
}

TEST_F(VaultRotation, a_source_that_cannot_be_made_changes_nothing) {
    auto vault = open();
    fill(vault, 2);
    KeySourceChoice refused;
    refused.kind = KeySourceKind::passphrase;
    refused.ask_passphrase = [](bool) -> base::Result<base::Secret> { return base::fail(ErrorCode::cancelled, "no"); };
    EXPECT_EQ(vault.rotate(refused, {}).error().code, ErrorCode::cancelled);
    EXPECT_EQ(vault.rotate(KeySourceChoice{KeySourceKind::descriptor, -1, {}}, {}).error().code, ErrorCode::key_missing);
    expect_whole(vault, 2);
    EXPECT_EQ(integer("SELECT count(*) FROM data_keys"), 1);
}

TEST_F(VaultRotation, a_record_that_does_not_open_keeps_its_key_until_it_is_replaced) {
    {
        auto vault = open();
        fill(vault, 4);
    }
    tamper("UPDATE records SET sealed = zeroblob(length(sealed)) WHERE slot = 2");
    auto vault = open();
    EXPECT_EQ(vault.rotate(std::nullopt, {}).error().code, ErrorCode::corrupt);
    EXPECT_EQ(text(vault, key("r0")), "v0") << "both keys are there";
    EXPECT_EQ(text(vault, key("r1")), "error: corrupt") << "damage is not made to look whole";
    EXPECT_EQ(integer("SELECT count(*) FROM data_keys"), 2);
    put(vault, key("r1"), "v1");
    ASSERT_TRUE(vault.rotate(std::nullopt, {}));
    EXPECT_EQ(integer("SELECT count(*) FROM data_keys"), 1);
    expect_whole(vault, 4);
}

TEST_F(VaultRotation, UP05_updates_during_rotation_are_not_lost) {
    {
        auto vault = open();
        fill(vault, 300);
    }
    std::thread writer([this] {
        auto vault = open();
        for (int i = 0; i < 40; ++i) put(vault, key("w"), std::to_string(i));
    });
    auto vault = open();
    for (int i = 0; i < 3; ++i) {
        const auto rotated = vault.rotate(std::nullopt, {});
        EXPECT_TRUE(rotated) << rotated.error().message;
    }
    writer.join();
    const auto record = vault.get(key("w")).value();
    EXPECT_EQ(record->version, 40U);
    EXPECT_EQ(record->payload.reveal(), "39");
    expect_whole(vault, 300);
}

TEST_F(VaultRotation, two_rotations_at_once_take_turns) {
    auto one = open();
    fill(one, 50);
    std::thread other([this] {
        auto vault = open();
        EXPECT_TRUE(vault.rotate(std::nullopt, {}));
    });
    EXPECT_TRUE(one.rotate(std::nullopt, {}));
    other.join();
    expect_whole(one, 50);
    EXPECT_EQ(integer("SELECT max(id) FROM data_keys"), 3);
}

}  // namespace
}  // namespace claviger::vault::testing
