// What an attacker who writes the file without the key, or a bad disk, can do: nothing silent.
#include <algorithm>
#include <fstream>
#include <random>

#include "vault/seal.hpp"
#include "vault/test_vault.hpp"

namespace claviger::vault::testing {
namespace {

using base::ErrorCode;

class VaultThreats : public VaultTest {
protected:
    void fill(int records) {
        auto vault = open();
        for (int i = 0; i < records; ++i) {
            // Same length for all, so that nothing but the associated data tells them apart.
            put(vault, key(id(i), i % 2 == 0 ? "connection" : "client"), content(i));
        }
    }
    static std::string id(int i) { return "acme/" + std::to_string(1000 + i); }
    static std::string content(int i) { return "token-" + std::to_string(1000 + i); }
    static RecordKey record(int i) { return key(id(i), i % 2 == 0 ? "connection" : "client"); }
    base::Result<VaultStatus> status(bool full = true) {
        auto vault = open();
        return vault.status(full);
    }
    void expect_only_bad(int records, const std::vector<int>& bad) {
        auto vault = open();
        for (int i = 0; i < records; ++i) {
            const bool is_bad = std::ranges::find(bad, i) != bad.end();
            EXPECT_EQ(text(vault, record(i)), is_bad ? "error: corrupt" : content(i)) << i;
        }
        EXPECT_EQ(vault.status(true).value().integrity_ok, bad.empty());
    }
};

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

// G21, ST-06, VA-12: bits, bytes and sectors of file and log. Whatever is read is right or a typed error.
TEST_F(VaultThreats, G21_random_damage_never_gives_a_wrong_value) {
    constexpr int kRecords = 40;
#ifdef CLAVIGER_SANITIZED
    constexpr int kRounds = 1'000;
#else
    constexpr int kRounds = 10'000;
#endif
    fill(kRecords);
    const std::string whole = sys::read_file(file(), 1 << 24).value();
    std::mt19937 dice(20261121);  // NOLINT: the same damages every time
    const auto upto = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(dice); };
    int wrong = 0, silent = 0, readable = 0, refused = 0;
    for (int round = 0; round < kRounds; ++round) {
        std::string damaged = whole;
        switch (upto(4)) {
            case 0: damaged[upto(damaged.size())] ^= static_cast<char>(1U << upto(8)); break;
            case 1:
                for (int i = 0; i < 3; ++i) damaged[upto(damaged.size())] = static_cast<char>(upto(256));
                break;
            case 2: {
                const std::size_t at = upto(damaged.size() / 512) * 512;
                std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(at), 512, static_cast<char>(upto(256)));
                break;
            }
            default: damaged.resize(upto(damaged.size())); break;
        }
        std::filesystem::remove(home() / "vault.db-wal");
        std::filesystem::remove(home() / "vault.db-shm");
        std::ofstream(file(), std::ios::binary | std::ios::trunc) << damaged;
        auto reading = options();
        reading.create_if_absent = false;
        const auto opened = [&] { return Vault::open(reading, clock_, random_); };
        auto vault = opened();
        if (!vault) {
            ++refused;
            continue;
        }
        for (int i = 0; i < 4; ++i) {
            const int which = static_cast<int>(upto(kRecords));
            const auto read = vault->get(record(which));
            if (!read) continue;
            if (!*read) ++silent;
            else if ((*read)->payload.reveal() != content(which)) ++wrong;
            else ++readable;
        }
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(silent, 0) << "a damaged record must not look absent";
    EXPECT_GT(readable, kRounds);  // of four reads a round
    EXPECT_LT(refused, kRounds / 2);
    RecordProperty("readable", readable);
    RecordProperty("refused", refused);
}

}  // namespace
}  // namespace claviger::vault::testing
