// For the tests of what an attacker who writes the file, or a bad disk, can do: a vault with records of equal length.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "vault/test_vault.hpp"

namespace claviger::vault::testing {

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

}  // namespace claviger::vault::testing
