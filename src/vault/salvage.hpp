// What can still be believed of a damaged vault: every record whose seal opens and that the ledger, as far as it opens,
// does not contradict. Internal to the folder. Ownership: must not outlive the state. Thread rule: as the Vault.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vault/state.hpp"

namespace claviger::vault {

class Salvage {
public:
    explicit Salvage(VaultState& state) : state_(state) {}
    // An error only when nothing can be read at all (no data key opens).
    base::Result<void> run();

    std::optional<Root> root_;  // nullopt: the ledger's root is lost, so nothing can be held against it
    std::vector<Record> records_;
    std::map<std::string, std::uint64_t> erased_;  // hashed name -> version
    std::vector<AuditRow> audit_;
    std::vector<std::string> lost_;
    std::uint64_t unchecked_ = 0;
    std::uint32_t highest_key_ = 0;

private:
    base::Result<void> find_keys();
    void find_ledger();
    void find_records();
    void find_audit();
    void try_slot(std::int64_t slot);
    void take(const RecordKey& key, const RecordRowView& row);
    [[nodiscard]] std::int64_t highest_slot();
    void lose(std::string what);

    VaultState& state_;
    std::vector<std::optional<Page>> pages_;  // nullopt: lost
    std::map<std::string, std::uint64_t> expected_;  // hashed name -> version, of pages that open
    std::set<std::string> seen_, taken_;
};

}  // namespace claviger::vault
