// What an attacker who writes the file without the key, or a bad disk, can do: nothing silent.
#include <algorithm>
#include <set>

#include "vault/key_encryption_key.hpp"
#include "vault/seal.hpp"
#include "vault/test_threats.hpp"

namespace claviger::vault::testing {
namespace {

TEST_F(VaultThreats, VA02_all_pairs_of_50_records_swapped_open_nowhere) {
    constexpr int kRecords = 50;
    fill(kRecords);
    std::vector<RecordInfo> infos;
    std::vector<std::string> sealed;
    base::Secret data_key;
    std::string vault_id;
    {
        auto database = store::Database::open(file(), {}).value();
        auto rows = database.prepare("SELECT tenant, kind, id, version, created_at, updated_at, sealed FROM records").value();
        while (rows.step().value()) {
            const auto row = rows.row();
            infos.push_back({{std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))},
                             static_cast<std::uint64_t>(row.integer(3)),
                             base::Instant(base::Duration(row.integer(4))),
                             base::Instant(base::Duration(row.integer(5)))});
            sealed.emplace_back(row.blob(6));
        }
    }
    // The seal alone, with the right key in hand: every foreign place must refuse it.
    data_key = random_.secret_bytes(kKeyBytes);
    vault_id = std::string(16, 'v');
    std::vector<std::string> own;
    for (const auto& info : infos) own.push_back(seal(data_key, "same", record_associated(vault_id, 1, info), random_));
    int accepted = 0, tried = 0;
    for (std::size_t from = 0; from < own.size(); ++from) {
        for (std::size_t to = 0; to < own.size(); ++to) {
            const bool opens = unseal(data_key, own[from], record_associated(vault_id, 1, infos[to])).has_value();
            if (from == to) {
                EXPECT_TRUE(opens);
            } else {
                ++tried;
                accepted += opens ? 1 : 0;
            }
        }
    }
    EXPECT_EQ(tried, kRecords * (kRecords - 1));
    EXPECT_EQ(accepted, 0);
    // Each field of the place on its own.
    const RecordInfo place = infos[0];
    const std::string one = seal(data_key, "same", record_associated(vault_id, 1, place), random_);
    auto moved = [&](auto edit) {
        RecordInfo other = place;
        edit(other);
        return unseal(data_key, one, record_associated(vault_id, 1, other)).has_value();
    };
    EXPECT_FALSE(moved([](RecordInfo& i) { i.key.tenant += 'x'; }));
    EXPECT_FALSE(moved([](RecordInfo& i) { i.key.kind += 'x'; }));
    EXPECT_FALSE(moved([](RecordInfo& i) { i.version += 1; }));
    EXPECT_FALSE(moved([](RecordInfo& i) { i.created_at += base::Duration(1); }));
    EXPECT_FALSE(moved([](RecordInfo& i) { i.updated_at += base::Duration(1); }));
    EXPECT_FALSE(moved([](RecordInfo& i) { std::swap(i.key.tenant, i.key.kind); }));
    EXPECT_FALSE(moved([](RecordInfo& i) {  // the same characters, cut elsewhere
        i.key.tenant += i.key.kind.front();
        i.key.kind.erase(0, 1);
    }));
    EXPECT_FALSE(unseal(data_key, one, record_associated(vault_id, 2, place)));
    EXPECT_FALSE(unseal(data_key, one, record_associated(std::string(16, 'w'), 1, place)));
}

TEST_F(VaultThreats, VA02_swapped_rows_in_the_file_do_not_open) {
    fill(6);
    tamper("CREATE TABLE kept AS SELECT slot, sealed FROM records; "
           "UPDATE records SET sealed = (SELECT sealed FROM kept WHERE slot = 3) WHERE slot = 1; "
           "UPDATE records SET sealed = (SELECT sealed FROM kept WHERE slot = 1) WHERE slot = 3");
    expect_only_bad(6, {0, 2});
}

TEST_F(VaultThreats, VA02_renamed_rows_do_not_open) {
    fill(6);
    tamper("UPDATE records SET id = 'tmp' WHERE slot = 1; UPDATE records SET id = 'acme/1000' WHERE slot = 3; "
           "UPDATE records SET id = 'acme/1002' WHERE slot = 1");
    expect_only_bad(6, {0, 2});
}

TEST_F(VaultThreats, VA03_one_old_row_put_back_is_detected_and_hurts_no_other) {
    fill(6);
    tamper("CREATE TABLE kept AS SELECT * FROM records WHERE slot = 1");
    {
        auto vault = open();
        put(vault, record(0), "newer");
        EXPECT_EQ(text(vault, record(0)), "newer");
    }
    tamper("DELETE FROM records WHERE slot = 1; INSERT INTO records SELECT * FROM kept; DROP TABLE kept");
    expect_only_bad(6, {0});
    auto vault = open();
    EXPECT_EQ(put(vault, record(0), "healed"), 3U) << "writing it anew mends it";
    EXPECT_EQ(text(vault, record(0)), "healed");
    EXPECT_TRUE(vault.status(true).value().seals_ok);
}

TEST_F(VaultThreats, VA03_old_row_put_back_under_an_open_vault_is_detected) {
    fill(3);
    auto vault = open();
    tamper("CREATE TABLE kept AS SELECT * FROM records WHERE slot = 1");
    put(vault, record(0), "newer");
    tamper("DELETE FROM records WHERE slot = 1; INSERT INTO records SELECT * FROM kept");
    EXPECT_EQ(text(vault, record(0)), "error: corrupt");
    EXPECT_EQ(text(vault, record(1)), content(1));
}

TEST_F(VaultThreats, VA03_old_row_with_its_old_page_is_detected) {
    fill(3);
    tamper("CREATE TABLE kept AS SELECT * FROM records WHERE slot = 1; CREATE TABLE kept_pages AS SELECT * FROM pages");
    {
        auto vault = open();
        put(vault, record(0), "newer");
    }
    tamper("DELETE FROM records WHERE slot = 1; INSERT INTO records SELECT * FROM kept; "
           "DELETE FROM pages; INSERT INTO pages SELECT * FROM kept_pages");
    auto vault = open();
    EXPECT_EQ(text(vault, record(0)), "error: corrupt");
}

TEST_F(VaultThreats, VA03_a_removed_row_is_not_silently_absent_and_an_erased_one_does_not_come_back) {
    fill(4);
    tamper("DELETE FROM records WHERE slot = 2");
    expect_only_bad(4, {1});
    tamper("CREATE TABLE kept AS SELECT * FROM records WHERE slot = 1");
    {
        auto vault = open();
        ASSERT_TRUE(vault.erase(record(0), std::nullopt, {"e", "s"}).value());
        EXPECT_EQ(text(vault, record(0)), "absent");
    }
    tamper("INSERT INTO records SELECT * FROM kept");
    auto vault = open();
    EXPECT_EQ(text(vault, record(0)), "error: corrupt");
}

TEST_F(VaultThreats, VA12_damage_to_one_record_is_its_own) {
    fill(4);
    tamper("UPDATE records SET sealed = zeroblob(length(sealed)) WHERE slot = 1");
    tamper("UPDATE records SET sealed = x'' WHERE slot = 2");
    auto vault = open();
    EXPECT_EQ(text(vault, record(0)), "error: corrupt");
    EXPECT_EQ(text(vault, record(1)), "error: corrupt");
    EXPECT_EQ(text(vault, record(2)), content(2));
    EXPECT_EQ(vault.list("local", "connection").value().size(), 2U);
    const auto state = vault.status(true).value();
    EXPECT_FALSE(state.integrity_ok);
    EXPECT_FALSE(state.seals_ok);
    EXPECT_GE(state.faults.size(), 2U);
}

TEST_F(VaultThreats, VA18_unknown_seal_format_is_refused) {
    const base::Secret secret = random_.secret_bytes(kKeyBytes);
    std::string sealed = seal(secret, "x", "a", random_);
    sealed[0] = 2;
    EXPECT_EQ(unseal(secret, sealed, "a").error().code, ErrorCode::unsupported);
    for (std::size_t size = 0; size < kSealOverhead; ++size) {
        EXPECT_FALSE(unseal(secret, sealed.substr(0, size), "a")) << size;
    }
}

TEST_F(VaultThreats, audit_journal_changed_cut_or_extended_is_noticed) {
    const std::pair<const char*, const char*> edits[] = {
        {"changed", "UPDATE audit SET subject = 'x' WHERE sequence = 2"},
        {"cut", "DELETE FROM audit WHERE sequence = 4"},
        {"gap", "DELETE FROM audit WHERE sequence = 2"},
        {"extended", "INSERT INTO audit SELECT 5, tenant, at, event, subject, detail, chain FROM audit WHERE sequence = 4"},
        {"time", "UPDATE audit SET at = at + 1 WHERE sequence = 3"},
        {"tenant", "UPDATE audit SET tenant = 'other' WHERE sequence = 3"}};
    for (const auto& [name, edit] : edits) {
        std::filesystem::remove_all(home());
        fill(4);
        EXPECT_TRUE(status().value().integrity_ok);
        tamper(edit);
        const auto state = status().value();
        EXPECT_FALSE(state.integrity_ok) << name;
    }
}

TEST_F(VaultThreats, lost_ledger_and_keys_are_typed_errors) {
    const std::pair<const char*, const char*> edits[] = {
        {"root", "DELETE FROM root"},
        {"root damaged", "UPDATE root SET sealed = zeroblob(2214)"},
        {"root key", "UPDATE root SET key_id = 7"},
        {"pages", "DELETE FROM pages"},
        {"data key", "UPDATE data_keys SET wrapped = zeroblob(73)"},
        {"no data key", "DELETE FROM data_keys"}};
    for (const auto& [name, edit] : edits) {
        std::filesystem::remove_all(home());
        fill(4);
        tamper(edit);
        auto vault = open();
        const auto read = text(vault, record(0));
        EXPECT_TRUE(read == "error: corrupt" || read == "error: unsupported") << name << ": " << read;
        EXPECT_FALSE(vault.status(true).value().integrity_ok) << name;
        EXPECT_FALSE(vault.put(record(0), base::Secret("x"), std::nullopt, {"e", "s"})) << name << ": nothing is re-keyed";
    }
}

TEST_F(VaultThreats, key_row_cannot_be_edited) {
    const char* edits[] = {"UPDATE vault SET key_parameters = '../vault.key'", "UPDATE vault SET key_source = 'descriptor'",
                           "UPDATE vault SET key_source = 'none'", "UPDATE vault SET vault_id = zeroblob(16)",
                           "UPDATE vault SET created_at = 0", "UPDATE vault SET key_check = zeroblob(32)", "DELETE FROM vault"};
    for (const char* edit : edits) {
        std::filesystem::remove_all(home());
        fill(1);
        tamper(edit);
        const auto opened = Vault::open(options(KeySourceKind::automatic), clock_, random_);
        ASSERT_FALSE(opened) << edit;
        EXPECT_TRUE(opened.error().code == ErrorCode::key_missing || opened.error().code == ErrorCode::corrupt) << edit;
    }
}

TEST_F(VaultThreats, VA03_VA12_a_list_shows_only_what_is_authentic_and_hides_nothing) {
    fill(12);
    tamper("CREATE TABLE kept AS SELECT * FROM records WHERE slot = 1");
    {
        auto vault = open();
        put(vault, record(0), "newer");
    }
    tamper("DELETE FROM records WHERE slot = 1; INSERT INTO records SELECT * FROM kept; "  // an old version
           "UPDATE records SET updated_at = updated_at + 1 WHERE slot = 3; "               // a time
           "UPDATE records SET version = 7 WHERE slot = 5; "                               // a version
           "UPDATE records SET id = 'evil/1' WHERE slot = 7; "                             // a name
           "UPDATE records SET sealed = zeroblob(20) WHERE slot = 9");
    auto vault = open();
    const auto listed = vault.list("local", "connection").value();
    ASSERT_EQ(listed.size(), 6U);
    int good = 0;
    for (const auto& info : listed) {
        if (!info.problem) {
            ++good;
            EXPECT_EQ(info.key.id, id(10));
            EXPECT_EQ(info.version, 1U);
            continue;
        }
        EXPECT_TRUE(info.problem->code == ErrorCode::corrupt || info.problem->code == ErrorCode::unsupported) << info.key.id;
        EXPECT_EQ(info.version, 0U) << "nothing of it is believed";
        EXPECT_FALSE(info.problem->message.empty());
    }
    EXPECT_EQ(good, 1);
    const auto clients = vault.list("local", "client").value();
    EXPECT_EQ(clients.size(), 6U);
    for (const auto& info : clients) EXPECT_FALSE(info.problem) << info.key.id;
    EXPECT_EQ(vault.missing_records().value(), 0U);
    tamper("DELETE FROM records WHERE slot = 2");
    EXPECT_EQ(vault.missing_records().value(), 1U);
}

TEST_F(VaultThreats, VA03_audit_lines_are_held_against_the_chain_and_its_head) {
    const auto problems = [&](const char* edit, std::size_t limit) {
        std::filesystem::remove_all(home());
        fill(6);
        if (edit != nullptr) tamper(edit);
        auto vault = open();
        std::vector<std::uint64_t> bad;
        const auto lines = vault.audit_tail(limit).value();
        for (const auto& line : lines) {
            if (!line.problem.empty()) bad.push_back(line.sequence);
        }
        return bad;
    };
    using Lines = std::vector<std::uint64_t>;
    EXPECT_EQ(problems(nullptr, 100), Lines{});
    EXPECT_EQ(problems(nullptr, 3), Lines{});
    EXPECT_EQ(problems("UPDATE audit SET subject = 'x' WHERE sequence = 4", 100), Lines{4});
    EXPECT_EQ(problems("UPDATE audit SET at = at + 1 WHERE sequence = 4", 3), Lines{4});
    EXPECT_EQ(problems("UPDATE audit SET chain = zeroblob(32) WHERE sequence = 4", 100), (Lines{4, 5}));
    EXPECT_EQ(problems("DELETE FROM audit WHERE sequence = 6", 100), Lines{5}) << "the newest is gone";
    EXPECT_EQ(problems("DELETE FROM audit WHERE sequence = 3", 100), Lines{4});
    EXPECT_EQ(problems("DELETE FROM audit WHERE sequence = 1", 100), Lines{2});
    EXPECT_EQ(problems("INSERT INTO audit SELECT 7, tenant, at, event, subject, detail, chain FROM audit WHERE sequence = 6", 100), Lines{7});
    tamper("DELETE FROM audit");
    const auto none = open().audit_tail(3);
    ASSERT_FALSE(none) << "an empty journal is not the same as one with nothing in it";
    EXPECT_EQ(none.error().code, base::ErrorCode::corrupt);
}

// Of the whole file put back, a process that had it open notices; one that comes later cannot (docs/formats/vault.md).
TEST_F(VaultThreats, VA03_the_whole_file_put_back_below_an_open_vault_is_detected) {
    fill(3);
    const char* tables[] = {"root", "pages", "records", "audit"};
    for (const std::string table : tables) tamper("CREATE TABLE kept_" + table + " AS SELECT * FROM " + table);
    auto vault = open(), other = open();
    EXPECT_EQ(text(other, record(0)), content(0));
    put(vault, record(0), "newer");
    EXPECT_EQ(text(other, record(1)), content(1)) << "has seen the newer state";
    EXPECT_EQ(text(other, record(0)), "newer");
    for (const std::string table : tables) tamper("DELETE FROM " + table + "; INSERT INTO " + table + " SELECT * FROM kept_" + table);
    EXPECT_EQ(text(other, record(0)), "error: corrupt");
    EXPECT_EQ(vault.put(record(0), base::Secret("x"), std::nullopt, {"e", "s"}).error().code, ErrorCode::corrupt) << "and is not built upon";
    auto later = open();
    EXPECT_EQ(text(later, record(0)), content(0)) << "as documented";
}

// A read by the ledger in memory must see what others commit, and what is put back below an open vault.
TEST_F(VaultThreats, VA03_the_ledger_in_memory_follows_every_commit) {
    fill(4);
    auto one = open(), two = open();
    EXPECT_EQ(text(one, record(0)), content(0));
    EXPECT_EQ(text(two, record(0)), content(0));
    for (int i = 0; i < 20; ++i) {
        auto& writer = i % 2 == 0 ? one : two;
        const std::string value = "value " + std::to_string(i);
        put(writer, record(i % 4), value);
        EXPECT_EQ(text(one, record(i % 4)), value);
        EXPECT_EQ(text(two, record(i % 4)), value);
    }
    const auto failed = one.transact([&](Transaction& t) -> base::Result<void> {
        TRY_VOID(t.put(record(0), base::Secret("never"), std::nullopt));
        return base::fail(ErrorCode::cancelled, "no");
    });
    EXPECT_FALSE(failed);
    EXPECT_EQ(text(one, record(0)), "value 16") << "what was rolled back is not remembered";
    // An old row under both open vaults.
    tamper("CREATE TABLE kept AS SELECT * FROM records WHERE slot = 1");
    put(one, record(0), "newest");
    EXPECT_EQ(text(two, record(0)), "newest");
    tamper("DELETE FROM records WHERE slot = 1; INSERT INTO records SELECT * FROM kept");
    EXPECT_EQ(text(one, record(0)), "error: corrupt");
    EXPECT_EQ(text(two, record(0)), "error: corrupt");
    EXPECT_EQ(text(two, record(1)), "value 17");
    ASSERT_TRUE(one.erase(record(1), std::nullopt, {"e", "s"}).value());
    EXPECT_EQ(text(two, record(1)), "absent");
    ASSERT_TRUE(one.rotate(std::nullopt, {}).error().code == ErrorCode::corrupt) << "record 0 cannot be sealed again";
    EXPECT_EQ(text(two, record(2)), "value 18");
}

TEST_F(VaultThreats, VA07_equal_passphrases_give_unequal_keys_and_every_payload_is_sealed) {
    std::set<std::string> parameters, checks, wrapped;
    for (const char* name : {"one", "two", "three"}) {
        auto where = options(KeySourceKind::passphrase);
        where.home = scratch_ / name;
        where.key_source.ask_passphrase = [](bool) { return base::Result<base::Secret>(base::Secret("the same passphrase")); };
        {
            auto vault = open(where);
            put(vault, key("a"), "canary-2b1f77aa");
        }
        for (const auto& entry : std::filesystem::directory_iterator(where.home)) {
            EXPECT_EQ(sys::read_file(entry.path(), 1 << 24).value().find("canary-2b1f77aa"), std::string::npos) << entry.path();
        }
        auto database = store::Database::open(where.home / "vault.db", {}).value();
        auto row = database.prepare("SELECT key_parameters, key_check, (SELECT wrapped FROM data_keys) FROM vault").value();
        ASSERT_TRUE(row.step().value());
        EXPECT_TRUE(row.row().text(0).starts_with("argon2id,m=65536,t=3,p=1,salt="));
        parameters.emplace(row.row().text(0));
        checks.emplace(row.row().blob(1));
        wrapped.emplace(row.row().blob(2));
    }
    EXPECT_EQ(parameters.size(), 3U) << "salts differ";
    EXPECT_EQ(checks.size(), 3U);
    EXPECT_EQ(wrapped.size(), 3U);
    EXPECT_FALSE(key_source_from("none")) << "there is no source that means no encryption";
    EXPECT_FALSE(key_source_from(""));
}

// VA-16: after an erasure neither the record's seal nor anything of it is in file or log; after a rotation the old
// wrapped key is not, and nothing that it sealed.
TEST_F(VaultThreats, VA16_erased_means_erased_from_file_and_log) {
    fill(30);
    auto vault = open();
    const auto sealed_of = [&](const char* sql) {
        std::vector<std::string> found;
        auto database = store::Database::open(file(), {}).value();
        auto rows = database.prepare(sql).value();
        while (rows.step().value()) found.emplace_back(rows.row().blob(0));
        return found;
    };
    const auto everything = [&] {
        std::string bytes;
        for (const auto& entry : std::filesystem::directory_iterator(home())) bytes += sys::read_file(entry.path(), 1 << 24).value();
        return bytes;
    };
    // The nonce alone is enough to know a seal by; the page may have moved the rest.
    const auto left = [&](const std::vector<std::string>& seals) {
        const auto bytes = everything();
        return std::ranges::count_if(seals, [&](const std::string& seal) {
            return bytes.find(seal.substr(1, 24)) != std::string::npos || bytes.find(seal.substr(seal.size() - 16)) != std::string::npos;
        });
    };
    put(vault, record(4), "a second version");
    const auto erased = sealed_of("SELECT sealed FROM records WHERE slot IN (5, 6)");
    ASSERT_EQ(erased.size(), 2U);
    ASSERT_EQ(left(erased), 2);
    ASSERT_TRUE(vault.erase(record(4), std::nullopt, {"e", "s"}).value());
    ASSERT_TRUE(vault.erase(record(5), std::nullopt, {"e", "s"}).value());
    EXPECT_EQ(left(erased), 0);
    auto old = sealed_of("SELECT sealed FROM records");
    for (auto& wrapped : sealed_of("SELECT wrapped FROM data_keys")) old.push_back(std::move(wrapped));
    ASSERT_EQ(left(old), static_cast<std::ptrdiff_t>(old.size()));
    ASSERT_TRUE(vault.rotate(std::nullopt, {}));
    EXPECT_EQ(left(old), 0);
}

}  // namespace
}  // namespace claviger::vault::testing
