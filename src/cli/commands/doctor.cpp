// doctor: every part of the installation, one line each; a fault is exit code 14 (CL-14).
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "app/isolation.hpp"
#include "app/session_files.hpp"
#include "base/text.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/exit_code.hpp"
#include "connection/connect.hpp"
#include "connection/refresh_aside.hpp"
#include "connection/standing.hpp"
#include "net/tcp.hpp"
#include "sys/errno_error.hpp"
#include "sys/files.hpp"
#include "sys/staged_child.hpp"

namespace claviger::cli {
namespace {

constexpr std::size_t kMostFiles = 10'000;

struct Check {
    std::string name;
    bool ok = true;  // no fault was found
    std::string detail;
    bool checked = true;  // false: it could not be looked at, which is no fault
};

std::string fault_of(const base::Error& error) {
    const auto said = with_repair(error);
    return base::printable(said.describe(), 1000) + (said.hint.empty() ? "" : " (" + said.hint + ")");
}

Check from(std::string name, const base::Result<void>& result, std::string good) {
    if (result) return {std::move(name), true, std::move(good)};
    return {std::move(name), false, fault_of(result.error())};
}

// Whether something can be put there: tried, as only that knows of a file system that is read-only or none.
base::Result<void> check_writable(const std::filesystem::path& directory) {
    std::string trial = (directory / ".claviger-doctor-XXXXXX").string();
    if (::mkdtemp(trial.data()) == nullptr) {
        auto error = sys::errno_error(errno, "cannot create anything in", directory.native());
        if (error.hint.empty()) error.hint = "set CLAVIGER_HOME to a directory of your own";
        return base::fail(std::move(error));
    }
    ::rmdir(trial.c_str());
    return {};
}

// The nearest directory above the home that is there: in it the first login begins to make what is missing.
std::filesystem::path nearest_parent(const std::filesystem::path& home) {
    std::error_code error;
    auto at = home.parent_path();
    while (!std::filesystem::exists(at, error) && at != at.parent_path()) at = at.parent_path();
    return at;
}

Check check_home(Context& context) {
    const auto& home = context.home();
    struct stat info {};
    if (::lstat(home.c_str(), &info) == 0) {
        auto good = sys::check_private_directory(home);
        return from("home", good ? check_writable(home) : good, home.string());
    }
    const auto parent = nearest_parent(home);
    return from("home", check_writable(parent), home.string() + (parent == home.parent_path() ? " does not exist yet; the first login makes it"
                                                                                              : " does not exist yet, nor what it lies in; the first login makes both"));
}

// Nobody else may change what lies in the home, nor read it; but a definition is no secret, and one that was dropped in
// has whatever mode its editor gave it.
bool too_open(const struct stat& info, const std::filesystem::path& path) {
    if (info.st_uid != ::geteuid()) return true;
    if (S_ISLNK(info.st_mode)) return false;
    const bool definition = S_ISREG(info.st_mode) && path.parent_path().filename() == "providers";
    return (info.st_mode & (definition ? 022 : 077)) != 0;
}

Check check_permissions(Context& context) {
    std::error_code error;
    std::vector<std::string> open;
    std::size_t files = 0;
    struct stat home {};
    if (::lstat(context.home().c_str(), &home) != 0) return {"permissions", true, "not checked: there is no home yet", false};
    if (!S_ISDIR(home.st_mode)) return {"permissions", true, "not checked: the home is no directory", false};
    if (too_open(home, context.home())) open.emplace_back("the home itself");
    for (std::filesystem::recursive_directory_iterator at(context.home(), error), end; !error && at != end; at.increment(error)) {
        struct stat info {};
        if (++files > kMostFiles || ::lstat(at->path().c_str(), &info) != 0) break;
        if (too_open(info, at->path())) open.push_back(at->path().lexically_relative(context.home()).string());
    }
    if (open.empty()) return {"permissions", true, "nobody else may read or change what is in the home"};
    return {"permissions", false, "open to other users: " + base::printable(base::join(open, ", "), 400) + " (mend with: chmod -R go= " + context.home().string() + ")"};
}

void check_vault(Context& context, std::vector<Check>& checks) {
    auto vault = context.vault_if_any();
    if (!vault) {
        if (context.passphrase_is_wanting()) checks.push_back({"vault", true, "not checked: needs the passphrase (give it with --passphrase-fd N)", false});
        else checks.push_back({"vault", false, fault_of(vault.error())});
        return;
    }
    if (*vault == nullptr) {
        checks.push_back({"vault", true, "none yet; the first login makes one"});
        return;
    }
    auto status = (*vault)->status(true);
    if (!status) {
        checks.push_back({"vault", false, fault_of(status.error())});
        return;
    }
    checks.push_back({"vault key", true, "in " + status->key_source + ", it opens the vault"});
    std::string faults;
    for (const auto& fault : status->faults) faults += (faults.empty() ? ": " : "; ") + base::printable(fault, 400);
    const bool whole = status->integrity_ok && status->faults.empty();
    checks.push_back({"vault file", whole, whole ? "whole" : "damaged" + faults + " (mend it with: claviger vault repair; or bring a backup back with: claviger vault restore FILE --replace)"});
    const std::string count = status->contents_known ? std::to_string(status->records) + ", " : "";
    checks.push_back({"vault records", status->seals_ok, count + (status->seals_ok ? "each opens" : "not all of them open")});
    checks.push_back({"clock", context.clock().now() + std::chrono::minutes(5) > status->created_at,
                      "now " + base::to_rfc3339(context.clock().now()) + ", vault made " + base::to_rfc3339(status->created_at)});
}

// A broken file each on a line of its own.
void check_definitions(Context& context, std::vector<Check>& checks) {
    auto entries = context.registry().list();
    if (!entries) {
        checks.push_back({"definitions", false, fault_of(entries.error())});
        return;
    }
    std::size_t custom = 0, broken = 0;
    for (const auto& entry : *entries) {
        if (entry.source == provider::Source::custom) ++custom;
        if (!entry.problem) continue;
        ++broken;
        checks.push_back({"definition", false, base::printable(*entry.problem, 600)});
    }
    if (broken == 0) checks.push_back({"definitions", true, std::to_string(entries->size()) + ", " + std::to_string(custom) + " of them custom"});
}

// Those that a human has to mend, and those whose renewal fails; that one has only expired is no fault.
void check_connections(Context& context, std::vector<Check>& checks) {
    const auto connections = context.connections_if_any();
    if (!connections || *connections == nullptr) return;  // said of the vault already
    const auto summaries = (*connections)->list();
    if (!summaries) return;
    std::size_t well = 0;
    for (const auto& summary : *summaries) {
        if (summary.problem) continue;  // the vault's
        const auto definition = context.registry().load(summary.provider);
        const auto standing = connection::standing_of(connection::standing_facts(summary, definition ? &*definition : nullptr, context.clock().now()));
        if (standing.why.empty()) {
            ++well;
            continue;
        }
        checks.push_back({"connection", false,
                          base::printable(summary.provider + " (" + summary.name + "): " + standing.why, 500) +
                              (standing.command.empty() ? "" : " (mend it with: " + standing.command + ")")});
    }
    if (const auto aside = connection::list_aside(context.home())) {
        for (const auto& file : *aside) {
            if (!file.id) continue;
            checks.push_back({"renewed token", false, "the vault could not take a new token of " + base::printable(*file.id, 200) +
                                                          ", which is kept sealed beside it; see that the disk has room: the next use stores it"});
        }
    }
    if (well == summaries->size()) checks.push_back({"connections", true, std::to_string(well) + ", none needs mending"});
}

// Readable, and the files that they name too.
Check check_settings(Context& context) {
    auto config = context.config();
    if (!config) return {"settings", false, fault_of(config.error())};
    if (const auto authority = (*config)->extra_authority(); !authority) return {"settings", false, fault_of(authority.error())};
    return {"settings", true, "readable"};
}

Check check_port() {
    net::Loop loop;
    auto listener = net::Listener::loopback(loop, connection::kCallbackPort);
    if (listener) return {"login port", true, "7998 is free"};
    return {"login port", false, fault_of(listener.error())};
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
    if (std::filesystem::exists(context.home(), error)) plan = app::plan_isolation(context.home(), {}, {});
    auto staged = plan ? sys::StagedChild::stage(*plan) : base::Result<sys::StagedChild>(base::fail(plan.error()));
    if (!staged) return from("isolation", base::fail(staged.error()), "");
    if (auto entered = staged->rehearse(); !entered) return from("isolation", entered, "");
    std::string detail = app::describe(staged->report());
    for (const auto& limit : staged->report().limits) detail += "; " + limit;
    return {"isolation", true, detail};
}

// What `run --transparent` would do, done. A system that allows it to nobody has no fault.
Check check_own_network(Context& context) {
    std::error_code error;
    sys::SandboxPlan without_home;
    without_home.own_network = true;
    base::Result<sys::SandboxPlan> plan = without_home;
    if (std::filesystem::exists(context.home(), error)) plan = app::plan_isolation(context.home(), {sys::SandboxChoice::automatic, true}, {});
    auto staged = plan ? sys::StagedChild::stage(*plan) : base::Result<sys::StagedChild>(base::fail(plan.error()));
    auto tried = staged ? base::Result<void>() : base::Result<void>(base::fail(staged.error()));
    if (staged) {
        const auto sockets = staged->listen({80, 443});
        tried = sockets ? staged->rehearse() : base::Result<void>(base::fail(sockets.error()));
    }
    if (!tried) return {"transparent", true, "not available: " + fault_of(tried.error()), false};
    return {"transparent", true, "run --transparent works: " + app::describe(staged->report())};
}

}  // namespace

Outcome doctor(Context& context, const Invocation&) {
    TRY_VOID(app::check_reachable(context.home()));
    std::vector<Check> checks;
    const Check isolation = check_isolation(context);  // first, before there is a secret in memory
    const Check own_network = check_own_network(context);
    checks.push_back(check_home(context));
    checks.push_back(check_permissions(context));
    check_vault(context, checks);
    check_definitions(context, checks);
    check_connections(context, checks);
    checks.push_back(check_settings(context));
    checks.push_back(check_port());
    checks.push_back(check_locked_memory());
    const bool bundle = !app::system_trust_bundle().empty();
    checks.push_back({"trust store", bundle, bundle ? "found" : "no system CA bundle; install the package ca-certificates"});
    checks.push_back(isolation);
    checks.push_back(own_network);

    bool ok = true;
    json::Array array;
    std::string text;
    for (const auto& check : checks) {
        ok = ok && check.ok;
        array.emplace_back(json::Object{{"name", check.name}, {"ok", check.ok}, {"checked", check.checked}, {"detail", check.detail}});
        const auto [label, colour] = !check.ok ? std::pair("FAIL", Colour::red) : check.checked ? std::pair("ok  ", Colour::green) : std::pair("skip", Colour::yellow);
        text += context.out().paint(label, colour) + "  " + check.name + ": " + check.detail + "\n";
    }
    if (context.out().json()) context.out().document(json::Object{{"ok", ok}, {"checks", std::move(array)}});
    else context.out().data(text);
    return ok ? 0 : kExitFault;
}

}  // namespace claviger::cli
