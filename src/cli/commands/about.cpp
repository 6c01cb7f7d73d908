// whoami, doctor, config, completion, man, version.
#include <sys/mman.h>
#include <sys/resource.h>

#include "app/isolation.hpp"
#include "app/session_files.hpp"
#include "base/text.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/exit_code.hpp"
#include "connection/connect.hpp"
#include "net/tcp.hpp"
#include "sys/files.hpp"
#include "sys/staged_child.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;

struct Check {
    std::string name;
    bool ok = true;
    std::string detail;
};

Check from(std::string name, const base::Result<void>& result, std::string good) {
    if (result) return {std::move(name), true, std::move(good)};
    return {std::move(name), false, result.error().describe() + (result.error().hint.empty() ? "" : " (" + result.error().hint + ")")};
}

Check check_home(Context& context) {
    std::error_code error;
    if (!std::filesystem::exists(context.home(), error)) return {"home", true, context.home().string() + " does not exist yet"};
    return from("home", sys::check_private_directory(context.home()), context.home().string());
}

void check_vault(Context& context, std::vector<Check>& checks) {
    auto vault = context.vault_if_any();
    if (!vault) {
        checks.push_back({"vault", false, vault.error().describe() + (vault.error().hint.empty() ? "" : " (" + vault.error().hint + ")")});
        return;
    }
    if (*vault == nullptr) {
        checks.push_back({"vault", true, "none yet; the first login makes one"});
        return;
    }
    auto status = (*vault)->status(true);
    if (!status) {
        checks.push_back({"vault", false, status.error().describe()});
        return;
    }
    const bool ok = status->integrity_ok && status->seals_ok && status->faults.empty();
    std::string detail = std::to_string(status->records) + " records, key in " + status->key_source;
    for (const auto& fault : status->faults) detail += "; " + fault;
    checks.push_back({"vault", ok, detail});
    checks.push_back({"clock", context.clock().now() + std::chrono::minutes(5) > status->created_at,
                      "now " + base::to_rfc3339(context.clock().now()) + ", vault made " + base::to_rfc3339(status->created_at)});
}

Check check_definitions(Context& context) {
    auto entries = context.registry().list();
    if (!entries) return {"providers", false, entries.error().describe()};
    std::size_t custom = 0;
    std::string broken;
    for (const auto& entry : *entries) {
        if (entry.source == provider::Source::custom) ++custom;
        if (entry.problem) broken += (broken.empty() ? "" : "; ") + entry.name + ": " + *entry.problem;
    }
    if (!broken.empty()) return {"providers", false, base::printable(broken, 500)};
    return {"providers", true, std::to_string(entries->size()) + " definitions, " + std::to_string(custom) + " custom"};
}

Check check_port() {
    net::Loop loop;
    auto listener = net::Listener::loopback(loop, connection::kCallbackPort);
    if (listener) return {"login port", true, "7998 is free"};
    return {"login port", false, listener.error().describe() + (listener.error().hint.empty() ? "" : " (" + listener.error().hint + ")")};
}

Check check_locked_memory() {
    std::vector<char> page(4096);
    if (::mlock(page.data(), page.size()) != 0) return {"locked memory", false, "cannot lock memory; raise 'ulimit -l'"};
    ::munlock(page.data(), page.size());
    rlimit core{};
    const bool no_core = ::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0;
    return {"locked memory", no_core, no_core ? "works; no core dumps" : "core dumps are not switched off"};
}

// What `run` would do, done: a process enters the sandbox and ends. The level is what the kernel gave it.
Check check_isolation(Context& context) {
    std::error_code error;
    base::Result<sys::SandboxPlan> plan = sys::SandboxPlan{};
    if (std::filesystem::exists(context.home(), error)) plan = app::plan_isolation(context.home(), sys::SandboxChoice::automatic, {});
    auto staged = plan ? sys::StagedChild::stage(*plan) : base::Result<sys::StagedChild>(base::fail(plan.error()));
    if (!staged) return from("isolation", base::fail(staged.error()), "");
    if (auto entered = staged->rehearse(); !entered) return from("isolation", entered, "");
    std::string detail = app::describe(staged->report());
    for (const auto& limit : staged->report().limits) detail += "; " + limit;
    return {"isolation", true, detail};
}

}  // namespace

Outcome doctor(Context& context, const Invocation&) {
    TRY_VOID(app::check_reachable(context.home()));
    std::vector<Check> checks;
    const Check isolation = check_isolation(context);  // first, before there is a secret in memory
    checks.push_back(check_home(context));
    check_vault(context, checks);
    checks.push_back(check_definitions(context));
    auto config = context.config();
    checks.push_back({"settings", config.has_value(), config ? "readable" : config.error().describe()});
    checks.push_back(check_port());
    checks.push_back(check_locked_memory());
    const bool bundle = !app::system_trust_bundle().empty();
    checks.push_back({"trust store", bundle, bundle ? "found" : "no system CA bundle; install the package ca-certificates"});
    checks.push_back(isolation);

    bool ok = true;
    json::Array array;
    std::string text;
    for (const auto& check : checks) {
        ok = ok && check.ok;
        array.emplace_back(json::Object{{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
        text += context.out().paint(check.ok ? "ok  " : "FAIL", check.ok ? Colour::green : Colour::red) + "  " + check.name + ": " + check.detail + "\n";
    }
    if (context.out().json()) context.out().document(json::Object{{"ok", ok}, {"checks", std::move(array)}});
    else context.out().data(text);
    return ok ? 0 : kExitFault;
}

Outcome whoami(Context& context, const Invocation&) {
    json::Object document;
    document["version"] = CLAVIGER_VERSION;
    document["home"] = context.home().string();
    TRY(vault, context.vault_if_any());
    json::Array connected;
    if (vault == nullptr) {
        document["vault"] = "none";
    } else {
        TRY(status, vault->status(false));
        document["vault"] = status.integrity_ok ? "ok" : "damaged";
        document["key_source"] = status.key_source;
        TRY(connections, context.connections());
        TRY(summaries, connections->list());
        for (const auto& summary : summaries) connected.emplace_back(summary.provider + " (" + summary.name + ")");
    }
    document["connected"] = connected;
    if (context.out().json()) {
        context.out().document(document);
        return 0;
    }
    std::string text;
    for (const auto& member : document) {
        if (member.value().is_string()) text += std::string(member.key()) + ": " + std::string(member.value().get_string()) + "\n";
    }
    text += "connected: ";
    for (std::size_t i = 0; i < connected.size(); ++i) text += (i ? ", " : "") + std::string(connected[i].get_string());
    context.out().data(text + (connected.empty() ? "nothing yet\n" : "\n"));
    return 0;
}

Outcome config_list(Context& context, const Invocation&) {
    TRY(config, context.config());
    json::Object document;
    std::vector<std::vector<Output::Cell>> rows;
    for (const auto& key : app::config_keys()) {
        const std::string value = config->get(key.name);
        document[key.name] = value;
        rows.push_back({{std::string(key.name)}, {value.empty() ? "-" : base::printable(value)}, {config->is_set(key.name) ? "set" : "default"}, {std::string(key.help)}});
    }
    if (context.out().json()) context.out().document(document);
    else context.out().table({"SETTING", "VALUE", "FROM", "MEANING"}, rows);
    return 0;
}

Outcome config_get(Context& context, const Invocation& invocation) {
    TRY(config, context.config());
    for (const auto& key : app::config_keys()) {
        if (key.name != invocation.argument(0)) continue;
        if (context.out().json()) context.out().document(json::Object{{key.name, config->get(key.name)}});
        else context.out().data(config->get(key.name) + "\n");
        return 0;
    }
    return base::fail(ErrorCode::not_found, "there is no setting '" + base::printable(invocation.argument(0)) + "'", "claviger config list shows all");
}

namespace {
Outcome changed(Context& context, const Invocation& invocation, const base::Result<void>& result) {
    if (!result) return base::fail(result.error());
    TRY(config, context.config());
    if (context.out().json()) context.out().document(json::Object{{invocation.argument(0), config->get(invocation.argument(0))}});
    else context.out().talk(invocation.argument(0) + " is now " + base::printable(config->get(invocation.argument(0)), 4096));
    return 0;
}
}  // namespace

Outcome config_set(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("changing a setting"));
    TRY(config, context.config());
    return changed(context, invocation, config->set(invocation.argument(0), invocation.argument(1)));
}

Outcome config_unset(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("changing a setting"));
    TRY(config, context.config());
    return changed(context, invocation, config->unset(invocation.argument(0)));
}

Outcome completion(Context& context, const Invocation& invocation) {
    TRY(script, completion_script(invocation.argument(0)));
    context.out().data(script);
    return 0;
}

Outcome man(Context& context, const Invocation&) {
    context.out().data(man_page());
    return 0;
}

Outcome version(Context& context, const Invocation&) {
    if (context.out().json()) context.out().document(json::Object{{"version", CLAVIGER_VERSION}});
    else context.out().data("claviger " CLAVIGER_VERSION "\n");
    return 0;
}

}  // namespace claviger::cli
