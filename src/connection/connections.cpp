#include "connection/connections.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/client_records.hpp"
#include "connection/record.hpp"
#include "connection/record_list.hpp"
#include "connection/refresh_state.hpp"
#include "json/value.hpp"
#include "net/url.hpp"
#include "provider/url_fields.hpp"

namespace claviger::connection {
namespace {

using base::ErrorCode;

base::Error not_connected(std::string_view provider, std::string_view name) {
    const auto option = name == "default" ? std::string() : fmt::format(" --connection {}", name);
    return base::Error::make(ErrorCode::not_connected, fmt::format("{} is not connected ({})", provider, name),
                             fmt::format("run: claviger login {}{}", provider, option));
}

base::Result<void> check_names(std::string_view provider, std::string_view name) {
    if (!base::valid_name(name)) {
        return base::fail(ErrorCode::usage, fmt::format("'{}' is not a connection name", base::printable(name, 80)),
                          "use lower-case letters, digits, '.', '_' and '-'");
    }
    if (provider.empty() || provider.find(' ') != std::string_view::npos)
        return base::fail(ErrorCode::usage, "the provider name is not usable");
    return {};
}

std::string detail_of(const Connection& connection) {
    json::Object detail;
    detail["flow"] = provider::to_string(connection.flow);
    if (!connection.scopes().empty()) detail["scopes"] = base::join(connection.scopes(), " ");
    if (!connection.client_id.empty()) detail["token_endpoint"] = origin_of(connection.token_endpoint);
    return json::to_text(detail);
}

// A damaged record must not hide the others (VA-12).
Summary summary_of_damaged(const std::string& id, base::Error problem) {
    Summary summary;
    std::tie(summary.provider, summary.name) = parts_of(id);
    summary.problem = std::move(problem);
    return summary;
}

}  // namespace

Connections::Connections(vault::Vault& vault, std::string tenant, const base::Clock& clock)
    : vault_(vault), tenant_(std::move(tenant)), clock_(clock) {}

base::Result<std::optional<Connection>> Connections::find(std::string_view provider, std::string_view name) {
    TRY_VOID(check_names(provider, name));
    TRY(record, vault_.get(key_of(tenant_, kConnectionKind, connection_id(provider, name))));
    if (!record) return std::optional<Connection>();
    TRY(connection, deserialize(*record));
    return std::optional<Connection>(std::move(connection));
}

base::Result<Connection> Connections::load(std::string_view provider, std::string_view name) {
    TRY(found, find(provider, name));
    if (!found) return base::fail(not_connected(provider, name));
    return std::move(*found);
}

base::Result<Connection> Connections::load_default(std::string_view provider) {
    TRY(name, default_name(provider));
    return load(provider, name);
}

bool speaks_plain_http(const Connection& connection) {
    const auto plain = [](const std::string& text) { return text.starts_with("http://"); };
    return plain(connection.token_endpoint) || plain(connection.revocation_endpoint) || plain(connection.userinfo_endpoint) ||
           std::ranges::any_of(connection.oauth_endpoints, plain) ||
           std::ranges::any_of(connection.variables, [&](const auto& variable) { return plain(variable.second); });
}

bool speaks_plain_http(const provider::ProviderDefinition& definition) {
    const auto plain = [](const provider::UrlField& field) { return field.text->starts_with("http://"); };
    return std::ranges::any_of(provider::endpoint_fields(definition), plain) || std::ranges::any_of(provider::place_fields(definition), plain);
}

base::Result<std::vector<Summary>> Connections::list() {
    TRY(rows, all_of(vault_, tenant_, kConnectionKind));
    std::vector<Summary> summaries;
    for (auto& row : rows) {
        if (row.problem) {
            summaries.push_back(summary_of_damaged(row.key.id, std::move(*row.problem)));
            continue;
        }
        auto record = vault_.get(row.key);
        if (!record && !damaged(record.error())) return base::fail(std::move(record).error());
        if (record && !*record) continue;  // erased by another process since
        auto read = record ? deserialize(**record) : base::Result<Connection>(base::fail(record.error()));
        if (!read) {
            summaries.push_back(summary_of_damaged(row.key.id, std::move(read).error()));
            continue;
        }
        Connection connection = std::move(*read);
        Summary summary;
        summary.provider = connection.provider;
        summary.name = connection.name;
        summary.auth_type = connection.auth_type;
        summary.flow = connection.flow;
        summary.scopes = connection.scopes();
        summary.scope_facts = facts_of_scopes(connection);
        summary.expires_at = connection.end();
        summary.token_ended = connection.expires_at && *connection.expires_at <= clock_.now();
        if (const auto base = connection.variables.find("base_url"); base != connection.variables.end())
            summary.base_url = base->second;
        summary.account_id = connection.account.id;
        summary.account_label = connection.account.label.empty() ? connection.account.id : connection.account.label;
        summary.definition_digest = connection.definition_digest;
        summary.login_needed = connection.login_needed;
        summary.login_reason = connection.login_reason;
        summary.failing_since = connection.last_refresh_failure;
        summary.plain_http = speaks_plain_http(connection);
        const auto chosen = default_name(connection.provider);
        if (!chosen && !damaged(chosen.error())) return base::fail(chosen.error());
        summary.is_default = chosen && *chosen == connection.name;
        summaries.push_back(std::move(summary));
    }
    return summaries;
}

base::Result<std::uint64_t> Connections::missing_records() { return vault_.missing_records(); }

base::Result<std::vector<std::string>> Connections::names(std::string_view provider) { return names_in(vault_, tenant_, provider); }

base::Result<void> Connections::save(Connection& connection, std::optional<std::uint64_t> expected_version,
                                     std::span<const ClientRecord> clients, ClientUse use) {
    TRY_VOID(check_names(connection.provider, connection.name));
    const auto key = key_of(tenant_, kConnectionKind, connection_id(connection.provider, connection.name));
    const auto default_key = key_of(tenant_, kDefaultKind, connection.provider);
    const auto payload = serialize(connection);
    std::uint64_t version = 0;
    const auto work = [&](vault::Transaction& transaction) -> base::Result<void> {
        TRY(before, exists(transaction, key));
        TRY(written, transaction.put(key, payload, expected_version));
        version = written;
        // Behind the connection, which may have been the last user of a client that is replaced.
        for (const auto& client : clients) TRY_VOID(put_client(transaction, tenant_, client, use));
        const auto chosen = transaction.get(default_key);
        if (!chosen && !damaged(chosen.error())) return base::fail(chosen.error());
        if (!chosen || !*chosen) {
            TRY_VOID(transaction.put(default_key, serialize_default(connection.name), std::nullopt));
        }
        return transaction.audit({before ? "connection.updated" : "connection.created", key.id, detail_of(connection)});
    };
    TRY_VOID(vault_.transact(work));
    connection.version = version;
    connection.updated_at = clock_.now();
    if (connection.created_at == base::Instant()) connection.created_at = connection.updated_at;
    return {};
}

base::Result<bool> Connections::erase(std::string_view provider, std::string_view name, const std::optional<vault::AuditEntry>& entry) {
    TRY_VOID(check_names(provider, name));
    const auto key = key_of(tenant_, kConnectionKind, connection_id(provider, name));
    const auto default_key = key_of(tenant_, kDefaultKind, std::string(provider));
    bool erased = false;
    const auto work = [&](vault::Transaction& transaction) -> base::Result<void> {
        TRY(was_there, transaction.erase(key, std::nullopt));
        erased = was_there;
        if (!was_there) return {};
        TRY_VOID(transaction.erase(key_of(tenant_, kRefreshKind, key.id), std::nullopt));
        TRY_VOID(transaction.audit({"connection.erased", key.id, "{}"}));
        if (entry) TRY_VOID(transaction.audit(*entry));
        TRY_VOID(erase_unused_clients(transaction, tenant_, provider));
        const auto record = transaction.get(default_key);
        if (!record && !damaged(record.error())) return base::fail(record.error());
        if (record && !*record) return {};
        const auto chosen = record ? deserialize_default(**record) : base::Result<std::string>(std::string(name));
        if (chosen && *chosen != name) return {};
        TRY(others, names_in(transaction, tenant_, provider));
        if (others.empty()) {
            TRY_VOID(transaction.erase(default_key, std::nullopt));
            return {};
        }
        TRY_VOID(transaction.put(default_key, serialize_default(others.front()), std::nullopt));
        return transaction.audit({"default.set", connection_id(provider, others.front()), "{}"});
    };
    TRY_VOID(vault_.transact(work));
    return erased;
}

base::Result<std::string> Connections::default_name(std::string_view provider) {
    TRY(record, vault_.get(key_of(tenant_, kDefaultKind, std::string(provider))));
    if (!record) return std::string("default");
    return deserialize_default(*record);
}

base::Result<void> Connections::set_default(std::string_view provider, std::string_view name) {
    TRY(found, find(provider, name));
    if (!found) return base::fail(not_connected(provider, name));
    TRY_VOID(vault_.put(key_of(tenant_, kDefaultKind, std::string(provider)), serialize_default(name), std::nullopt,
                        {"default.set", connection_id(provider, name), "{}"}));
    return {};
}

base::Result<std::size_t> Connections::erase_provider(std::string_view provider, const std::optional<vault::AuditEntry>& entry) {
    std::size_t erased = 0;
    const auto work = [&](vault::Transaction& transaction) -> base::Result<void> {
        TRY(names, names_in(transaction, tenant_, provider));
        for (const auto& name : names) {
            const auto id = connection_id(provider, name);
            TRY(gone, transaction.erase(key_of(tenant_, kConnectionKind, id), std::nullopt));
            if (!gone) continue;
            ++erased;
            TRY_VOID(transaction.erase(key_of(tenant_, kRefreshKind, id), std::nullopt));
            TRY_VOID(transaction.audit({"connection.erased", id, "{}"}));
        }
        TRY_VOID(transaction.erase(key_of(tenant_, kDefaultKind, std::string(provider)), std::nullopt));
        TRY_VOID(erase_clients_in(transaction, tenant_, provider));
        if (entry) return transaction.audit(*entry);
        return {};
    };
    TRY_VOID(vault_.transact(work));
    return erased;
}

base::Result<void> Connections::confirm_definition(Connection& connection,
                                                   const provider::ProviderDefinition& definition) {
    connection.definition_digest = provider::security_digest(definition);
    connection.definition_fields = provider::security_fields(definition);
    connection.steps_at.reset();  // what follows the token may be another thing now
    // What they brought before is used as long as it lives, and says so.
    if (!definition.oauth2 || definition.oauth2->steps.empty()) connection.steps_end.reset();
    const auto key = key_of(tenant_, kConnectionKind, connection_id(connection.provider, connection.name));
    json::Object detail;
    detail["digest"] = connection.definition_digest;
    TRY(version, vault_.put(key, serialize(connection), connection.version,
                            {"definition.confirmed", key.id, json::to_text(detail)}));
    connection.version = version;
    connection.updated_at = clock_.now();
    return {};
}

base::Result<void> Connections::audit(const vault::AuditEntry& entry) {
    return vault_.transact([&](vault::Transaction& transaction) { return transaction.audit(entry); });
}

}  // namespace claviger::connection
