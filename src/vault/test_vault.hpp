// For the tests of this folder: a home, a clock and randomness, and short words for what every test does.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "store/database.hpp"
#include "sys/files.hpp"
#include "sys/scratch_directory.hpp"
#include "vault/vault.hpp"

namespace claviger::vault::testing {

class VaultTest : public ::testing::Test {
protected:
    Vault::Options options(KeySourceKind kind = KeySourceKind::file) {
        Vault::Options options;
        options.home = home();
        options.key_source.kind = kind;
        return options;
    }
    std::filesystem::path home() { return scratch_ / "home"; }
    std::filesystem::path file() { return home() / "vault.db"; }
    Vault open() { return open(options()); }
    Vault open(const Vault::Options& options) {
        auto vault = Vault::open(options, clock_, random_);
        EXPECT_TRUE(vault) << vault.error().describe();
        return std::move(vault).value();
    }
    static RecordKey key(std::string id, std::string kind = "connection") { return {"local", std::move(kind), std::move(id)}; }
    static std::uint64_t put(Vault& vault, const RecordKey& key, std::string_view text,
                             std::optional<std::uint64_t> expected = std::nullopt) {
        const auto version = vault.put(key, base::Secret(text), expected, {"connection.created", key.id});
        EXPECT_TRUE(version) << version.error().describe();
        return version.value_or(0);
    }
    static std::string text(Vault& vault, const RecordKey& key) {
        const auto record = vault.get(key);
        if (!record) return "error: " + std::string(base::to_string(record.error().code));
        return *record ? std::string((*record)->payload.reveal()) : "absent";
    }
    // What a storage attacker does: plain SQL on the file, no key.
    void tamper(const std::string& sql) {
        auto database = store::Database::open(file(), {});
        ASSERT_TRUE(database);
        const auto done = database->execute(sql.c_str());
        ASSERT_TRUE(done) << done.error().message;
    }

    sys::ScratchDirectory scratch_ = sys::ScratchDirectory::in_memory();
    base::FakeClock clock_;
    base::SystemRandom random_;
};

}  // namespace claviger::vault::testing
