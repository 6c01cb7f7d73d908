// Connections and clients of one tenant in a vault. Writes are durable and audited in the same transaction.
// Thread rule: as the Vault it uses.
#pragma once

#include <span>

#include "connection/connection.hpp"
#include "connection/scopes.hpp"

namespace claviger::connection {

struct Summary {  // decrypted, secrets dropped
    std::string provider, name;
    provider::AuthType auth_type = provider::AuthType::api_key;
    provider::Flow flow = provider::Flow::api_key;
    std::vector<std::string> scopes;
    ScopeFacts scope_facts;  // for missing_scopes()
    std::optional<base::Instant> expires_at;  // Connection::end()
    bool token_ended = false;                 // the access token itself, not only what its steps brought
    std::string base_url, account_id, account_label, definition_digest;
    bool login_needed = false;
    std::string login_reason;
    std::optional<base::Instant> failing_since;  // last_refresh_failure
    bool is_default = false;
    bool plain_http = false;                     // speaks_plain_http()
    std::optional<base::Error> problem{};  // the record is damaged: only provider and name are known, as the file has them
};

// Whether a place that this connection learnt or was given (endpoints of its login, variables) is plain http, which is taken on
// loopback alone (OA-09); and the same of the definition's own places.
bool speaks_plain_http(const Connection& connection);
bool speaks_plain_http(const provider::ProviderDefinition& definition);

// What a client that is stored is for, where another one is stored for that origin already.
enum class ClientUse {
    new_logins,      // it takes the other's place; connections made with the other keep that one
    this_connection  // the other one keeps its place
};

class Connections {
public:
    Connections(vault::Vault& vault, std::string tenant, const base::Clock& clock);

    base::Result<std::optional<Connection>> find(std::string_view provider, std::string_view name);
    // ErrorCode::not_connected with the login command in the hint.
    base::Result<Connection> load(std::string_view provider, std::string_view name);
    // An empty name means the provider's default connection.
    base::Result<Connection> load_default(std::string_view provider);
    // A damaged record is in the list with its problem and hides no other.
    base::Result<std::vector<Summary>> list();
    // Records of the vault that somebody took away: they cannot be listed, only counted.
    base::Result<std::uint64_t> missing_records();
    base::Result<std::vector<std::string>> names(std::string_view provider);

    // Durable before it returns. `expected_version` as in the vault; the first connection of a provider becomes its
    // default. Saves the client records too, in the same transaction.
    base::Result<void> save(Connection& connection, std::optional<std::uint64_t> expected_version,
                            std::span<const ClientRecord> clients = {}, ClientUse use = ClientUse::new_logins);
    // A new default is chosen if needed. `entry` goes to the journal beside that of the erasure.
    base::Result<bool> erase(std::string_view provider, std::string_view name, const std::optional<vault::AuditEntry>& entry = std::nullopt);
    base::Result<std::string> default_name(std::string_view provider);           // "default" when none is set
    base::Result<void> set_default(std::string_view provider, std::string_view name);

    // The one that serves new logins.
    base::Result<std::optional<ClientRecord>> client(std::string_view provider, std::string_view origin);
    // The very one, wherever it is kept.
    base::Result<std::optional<ClientRecord>> client(std::string_view provider, std::string_view origin, std::string_view client_id);
    // The client that this connection was made with, and no other (OA-27); nullopt when there was none or it is gone.
    base::Result<std::optional<ClientRecord>> client_of(const Connection& connection);
    // For new logins.
    base::Result<void> save_client(const ClientRecord& client);
    base::Result<bool> erase_client(const ClientRecord& client);
    // Whether a connection was made with it; a damaged one, of which nothing is known, may have been.
    base::Result<bool> client_in_use(std::string_view provider, std::string_view client_id);
    base::Result<std::size_t> count_clients(std::string_view provider);
    // Every connection, the default and the clients of a provider, with `entry` in the journal: all or nothing. Returns
    // the number of connections.
    base::Result<std::size_t> erase_provider(std::string_view provider, const std::optional<vault::AuditEntry>& entry);

    // Records that a human saw the difference and accepted the new definition.
    base::Result<void> confirm_definition(Connection& connection, const provider::ProviderDefinition& definition);
    base::Result<void> audit(const vault::AuditEntry& entry);

    [[nodiscard]] const base::Clock& clock() const { return clock_; }
    [[nodiscard]] const std::string& tenant() const { return tenant_; }

private:
    vault::Vault& vault_;
    std::string tenant_;
    const base::Clock& clock_;
};

}  // namespace claviger::connection
