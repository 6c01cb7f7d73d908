#include "connection/client_records.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "connection/record.hpp"
#include "connection/record_list.hpp"
#include "json/value.hpp"
#include "net/url.hpp"

namespace claviger::connection {
namespace {

vault::RecordKey chosen_key(const std::string& tenant, std::string_view provider, std::string_view origin) {
    return key_of(tenant, kClientKind, client_id_of_record(provider, origin));
}

vault::RecordKey beside_key(const std::string& tenant, const ClientRecord& client) {
    return key_of(tenant, kClientKind, client_id_of_record(client.provider, client.origin, client.client_id));
}

template <class Source>
base::Result<std::vector<vault::RecordInfo>> clients_in(Source& source, const std::string& tenant, std::string_view provider) {
    TRY(rows, all_of(source, tenant, kClientKind));
    const auto prefix = client_id_of_record(provider, "");
    std::erase_if(rows, [&prefix](const auto& row) { return !row.key.id.starts_with(prefix); });
    return rows;
}

// nullopt: none is there, or one that cannot be read, which is of no use to anybody.
template <class Source>
base::Result<std::optional<ClientRecord>> readable(Source& source, const vault::RecordKey& key) {
    auto record = source.get(key);
    if (!record && damaged(record.error())) return std::optional<ClientRecord>();
    if (!record) return base::fail(std::move(record).error());
    if (!*record) return std::optional<ClientRecord>();
    auto client = deserialize_client(**record);
    if (!client && damaged(client.error())) return std::optional<ClientRecord>();
    if (!client) return base::fail(std::move(client).error());
    return std::optional<ClientRecord>(std::move(*client));
}

// Of a damaged connection nothing is known: it may be the one.
base::Result<bool> used(vault::Transaction& transaction, const std::string& tenant, const ClientRecord& client) {
    TRY(names, names_in(transaction, tenant, client.provider));
    for (const auto& name : names) {
        const auto record = transaction.get(key_of(tenant, kConnectionKind, connection_id(client.provider, name)));
        if (!record && !damaged(record.error())) return base::fail(record.error());
        if (record && !*record) continue;
        const auto connection = record ? deserialize(**record) : base::Result<Connection>(base::fail(record.error()));
        if (!connection) return true;
        if (connection->client_id == client.client_id && origin_of(connection->token_endpoint) == client.origin) return true;
    }
    return false;
}

base::Result<void> keep_beside(vault::Transaction& transaction, const std::string& tenant, const ClientRecord& displaced) {
    TRY(wanted, used(transaction, tenant, displaced));
    if (!wanted) return {};
    TRY_VOID(transaction.put(beside_key(tenant, displaced), serialize_client(displaced), std::nullopt));
    json::Object detail;
    detail["origin"] = displaced.origin;
    return transaction.audit({"client.kept", displaced.provider, json::to_text(detail)});
}

}  // namespace

std::string origin_of(const std::string& url) {
    const auto read = net::Url::parse(url);
    return read ? read->origin() : std::string();
}

base::Result<void> put_client(vault::Transaction& transaction, const std::string& tenant, const ClientRecord& client, ClientUse use) {
    const auto place = chosen_key(tenant, client.provider, client.origin);
    TRY(chosen, readable(transaction, place));
    const bool another = chosen && chosen->client_id != client.client_id;
    const bool beside = another && use == ClientUse::this_connection;
    const auto key = beside ? beside_key(tenant, client) : place;
    TRY(before, exists(transaction, key));
    TRY_VOID(transaction.put(key, serialize_client(client), std::nullopt));
    // One client has one record, so that a new secret is everybody's.
    if (!beside) TRY_VOID(transaction.erase(beside_key(tenant, client), std::nullopt));
    if (another && !beside) TRY_VOID(keep_beside(transaction, tenant, *chosen));
    json::Object detail;
    detail["origin"] = client.origin;
    detail["registered"] = client.dynamically_registered ? "dynamically" : "by hand";
    return transaction.audit({before ? "client.updated" : "client.created", client.provider, json::to_text(detail)});
}

base::Result<std::size_t> erase_clients_in(vault::Transaction& transaction, const std::string& tenant, std::string_view provider) {
    TRY(rows, clients_in(transaction, tenant, provider));
    std::size_t erased = 0;
    for (const auto& row : rows) {
        TRY(gone, transaction.erase(row.key, std::nullopt));
        if (!gone) continue;
        ++erased;
        TRY_VOID(transaction.audit({"client.erased", std::string(provider), "{}"}));
    }
    return erased;
}

base::Result<void> erase_unused_clients(vault::Transaction& transaction, const std::string& tenant, std::string_view provider) {
    TRY(rows, clients_in(transaction, tenant, provider));
    for (const auto& row : rows) {
        TRY(client, readable(transaction, row.key));
        if (!client || row.key.id == client_id_of_record(client->provider, client->origin)) continue;
        TRY(wanted, used(transaction, tenant, *client));
        if (wanted) continue;
        TRY_VOID(transaction.erase(row.key, std::nullopt));
        TRY_VOID(transaction.audit({"client.erased", std::string(provider), "{}"}));
    }
    return {};
}

base::Result<std::optional<ClientRecord>> Connections::client(std::string_view provider, std::string_view origin) {
    TRY(record, vault_.get(chosen_key(tenant_, provider, origin)));
    if (!record) return std::optional<ClientRecord>();
    TRY(client, deserialize_client(*record));
    return std::optional<ClientRecord>(std::move(client));
}

base::Result<std::optional<ClientRecord>> Connections::client_of(const Connection& connection) {
    return client(connection.provider, origin_of(connection.token_endpoint), connection.client_id);
}

base::Result<std::optional<ClientRecord>> Connections::client(std::string_view provider, std::string_view origin, std::string_view client_id) {
    if (origin.empty() || client_id.empty()) return std::optional<ClientRecord>();
    TRY(chosen, client(provider, origin));
    if (chosen && chosen->client_id == client_id) return chosen;
    TRY(record, vault_.get(key_of(tenant_, kClientKind, client_id_of_record(provider, origin, client_id))));
    if (!record) return std::optional<ClientRecord>();
    TRY(beside, deserialize_client(*record));
    return std::optional<ClientRecord>(std::move(beside));
}

base::Result<void> Connections::save_client(const ClientRecord& client) {
    return vault_.transact([&](vault::Transaction& transaction) { return put_client(transaction, tenant_, client, ClientUse::new_logins); });
}

base::Result<bool> Connections::erase_client(const ClientRecord& client) {
    bool erased = false;
    TRY_VOID(vault_.transact([&](vault::Transaction& transaction) -> base::Result<void> {
        const auto place = chosen_key(tenant_, client.provider, client.origin);
        TRY(chosen, readable(transaction, place));
        const bool there = chosen && chosen->client_id == client.client_id;
        TRY(gone, transaction.erase(there ? place : beside_key(tenant_, client), std::nullopt));
        erased = gone;
        if (!gone) return {};
        return transaction.audit({"client.erased", client.provider, "{}"});
    }));
    return erased;
}

base::Result<std::size_t> Connections::count_clients(std::string_view provider) {
    TRY(rows, clients_in(vault_, tenant_, provider));
    return rows.size();
}

base::Result<bool> Connections::client_in_use(std::string_view provider, std::string_view client_id) {
    TRY(all, names(provider));
    for (const auto& name : all) {
        const auto stored = find(provider, name);
        if (!stored && !damaged(stored.error())) return base::fail(stored.error());
        if (!stored || (*stored && (*stored)->client_id == client_id)) return true;
    }
    return false;
}

}  // namespace claviger::connection
