// The rules that the owner keeps with a connection: sealed in the vault under its name, apart from the connection itself,
// so that neither a logout nor a new login lifts one. Form: docs/formats/connection.md. Thread rule: as the vault.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/limits.hpp"
#include "policy/session_rules.hpp"
#include "vault/vault.hpp"

namespace claviger::connection {

struct ConnectionRules {
    std::string provider, connection;
    std::vector<policy::Rule> rules;     // deny, ask, allow
    std::optional<policy::Rate> rate;    // requests of one session
    std::optional<base::Instant> until;  // not used after it
    std::uint64_t version = 0;           // of the record; 0: there is none

    [[nodiscard]] bool empty() const { return rules.empty() && !rate && !until; }
    [[nodiscard]] std::string name() const { return provider + " (" + connection + ")"; }
    // One line each, as people count them from 1.
    [[nodiscard]] std::vector<std::string> lines() const;
    void add(policy::Rule rule);  // what is there already is not added again
    // The line of that number goes. ErrorCode::not_found.
    base::Result<void> remove(std::size_t number);
    // The rules as a layer of a session, each named after the connection.
    [[nodiscard]] policy::RuleLayer layer() const;
};

// Empty ones where there are none. A record that cannot be read is an error: nobody knows what it would refuse.
base::Result<ConnectionRules> load_rules(vault::Vault& vault, const std::string& provider, const std::string& connection);
// Durable on return, with an entry in the journal; empty ones are erased. ErrorCode::changed when somebody was faster.
base::Result<void> save_rules(vault::Vault& vault, const ConnectionRules& rules);
base::Result<std::vector<ConnectionRules>> list_rules(vault::Vault& vault);

}  // namespace claviger::connection
