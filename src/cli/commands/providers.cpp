#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "cli/commands/agree.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/plan.hpp"
#include "cli/commands/registration.hpp"
#include "cli/counted.hpp"
#include "provider/read.hpp"
#include "sys/files.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;
constexpr std::size_t kMostBytes = 10 * 1024 * 1024;  // PK-01

Result<std::string> read_standard_input() {
    std::string text;
    std::array<char, 65536> buffer{};
    for (;;) {
        const auto got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (got < 0) return base::fail(ErrorCode::storage, "cannot read standard input");
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > kMostBytes) return base::fail(ErrorCode::limit, "standard input is larger than 10 MiB");
    }
}

// The reader's own message names the file already.
Result<std::string> read_input_file(const std::string& file) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) {
        return base::fail(ErrorCode::invalid_input, base::printable(file) + " is a directory", "name the definition's file, or an .afps package");
    }
    auto bytes = sys::read_file(file, kMostBytes);
    if (!bytes && bytes.error().code == ErrorCode::not_found) {
        return base::fail(ErrorCode::not_found, "cannot read " + base::printable(file) + ": there is no such file");
    }
    return bytes;
}

base::Error already_registered(const std::string& name) {
    return base::Error::make(ErrorCode::already_exists, "a custom provider '" + name + "' is registered already", "add --force to overwrite it");
}

// Those that were made with other security fields than the new definition's: it suspends them.
std::vector<std::string> suspended_by(Context& context, const provider::ProviderDefinition& definition) {
    std::vector<std::string> suspended;
    auto connections = context.connections_if_any();
    if (!connections || *connections == nullptr) return suspended;
    const auto names = (*connections)->names(definition.name);
    if (!names) return suspended;
    const auto digest = provider::security_digest(definition);
    for (const auto& name : *names) {
        const auto stored = (*connections)->find(definition.name, name);
        if (stored && *stored && (*stored)->definition_digest != digest) suspended.push_back(name);
    }
    return suspended;
}

Result<provider::ReadResult> read_for_registration(Context& context, const std::string& file) {
    TRY(bytes, read_definition_input(file));
    auto read = provider::read_definition(bytes);
    const std::string shown = file == "-" ? "standard input" : file;
    if (!context.out().json() && !read.findings.empty()) context.out().talk(provider::format_findings(read.findings, shown));
    if (read.ok()) return read;
    context.out().detail_of_error("findings", findings_json(read.findings));
    const auto errors = std::count_if(read.findings.begin(), read.findings.end(),
                                      [](const auto& finding) { return finding.severity == provider::Severity::error; });
    return base::fail(ErrorCode::invalid_input, shown + " is not a valid definition: " + counted(static_cast<std::size_t>(errors), "error"),
                      "mend what is listed above; nothing was registered");
}

}  // namespace

json::Array findings_json(const std::vector<provider::Finding>& findings) {
    json::Array array;
    for (const auto& finding : findings) {
        json::Object object;
        object["severity"] = finding.severity == provider::Severity::error ? "error" : "warning";
        object["code"] = finding.code;
        object["pointer"] = finding.pointer;
        object["line"] = finding.place.line;
        object["column"] = finding.place.column;
        object["message"] = finding.message;
        array.emplace_back(std::move(object));
    }
    return array;
}

Result<std::string> read_definition_input(const std::string& file) { return file == "-" ? read_standard_input() : read_input_file(file); }

Result<void> refuse_to_replace(Context& context, const Invocation& invocation, const std::string& name) {
    const auto source = context.registry().source_of(name);
    if (!source || invocation.has("--force")) return {};
    if (*source == provider::Source::custom) return base::fail(already_registered(name));
    return base::fail(ErrorCode::already_exists, "'" + name + "' is the name of a bundled provider", "choose another name, or add --force to use yours in its place");
}

std::vector<std::string> show_registration(Context& context, const provider::ProviderDefinition& definition) {
    auto& out = context.out();
    for (const auto& line : plan_of(definition)) out.talk(line);
    const auto source = context.registry().source_of(definition.name);
    const auto present = source ? context.registry().load(definition.name) : Result<provider::ProviderDefinition>(base::fail(source.error()));
    if (present) {
        const std::string which = *source == provider::Source::bundled ? "bundled" : "custom";
        const auto lines = difference(provider::security_fields(*present), provider::security_fields(definition));
        out.talk(lines.empty() ? "It takes the place of the " + which + " definition and changes nothing that concerns security."
                               : "It takes the place of the " + which + " definition and changes:");
        for (const auto& line : lines) out.talk(line);
    }
    auto suspended = suspended_by(context, definition);
    if (!suspended.empty() && !out.json()) {  // a warning: --quiet must not hide that something stops working
        out.warn("its connections (" + base::printable(base::join(suspended, ", "), 1000) + ") are suspended until you run: claviger confirm " + definition.name);
    }
    return suspended;
}

Result<std::vector<std::string>> register_definition(Context& context, const Invocation& invocation, const provider::ProviderDefinition& definition) {
    const auto source = context.registry().source_of(definition.name);
    const bool custom_exists = source && *source == provider::Source::custom;
    if (custom_exists && !invocation.has("--force")) {
        return base::fail(already_registered(definition.name));
    }
    auto suspended = show_registration(context, definition);
    TRY_VOID(agree(context.out(), invocation, "Register '" + definition.name + "'?"));
    // The journal first: a line whose definition could not be written is better than a definition without a line.
    TRY(connections, context.connections_if_any());
    if (connections != nullptr) TRY_VOID(connections->audit({"definition.registered", definition.name, "{}"}));
    auto stored = context.registry().store(definition, custom_exists);
    if (!stored && connections != nullptr) {
        [[maybe_unused]] const auto noted = connections->audit({"definition.not_registered", definition.name, "{}"});
    }
    if (!stored) return base::fail(std::move(stored).error());
    return suspended;
}

Outcome register_provider(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("register"));
    TRY(read, read_for_registration(context, invocation.argument(0)));
    if (read.definitions.empty()) {
        return base::fail(ErrorCode::invalid_input, "there is no provider in " + base::printable(invocation.argument(0)));
    }
    json::Array names, suspended_names;
    std::string next = "claviger login " + read.definitions.front().name;
    for (const auto& definition : read.definitions) {
        TRY(suspended, register_definition(context, invocation, definition));
        if (!suspended.empty() && suspended_names.empty()) next = "claviger confirm " + definition.name;
        for (const auto& name : suspended) suspended_names.emplace_back(json::Object{{"provider", definition.name}, {"connection", name}});
        names.emplace_back(definition.name);
        if (!context.out().json()) context.out().data("Provider " + definition.name + " registered.\n");
    }
    if (context.out().json()) {
        context.out().document(json::Object{{"status", "registered"},
                                            {"provider", read.definitions.front().name},
                                            {"providers", std::move(names)},
                                            {"dialect", read.dialect},
                                            {"suspended", std::move(suspended_names)},
                                            {"findings", findings_json(read.findings)}});
    } else {
        context.out().talk("next: " + next);
    }
    return 0;
}

Outcome confirm_provider(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("confirming a definition"));
    TRY(name, checked_name("provider", invocation.argument(0)));
    TRY(definition, context.registry().load(name));
    const std::string only = invocation.value("--connection");
    if (!only.empty()) TRY_VOID(checked_name("connection", only));
    TRY(connections, context.connections_if_any());
    std::vector<std::string> names;
    if (connections != nullptr) {
        TRY(all, connections->names(name));
        names = std::move(all);
    }
    if (!only.empty()) std::erase_if(names, [&](const std::string& candidate) { return candidate != only; });
    if (names.empty()) return base::fail(not_connected(name, only));
    const auto digest = provider::security_digest(definition);
    std::size_t confirmed = 0;
    for (const auto& connection_name : names) {
        TRY(stored, connections->load(name, connection_name));
        if (stored.definition_digest == digest) continue;
        context.out().talk(name + " (" + connection_name + ") was made with another definition:");
        for (const auto& line : difference(stored.definition_fields, provider::security_fields(definition))) context.out().talk(line);
        TRY_VOID(agree(context.out(), invocation, "Use this connection with the new definition?"));
        TRY_VOID(connections->confirm_definition(stored, definition));
        ++confirmed;
    }
    if (context.out().json()) {
        context.out().document(json::Object{{"status", "ok"}, {"provider", name}, {"confirmed", confirmed}});
    } else {
        context.out().data(confirmed == 0 ? "Nothing to confirm for " + name + ".\n" : "Confirmed " + counted(confirmed, "connection") + " of " + name + ".\n");
    }
    return 0;
}

namespace {

struct Leftovers {  // what there is of a provider beside a bundled definition
    std::vector<std::string> connections;
    std::size_t clients = 0;
    bool custom = false, bundled = false;
};

Result<Leftovers> leftovers_of(Context& context, const std::string& name) {
    Leftovers left;
    TRY(connections, context.connections_if_any());
    if (connections != nullptr) {
        TRY(names, connections->names(name));
        TRY(clients, connections->count_clients(name));
        left.connections = std::move(names);
        left.clients = clients;
    }
    const auto source = context.registry().source_of(name);
    left.custom = source && *source == provider::Source::custom;
    left.bundled = context.registry().bundled(name).has_value();
    if (left.custom || !left.connections.empty() || left.clients > 0) return left;
    if (!source) return base::fail(source.error());
    return base::fail(ErrorCode::not_connected, "there is nothing of " + name + " to remove: its definition is bundled, no account is connected and no client is stored",
                      "what there is: claviger list --connected, claviger list --source custom");
}

std::string in_words(const Leftovers& left) {
    std::vector<std::string> parts;
    if (!left.connections.empty()) parts.push_back(counted(left.connections.size(), "connection") + " (" + base::printable(base::join(left.connections, ", "), 1000) + ")");
    if (left.clients > 0) parts.emplace_back(left.clients == 1 ? "the stored client" : "the stored clients");
    if (left.custom) parts.emplace_back("the custom definition");
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
    return text;
}

}  // namespace

Outcome remove_provider(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("remove"));
    TRY(name, checked_name("provider", invocation.argument(0)));
    TRY(left, leftovers_of(context, name));
    context.out().talk("This deletes " + in_words(left) + " of " + name + " on this machine; at the provider nothing is revoked.");
    TRY_VOID(agree(context.out(), invocation, "Remove '" + name + "'?"));
    // One transaction, and its journal line before the definition's file goes.
    TRY(connections, context.connections_if_any());
    if (connections != nullptr) TRY_VOID(connections->erase_provider(name, vault::AuditEntry{left.custom ? "definition.removed" : "provider.removed", name}));
    if (left.custom) TRY_VOID(context.registry().remove(name));
    if (context.out().json()) context.out().document(json::Object{{"status", "removed"}, {"provider", name}});
    else context.out().data("Removed " + name + (!left.bundled ? ".\n" : left.custom ? "; the bundled definition is used again.\n" : "; its bundled definition stays.\n"));
    return 0;
}

}  // namespace claviger::cli
