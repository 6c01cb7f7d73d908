#include "base/text.hpp"
#include "cli/commands/agree.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/exit_code.hpp"
#include "cli/interruptible.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;

Result<base::Secret> new_passphrase(const Invocation& invocation, std::string_view option, std::string_view prompt, bool confirm) {
    if (invocation.has(option)) {
        TRY(descriptor, descriptor_option(invocation, option));
        return read_secret_descriptor(descriptor);
    }
    if (!sys::has_controlling_terminal()) {
        return base::fail(ErrorCode::usage, "a passphrase is needed and there is no terminal", "give it with " + std::string(option) + " N");
    }
    TRY(first, ask_secret(prompt));
    if (first.empty()) return base::fail(ErrorCode::invalid_input, "the passphrase is empty");
    if (confirm) {
        TRY(again, ask_secret("Again: "));
        if (!first.equals(again)) return base::fail(ErrorCode::invalid_input, "the two passphrases differ");
    }
    return first;
}

json::Object status_json(const vault::VaultStatus& status, bool full) {
    json::Object object;
    object["path"] = status.path;
    object["format_version"] = status.format_version;
    object["vault_id"] = status.vault_id;
    object["key_source"] = status.key_source;
    object["key_source_detail"] = status.key_source_detail;
    const auto if_known = [](bool known, auto value) { return known ? json::Value(std::move(value)) : json::Value(nullptr); };
    object["generation"] = if_known(status.contents_known, status.generation);
    object["records"] = if_known(status.contents_known, status.records);
    object["audit_entries"] = if_known(status.contents_known, status.audit_entries);
    object["integrity_ok"] = status.integrity_ok;
    if (full) object["seals_ok"] = status.seals_ok;
    object["created_at"] = base::to_rfc3339(status.created_at);
    object["data_key_created_at"] = if_known(status.data_key_known, base::to_rfc3339(status.data_key_created_at));
    json::Array faults;
    for (const auto& fault : status.faults) faults.emplace_back(fault);
    object["faults"] = std::move(faults);
    return object;
}

}  // namespace

Outcome vault_status(Context& context, const Invocation& invocation) {
    TRY(vault, context.vault_if_any());
    if (vault == nullptr) {
        return base::fail(ErrorCode::not_found, "there is no vault in " + context.home().string() + " yet", "the first login makes one");
    }
    const bool full = invocation.has("--full");
    TRY(status, vault->status(full));
    if (context.out().json()) {
        context.out().document(status_json(status, full));
    } else {
        std::string text;
        for (const auto& member : status_json(status, full)) {
            if (member.value().is_array()) continue;
            const auto& value = member.value();
            const std::string shown = value.is_null() ? "unknown" : value.is_string() ? std::string(value.get_string()) : json::to_text(value);
            text += std::string(member.key()) + ": " + shown + "\n";
        }
        context.out().data(text);
        for (const auto& fault : status.faults) context.out().warn(base::printable(fault, 500));
    }
    if (status.faults.empty() && status.integrity_ok && (!full || status.seals_ok)) return 0;
    context.out().talk("hint: mend the vault with: claviger vault repair; or bring a backup back with: claviger vault restore FILE --replace");
    return kExitFault;
}

Outcome vault_rotate(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("rotating the vault"));
    TRY(vault, context.vault());
    std::optional<vault::KeySourceChoice> choice;
    if (invocation.has("--to")) {
        const std::string to = invocation.value("--to");
        choice.emplace();
        choice->kind = to == "passphrase" ? vault::KeySourceKind::passphrase
                       : to == "file"     ? vault::KeySourceKind::file
                                          : vault::KeySourceKind::secret_service;
        choice->ask_passphrase = [&](bool) { return new_passphrase(invocation, "--new-passphrase-fd", "New vault passphrase: ", true); };
    }
    TRY_VOID(vault->rotate(choice, [&](std::uint64_t done, std::uint64_t total) {
        context.out().progress("sealing records again: " + std::to_string(done) + " of " + std::to_string(total));
    }));
    context.out().progress("");
    if (context.out().json()) {
        context.out().document(choice ? json::Object{{"status", "rotated"}, {"key_source", invocation.value("--to")}} : json::Object{{"status", "rotated"}});
        return 0;
    }
    context.out().data("The vault has a new data key.\n");
    if (choice) {
        context.out().data(choice->kind == vault::KeySourceKind::passphrase ? "From now on it is opened by the passphrase; the key it had before is gone.\n"
                           : choice->kind == vault::KeySourceKind::file     ? "From now on it is opened by a key file in its home; the key it had before is gone.\n"
                                                                            : "From now on it is opened by a key in the Secret Service; the key it had before is gone.\n");
    }
    return 0;
}

Outcome vault_backup(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("backing up the vault"));
    TRY(vault, context.vault_if_any());
    if (vault == nullptr) return base::fail(ErrorCode::not_found, "there is no vault to back up", "the first login makes one");
    TRY(passphrase, new_passphrase(invocation, "--backup-passphrase-fd", "Backup passphrase: ", true));
    // Before there is a copy of everything. From a full or read-only disk a backup is wanted most: there it is only said.
    const json::Object detail{{"file", std::filesystem::path(invocation.argument(0)).filename().string()}};
    const auto noted = vault->transact([&](vault::Transaction& transaction) { return transaction.audit({"vault.backup_begun", "vault", json::to_text(detail)}); });
    if (!noted) context.out().warn("this backup could not be written into the journal: " + base::printable(noted.error().message, 300));
    TRY_VOID(vault::backup(*vault, invocation.argument(0), passphrase));
    if (context.out().json()) context.out().document(json::Object{{"status", "written"}, {"file", invocation.argument(0)}});
    else context.out().data("Wrote " + base::printable(invocation.argument(0), 4096) + ".\n");
    return 0;
}

Outcome vault_repair(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("repairing the vault"));
    if (!invocation.has("--yes")) context.out().talk("This replaces a damaged vault by what can still be read of it; the damaged file is kept beside.");
    TRY_VOID(agree(context.out(), invocation, "Repair the vault?"));
    TRY(options, context.vault_options(false));
    TRY(report, vault::repair(options, context.clock(), context.random()));
    if (context.out().json()) {
        json::Array lost;
        for (const auto& line : report.lost) lost.emplace_back(line);
        context.out().document(json::Object{{"status", report.needed ? "repaired" : "whole"}, {"records", report.kept}, {"unchecked", report.unchecked},
                                            {"lost", std::move(lost)}, {"damaged_copy", report.damaged_copy}});
    } else if (!report.needed) {
        context.out().data("The vault is whole; nothing was changed.\n");
    } else {
        context.out().data("Repaired: " + std::to_string(report.kept) + " records kept. The damaged file is " + base::printable(report.damaged_copy, 4096) + ".\n");
    }
    for (const auto& line : report.lost) context.out().warn("lost: " + base::printable(line, 500));
    if (report.unchecked > 0) context.out().warn(std::to_string(report.unchecked) + " records could not be held against the ledger: they may be an older state");
    return report.lost.empty() && report.unchecked == 0 ? 0 : kExitFault;
}

Outcome vault_restore(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("restoring the vault"));
    const bool check = invocation.has("--check");
    // Before a human types a passphrase in vain.
    TRY_VOID(vault::check_restorable(invocation.argument(0), context.home(), check, invocation.has("--replace")));
    TRY(options, context.vault_options(true));
    TRY(passphrase, new_passphrase(invocation, "--backup-passphrase-fd", "Backup passphrase: ", false));
    TRY(report, vault::restore(invocation.argument(0), passphrase, options, check, invocation.has("--replace"), context.clock(), context.random()));
    if (context.out().json()) {
        const auto path = [](const std::string& text) { return text.empty() ? json::Value(nullptr) : json::Value(text); };
        json::Object document{{"status", check ? "valid" : "restored"},
                              {"records", report.records},
                              {"taken_at", base::to_rfc3339(report.taken_at)},
                              {"vault_id", report.vault_id}};
        if (!check) document["kept_vault"] = path(report.kept_file);
        if (!check) document["kept_key"] = path(report.kept_key);
        context.out().document(document);
        return 0;
    }
    context.out().data((check ? "The backup is whole: " : "Restored ") + std::to_string(report.records) + " records, taken " +
                       base::to_rfc3339(report.taken_at) + ".\n");
    if (report.kept_file.empty()) return 0;
    context.out().data("The old vault is kept: " + base::printable(report.kept_file, 4096) + "\n" +
                       (report.kept_key.empty() ? "" : "Its key is kept too: " + base::printable(report.kept_key, 4096) + "\n") +
                       (report.kept_key.empty() ? "It still holds secrets: delete it" : "They still hold secrets: delete them") +
                       " once the restored vault works.\n");
    return 0;
}

}  // namespace claviger::cli
