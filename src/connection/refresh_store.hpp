// RefreshStore: the transactions of a renewal. Each is one commit, durable when it returns (ST-01). Internal to
// connection/. Ownership: refers to the vault. Thread rule: as the Vault.
#pragma once

#include <optional>
#include <string>

#include "connection/refresh_state.hpp"
#include "vault/vault.hpp"

namespace claviger::connection {

class RefreshStore {
public:
    RefreshStore(vault::Vault& vault, std::string tenant) : vault_(vault), tenant_(std::move(tenant)) {}

    // As it is in the vault; an empty one when there is none, or a damaged one, which the next write replaces.
    base::Result<RefreshState> state(const std::string& id);
    // The intent: before the refresh token leaves. `changed`: somebody else wrote meanwhile, nothing may be sent.
    base::Result<void> begin(const std::string& id, RefreshState& state);
    // No request went out after all, or none is needed: the state alone.
    base::Result<void> note(const std::string& id, RefreshState& state);

    enum class Stored { stored, superseded };  // superseded: other tokens lie there by now, or none
    // Tokens, state and journal in one transaction. `sent`: generation of the tokens that were sent; only in their place
    // are the new ones written, whatever else of the connection was changed meanwhile. On success `renewed` is what lies
    // in the vault.
    base::Result<Stored> succeed(const std::string& sent, Connection& renewed, RefreshState& state);
    // What was learnt of them since.
    base::Result<Stored> amend(const std::string& sent, Connection& renewed, RefreshState& state) { return replace(sent, renewed, state, "", ""); }
    // The same for a failure: what `failed` says of it (login_needed, last_refresh_failure ...).
    base::Result<Stored> fail(const std::string& sent, Connection& failed, RefreshState& state, const base::Error& why);

    // When the vault was restored from a backup; tokens from before may have been used since (RF-11).
    base::Result<std::optional<base::Instant>> restored_at();
    // False: the vault was here under another mark, so this is a copy, and is treated like a restored backup from now on.
    base::Result<bool> recognise(const std::string& mark, base::Instant now);
    // Until when a server wants no request at all (Retry-After), whatever the connection.
    base::Result<std::optional<base::Instant>> quiet_until(const std::string& origin);
    base::Result<void> keep_quiet(const std::string& origin, base::Instant until);

    [[nodiscard]] const std::string& tenant() const { return tenant_; }

private:
    [[nodiscard]] vault::RecordKey key(std::string_view kind, const std::string& id) const { return {tenant_, std::string(kind), id}; }
    base::Result<Stored> replace(const std::string& sent, Connection& with, RefreshState& state, std::string_view event,
                                 const std::string& detail);
    vault::Vault& vault_;
    std::string tenant_;
};

}  // namespace claviger::connection
