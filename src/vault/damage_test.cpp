// Random damage of the vault's files (G21, VA-12, ST-06): nothing read is wrong, nothing crashes.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>

#include "vault/test_threats.hpp"

namespace claviger::vault::testing {
namespace {

// G21, ST-06, VA-12: bits, bytes and sectors of the file. Whatever is read is right or a typed error. The number of rounds
// can be set, for a long night: CLAVIGER_DAMAGES=100000.
int damages() {
    if (const char* number = std::getenv("CLAVIGER_DAMAGES")) return std::max(1, std::atoi(number));
#ifdef CLAVIGER_SANITIZED
    return 1'000;
#else
    return 10'000;
#endif
}

TEST_F(VaultThreats, G21_random_damage_never_gives_a_wrong_value) {
    constexpr int kRecords = 40;
    const int kRounds = damages();
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

// VA-12, ST-06: bits of the log and of the key file. A log whose end does not check is cut there, as after a loss of power:
// then a record is as it was before; nothing else is ever read. A damaged key file opens nothing and stays as it is.
TEST_F(VaultThreats, VA12_damage_to_the_log_or_the_key_file_gives_before_after_or_a_typed_error) {
    constexpr int kRecords = 20;
    const int rounds = damages() / 5;
    fill(kRecords);
    std::string database, log;
    const std::string right_key = sys::read_file(home() / "vault.key", 1000).value();
    {
        auto vault = open();
        for (int i = 0; i < kRecords; i += 2) put(vault, record(i), "after-" + std::to_string(i));
        database = sys::read_file(file(), 1 << 24).value();
        log = sys::read_file(home() / "vault.db-wal", 1 << 24).value();
    }
    ASSERT_GT(log.size(), 40'000U);
    std::mt19937 dice(20261122);  // NOLINT: the same damages every time
    const auto upto = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(dice); };
    int wrong = 0, before = 0, after = 0, refused_keys = 0;
    auto reading = options();
    reading.create_if_absent = false;
    for (int round = 0; round < rounds; ++round) {
        const bool of_key = round % 5 == 0;
        std::string bad_log = log, bad_key = right_key;
        auto& victim = of_key ? bad_key : bad_log;
        victim[upto(victim.size())] ^= static_cast<char>(1U << upto(8));
        std::filesystem::remove(home() / "vault.db-shm");
        std::ofstream(file(), std::ios::binary | std::ios::trunc) << database;
        std::ofstream(home() / "vault.db-wal", std::ios::binary | std::ios::trunc) << bad_log;
        std::ofstream(home() / "vault.key", std::ios::binary | std::ios::trunc) << bad_key;
        auto vault = Vault::open(reading, clock_, random_);
        if (of_key) {
            // A flip in the final newline or in the case of nothing that counts may leave the key as it is.
            if (!vault) refused_keys += vault.error().code == ErrorCode::key_missing ? 1 : -100'000;
            EXPECT_EQ(sys::read_file(home() / "vault.key", 1000).value(), bad_key);
            continue;
        }
        ASSERT_TRUE(vault) << vault.error().describe();
        for (int i = 0; i < 4; ++i) {
            const int which = static_cast<int>(upto(kRecords));
            const auto read = text(*vault, record(which));
            if (which % 2 == 0 && read == "after-" + std::to_string(which)) ++after;
            else if (read == content(which)) ++before;
            else ++wrong;
        }
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(before, 0);
    EXPECT_GT(after, 0);
    EXPECT_GT(refused_keys, rounds / 5 * 8 / 10);
    RecordProperty("before", before);
    RecordProperty("after", after);
}

}  // namespace
}  // namespace claviger::vault::testing
