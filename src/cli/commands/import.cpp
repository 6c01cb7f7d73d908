// import authsome: definitions, clients and connections of an authsome home.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/commands/agree.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/registration.hpp"
#include "cli/exit_code.hpp"
#include "connection/authsome_home.hpp"
#include "connection/home_mark.hpp"
#include "provider/definition.hpp"
#include "provider/read.hpp"
#include "sys/files.hpp"
#include "sys/scratch_directory.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;
using connection::AuthsomeHome;
using connection::AuthsomeRecord;

struct Item {
    std::string kind, name, action, reason;  // action: import, replace, skip, cannot
    std::optional<provider::ProviderDefinition> definition;
    std::optional<connection::ClientRecord> client;
    std::optional<connection::Connection> connection;
    [[nodiscard]] bool wanted() const { return action == "import" || action == "replace"; }
};

class Plan {
public:
    Plan(Context& context, bool force) : context_(context), force_(force) {}
    Result<void> make(AuthsomeHome home) {
        TRY(existing, context_.connections_if_any());
        connections_ = existing;
        records_ = &home.records;
        for (const auto& definition : home.definitions) add_definition(definition);
        for (const auto& record : home.records) {
            if (record.kind == AuthsomeRecord::Kind::client) TRY_VOID(add_client(record));
            else TRY_VOID(add_connection(record, home));
        }
        return {};
    }
    [[nodiscard]] std::vector<Item>& items() { return items_; }

private:
    Item& item(std::string kind, std::string name) {
        items_.push_back({std::move(kind), std::move(name), "cannot", "", {}, {}, {}});
        return items_.back();
    }
    void decide(Item& item, bool exists) {
        item.action = !exists ? "import" : force_ ? "replace" : "skip";
        if (item.action == "skip") item.reason = "exists already; --force replaces it";
    }
    void add_definition(const AuthsomeHome::Definition& file) {
        Item& made = item("definition", file.file);
        made.reason = file.problem;
        if (!file.problem.empty()) return;
        auto read = provider::read_definition(file.text);
        if (!read.ok() || read.definitions.size() != 1) {
            auto findings = provider::format_findings(read.findings, "");
            while (findings.ends_with('\n')) findings.pop_back();
            std::replace(findings.begin(), findings.end(), '\n', ';');
            made.reason = base::printable(findings, 600);
            return;
        }
        made.definition = std::move(read.definitions.front());
        made.name = made.definition->name;
        const auto source = context_.registry().source_of(made.name);
        decide(made, source.has_value());
        if (made.action == "skip" && *source == provider::Source::bundled) made.reason = "it is the name of a bundled provider; --force uses authsome's in its place";
    }
    // The one that will serve after the import.
    Result<provider::ProviderDefinition> definition_of(const std::string& provider) {
        for (const auto& known : items_) {
            if (known.definition && known.name == provider && known.wanted()) return *known.definition;
        }
        if (!base::valid_name(provider)) return base::fail(ErrorCode::invalid_input, "its name is none that claviger takes");
        auto loaded = context_.registry().load(provider);
        if (!loaded) return base::fail(ErrorCode::not_found, "there is no usable definition of it here");
        // The one here stays: what was given to other hosts is not for its hosts.
        for (const auto& known : items_) {
            if (known.definition && known.name == provider && provider::security_digest(*known.definition) != provider::security_digest(*loaded))
                return base::fail(ErrorCode::already_exists, "the definition of it that is registered here differs from authsome's in where credentials go",
                                  "--force replaces the definition too");
        }
        return loaded;
    }
    Result<void> add_client(const AuthsomeRecord& record) {
        Item& made = item("client", record.provider);
        made.reason = record.problem;
        if (!record.problem.empty()) return {};
        const auto definition = definition_of(record.provider);
        auto client = definition ? client_from_authsome(record, *definition) : Result<connection::ClientRecord>(base::fail(definition.error()));
        if (!client) {
            made.reason = client.error().describe();
            return {};
        }
        bool exists = false;
        if (connections_ != nullptr) {
            TRY(stored, connections_->client(client->provider, client->origin));
            exists = stored.has_value();
        }
        const bool second = std::any_of(items_.begin(), items_.end(), [&](const Item& i) {
            return i.kind == "client" && i.client && i.wanted() && i.client->provider == client->provider && i.client->origin == client->origin;
        });
        if (second) {
            made.action = "skip";
            made.reason = "one of another profile will serve new logins; this one goes with its profile's connections";
            return {};
        }
        made.client = std::move(*client);
        decide(made, exists);
        return {};
    }
    // authsome has one client per provider and profile, whatever the deployment; here each token endpoint has its own, and
    // each connection the one that it was made with (OA-27).
    Result<void> bind_client(Item& made, const AuthsomeRecord& record, const provider::ProviderDefinition& definition, connection::Connection& read) {
        if (read.token_endpoint.empty()) return {};
        TRY(url, net::Url::parse(read.token_endpoint));
        for (const auto& other : *records_) {
            const bool its_own = other.profile.empty() || other.profile == record.profile;
            if (other.kind != AuthsomeRecord::Kind::client || other.provider != record.provider || !its_own || !other.problem.empty()) continue;
            TRY(client, client_from_authsome(other, definition));
            client.origin = url.origin();
            read.client_id = client.client_id;
            bool known = false;
            if (connections_ != nullptr) {
                TRY(stored, connections_->client(client.provider, client.origin, client.client_id));
                known = stored.has_value();
            }
            if (!known || force_) made.client = std::move(client);
        }
        return {};
    }
    Result<void> add_connection(const AuthsomeRecord& record, const AuthsomeHome& home) {
        const std::string name = base::to_lower(record.profile == home.default_profile ? record.name : record.profile + "-" + record.name);
        Item& made = item("connection", record.provider + " (" + name + ")");
        made.reason = record.problem;
        if (!record.problem.empty()) return {};
        if (!base::valid_name(name)) {
            made.reason = "its name is none that claviger takes";
            return {};
        }
        const auto definition = definition_of(record.provider);
        auto read = definition ? connection_from_authsome(record, *definition, name, context_.clock().now()) : Result<connection::Connection>(base::fail(definition.error()));
        if (!read) {
            made.reason = read.error().describe();
            return {};
        }
        if (auto bound = bind_client(made, record, *definition, *read); !bound) {
            made.reason = bound.error().describe();
            return {};
        }
        bool exists = false;
        if (connections_ != nullptr) {
            TRY(names, connections_->names(read->provider));
            exists = std::find(names.begin(), names.end(), name) != names.end();
        }
        made.connection = std::move(*read);
        decide(made, exists);
        return {};
    }

    Context& context_;
    bool force_;
    connection::Connections* connections_ = nullptr;
    const std::vector<AuthsomeRecord>* records_ = nullptr;  // while make() runs
    std::vector<Item> items_;
};

// Each connection is its own transaction: whatever stops it, nothing is half there.
Result<void> carry_out(Context& context, Item& item) {
    TRY(connections, context.connections());
    if (item.definition) {
        TRY_VOID(connections->audit({"definition.registered", item.definition->name, "{}"}));
        return context.registry().store(*item.definition, item.action == "replace");
    }
    if (!item.connection) return connections->save_client(*item.client);
    std::optional<std::uint64_t> expected;
    if (item.action == "import") expected = 0;  // not one that appeared meanwhile
    std::vector<connection::ClientRecord> clients;
    if (item.client) clients.push_back(std::move(*item.client));
    return connections->save(*item.connection, expected, clients, connection::ClientUse::this_connection);
}

Result<std::filesystem::path> source_of(const Invocation& invocation) {
    if (!invocation.arguments.empty()) return std::filesystem::path(invocation.argument(0));
    for (const auto& [variable, below] : {std::pair("AUTHSOME_HOME", ""), std::pair("HOME", ".authsome")}) {
        const char* value = std::getenv(variable);
        if (value != nullptr && *value != '\0') return std::filesystem::path(value) / below;
    }
    return base::fail(ErrorCode::usage, "which authsome home?", "claviger import authsome DIR");
}

void show(Context& context, const std::vector<Item>& items, const std::vector<std::string>& notes) {
    const auto& out = context.out();
    for (const auto& item : items) {
        const std::string text = fmt::format("{:8} {:10} {}{}", item.action, item.kind, base::printable(item.name), item.reason.empty() ? "" : ": " + base::printable(item.reason, 700));
        if (item.action == "cannot" && !out.json()) out.warn(text);
        else out.talk(text);
        if (item.definition && item.wanted()) show_registration(context, *item.definition);
    }
    for (const auto& note : notes) {
        if (!out.json()) out.warn(note);
    }
    const bool shared = std::any_of(items.begin(), items.end(), [](const Item& i) { return i.wanted() && i.connection && !i.connection->refresh_token.empty(); });
    if (shared && !out.json())
        out.warn("the imported refresh tokens are authsome's too: where a service rotates them, whoever refreshes second is logged out, so stop using authsome for these accounts");
}

Outcome report(const Output& out, const std::vector<Item>& items, const std::vector<std::string>& notes, bool dry) {
    std::size_t done = 0, left_out = notes.size();
    json::Array list;
    for (const auto& item : items) {
        if (item.wanted()) ++done;
        else if (item.action != "skip") ++left_out;
        list.emplace_back(json::Object{{"kind", item.kind}, {"name", item.name}, {"action", item.action}, {"reason", item.reason}});
    }
    if (out.json()) {
        out.document(json::Object{{"status", dry ? "dry_run" : "imported"}, {"imported", dry ? 0 : done}, {"left_out", left_out}, {"items", std::move(list)},
                                  {"notes", json::Array(notes.begin(), notes.end())}});
    } else {
        out.data(dry ? fmt::format("{} would be imported, {} cannot be.\n", done, left_out) : fmt::format("Imported {}, left out {}.\n", done, left_out));
    }
    return left_out == 0 ? 0 : kExitFault;
}

}  // namespace

Outcome import_authsome(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("import"));
    TRY(source, source_of(invocation));
    const sys::ScratchDirectory scratch;  // for a copy of what is encrypted
    if (scratch.path().empty()) return base::fail(ErrorCode::storage, "cannot make a temporary directory", "check TMPDIR");
    TRY(home, connection::read_authsome_home(source, scratch.path()));
    const auto notes = home.notes;
    Plan plan(context, invocation.has("--force"));
    TRY_VOID(plan.make(std::move(home)));
    auto& items = plan.items();
    show(context, items, notes);
    const bool any = std::any_of(items.begin(), items.end(), [](const Item& i) { return i.wanted(); });
    if (invocation.has("--dry-run") || !any) return report(context.out(), items, notes, invocation.has("--dry-run"));
    TRY_VOID(agree(context.out(), invocation, "Import these?", "add --yes, or --dry-run to see it only"));
    TRY(connections, context.connections());
    TRY(vault, context.vault());
    TRY_VOID(connection::recognise_home(*vault, connections->tenant(), context.home(), context.clock().now(), context.log()));
    for (auto& item : items) {
        if (!item.wanted()) continue;
        auto done = carry_out(context, item);
        if (done) continue;
        item.action = "failed";
        item.reason = done.error().describe();
        if (!context.out().json()) context.out().warn(item.kind + " " + base::printable(item.name) + " was not imported: " + item.reason);
    }
    return report(context.out(), items, notes, false);
}

}  // namespace claviger::cli
