#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"
#include "cli/commands/handlers.hpp"
#include "provider/read.hpp"
#include "sys/files.hpp"
#include "sys/terminal.hpp"

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

// Human yes before a change; scripts say --yes.
Result<void> agree(Context& context, const Invocation& invocation, std::string_view question) {
    if (invocation.has("--yes")) return {};
    if (!sys::has_controlling_terminal() || context.out().json()) {
        return base::fail(ErrorCode::usage, "this needs a confirmation and there is no terminal to ask on", "add --yes");
    }
    TRY(yes, sys::ask_yes_no(question));
    if (yes) return {};
    return base::fail(ErrorCode::cancelled, "nothing was changed");
}

std::vector<std::string> difference(const std::map<std::string, std::string>& before, const std::map<std::string, std::string>& after) {
    std::set<std::string> pointers;
    for (const auto& [pointer, value] : before) pointers.insert(pointer);
    for (const auto& [pointer, value] : after) pointers.insert(pointer);
    std::vector<std::string> lines;
    for (const auto& pointer : pointers) {
        const auto old_value = before.find(pointer);
        const auto new_value = after.find(pointer);
        if (old_value != before.end() && new_value != after.end() && old_value->second == new_value->second) continue;
        if (old_value != before.end()) lines.push_back("  - " + pointer + ": " + base::printable(old_value->second, 400));
        if (new_value != after.end()) lines.push_back("  + " + pointer + ": " + base::printable(new_value->second, 400));
    }
    return lines;
}

void show_plan(Context& context, const provider::ProviderDefinition& definition, const std::optional<provider::ProviderDefinition>& present) {
    auto& out = context.out();
    out.talk("Provider " + definition.name + " (" + base::printable(definition.display_name) + "), " +
             std::string(to_string(definition.auth_type)) + " by " + std::string(to_string(definition.flow)));
    const auto fields = provider::security_fields(definition);
    if (!present) {
        for (const auto& [pointer, value] : fields) out.talk("  " + pointer + ": " + base::printable(value, 400));
        return;
    }
    const auto lines = difference(provider::security_fields(*present), fields);
    out.talk(lines.empty() ? "It differs from the present definition in nothing that concerns security." : "It changes the present definition:");
    for (const auto& line : lines) out.talk(line);
    if (lines.empty()) return;
    if (auto connections = context.connections_if_any(); connections && *connections != nullptr) {
        if (auto names = (*connections)->names(definition.name); names && !names->empty()) {
            out.talk("Its connections (" + base::join(*names, ", ") + ") are suspended until you run: claviger confirm " + definition.name);
        }
    }
}

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

Result<provider::ReadResult> read_for_registration(Context& context, const std::string& file) {
    auto bytes = file == "-" ? read_standard_input() : sys::read_file(file, kMostBytes);
    if (!bytes) return base::fail(bytes.error().within("cannot read " + base::printable(file)));
    auto read = provider::read_definition(*bytes);
    const std::string shown = file == "-" ? "standard input" : file;
    if (!context.out().json() && !read.findings.empty()) context.out().talk(provider::format_findings(read.findings, shown));
    if (read.ok()) return read;
    if (context.out().json()) context.out().document(json::Object{{"status", "invalid"}, {"findings", findings_json(read.findings)}});
    const auto errors = std::count_if(read.findings.begin(), read.findings.end(),
                                      [](const auto& finding) { return finding.severity == provider::Severity::error; });
    return base::fail(ErrorCode::invalid_input, shown + " is not a valid definition: " + std::to_string(errors) + (errors == 1 ? " error" : " errors"),
                      "mend what is listed above; nothing was registered");
}

Result<void> register_one(Context& context, const Invocation& invocation, const provider::ProviderDefinition& definition) {
    const auto source = context.registry().source_of(definition.name);
    const bool custom_exists = source && *source == provider::Source::custom;
    if (custom_exists && !invocation.has("--force")) {
        return base::fail(ErrorCode::already_exists, "a custom provider '" + definition.name + "' is registered already", "add --force to overwrite it");
    }
    std::optional<provider::ProviderDefinition> present;
    if (source) {
        if (auto loaded = context.registry().load(definition.name)) present = std::move(*loaded);
    }
    show_plan(context, definition, present);
    TRY_VOID(agree(context, invocation, "Register '" + definition.name + "'?"));
    TRY_VOID(context.registry().store(definition, custom_exists));
    if (auto connections = context.connections_if_any(); connections && *connections != nullptr) {
        TRY_VOID((*connections)->audit({"definition.registered", definition.name, "{}"}));
    }
    return {};
}

}  // namespace

Outcome register_provider(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("register"));
    TRY(read, read_for_registration(context, invocation.argument(0)));
    if (read.definitions.empty()) {
        return base::fail(ErrorCode::invalid_input, "there is no provider in " + base::printable(invocation.argument(0)));
    }
    json::Array names;
    for (const auto& definition : read.definitions) {
        TRY_VOID(register_one(context, invocation, definition));
        names.emplace_back(definition.name);
        if (!context.out().json()) context.out().data("Provider " + definition.name + " registered.\n");
    }
    if (context.out().json()) {
        context.out().document(json::Object{{"status", "registered"},
                                            {"provider", read.definitions.front().name},
                                            {"providers", std::move(names)},
                                            {"dialect", read.dialect},
                                            {"findings", findings_json(read.findings)}});
    } else {
        context.out().talk("next: claviger login " + read.definitions.front().name);
    }
    return 0;
}

Outcome inspect_provider(Context& context, const Invocation& invocation) {
    TRY(name, checked_name("provider", invocation.argument(0)));
    TRY(definition, context.registry().load(name));
    context.out().data(json::to_pretty_text(provider::to_native_json(definition)));
    return 0;
}

Outcome confirm_provider(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("confirming a definition"));
    TRY(name, checked_name("provider", invocation.argument(0)));
    TRY(definition, context.registry().load(name));
    TRY(connections, context.connections());
    TRY(names, connections->names(name));
    const std::string only = invocation.value("--connection");
    if (!only.empty()) TRY_VOID(checked_name("connection", only));
    if (!only.empty()) std::erase_if(names, [&](const std::string& candidate) { return candidate != only; });
    if (names.empty()) return base::fail(ErrorCode::not_connected, name + " has no such connection", "claviger login " + name);
    const auto digest = provider::security_digest(definition);
    std::size_t confirmed = 0;
    for (const auto& connection_name : names) {
        TRY(stored, connections->load(name, connection_name));
        if (stored.definition_digest == digest) continue;
        context.out().talk(name + " (" + connection_name + ") was made with another definition:");
        for (const auto& line : difference(stored.definition_fields, provider::security_fields(definition))) context.out().talk(line);
        TRY_VOID(agree(context, invocation, "Use this connection with the new definition?"));
        TRY_VOID(connections->confirm_definition(stored, definition));
        ++confirmed;
    }
    if (context.out().json()) {
        context.out().document(json::Object{{"status", "ok"}, {"provider", name}, {"confirmed", confirmed}});
    } else {
        context.out().data(confirmed == 0 ? "Nothing to confirm for " + name + ".\n"
                                          : "Confirmed " + std::to_string(confirmed) + (confirmed == 1 ? " connection of " : " connections of ") + name + ".\n");
    }
    return 0;
}

Outcome remove_provider(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("remove"));
    TRY(name, checked_name("provider", invocation.argument(0)));
    TRY(connections, context.connections_if_any());
    std::vector<std::string> names;
    if (connections != nullptr) {
        TRY(found, connections->names(name));
        names = std::move(found);
    }
    const auto source = context.registry().source_of(name);
    if (!source && names.empty()) return base::fail(source.error());
    const bool custom = source && *source == provider::Source::custom;
    context.out().talk("This deletes " + std::to_string(names.size()) + (names.size() == 1 ? " connection" : " connections") +
                       ", the stored client" + (custom ? " and the custom definition" : "") + " of " + name + ".");
    TRY_VOID(agree(context, invocation, "Remove '" + name + "'?"));
    for (const auto& connection_name : names) TRY_VOID(connections->erase(name, connection_name));
    if (connections != nullptr) TRY_VOID(connections->erase_clients(name));
    if (custom) TRY_VOID(context.registry().remove(name));
    if (context.out().json()) context.out().document(json::Object{{"status", "removed"}, {"provider", name}});
    else context.out().data("Removed " + name + (custom || !source ? ".\n" : "; its bundled definition stays.\n"));
    return 0;
}

}  // namespace claviger::cli
