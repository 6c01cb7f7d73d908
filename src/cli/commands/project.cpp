// The project file: put into a session (run, route explain), and project check, trust, forget, schema.
#include "app/project.hpp"

#include <cstdlib>

#include "base/text.hpp"
#include "cli/commands/agree.hpp"
#include "cli/commands/registration.hpp"
#include "cli/commands/session_options.hpp"
#include "cli/counted.hpp"
#include "cli/interruptible.hpp"
#include "policy/idle_asks.hpp"
#include "sys/files.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

using app::ProjectTrust;
using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

std::string shown(const fs::path& path) { return base::printable(path.string(), 4096); }
std::string trust_command(const fs::path& path) { return "claviger project trust " + base::shell_quote(shown(path)); }

Result<std::optional<app::ProjectText>> found_here() {
    std::error_code error;
    const auto here = fs::current_path(error);
    if (error) return std::optional<app::ProjectText>();
    const char* home = std::getenv("HOME");
    return app::find_project(here, home == nullptr ? "" : home);
}

Result<policy::ProjectFile> read_checked(Context& context, const app::ProjectText& project) {
    auto read = policy::read_project_file(project.text);
    if (read.ok()) return std::move(read.file);
    if (!context.out().json()) context.out().prompt(base::trim(provider::format_findings(read.findings, shown(project.path))));
    context.out().detail_of_error("findings", findings_json(read.findings));
    return base::fail(ErrorCode::invalid_input, shown(project.path) + " is not a valid project file: " + counted(read.findings.size(), "error"),
                      "mend what is listed above, or run without it: --no-project");
}

// The named file, else the one of this directory.
Result<app::ProjectText> named(const Invocation& invocation) {
    if (!invocation.arguments.empty()) return app::read_project(invocation.argument(0));
    TRY(found, found_here());
    if (found) return std::move(*found);
    return base::fail(ErrorCode::not_found, "there is no " + std::string(policy::kProjectFileName) + " here or in a directory above", "name the file");
}

struct Standing {
    policy::ProjectFile file;
    ProjectTrust trust = ProjectTrust::unknown;
    std::vector<std::string> widens;
    [[nodiscard]] bool needs_a_yes() const { return trust == ProjectTrust::changed || (trust == ProjectTrust::unknown && !widens.empty()); }
};

Result<Standing> standing_of(Context& context, const app::ProjectText& project, proxy::Unmatched without) {
    Standing standing;
    TRY(file, read_checked(context, project));
    TRY(connections, context.connections());
    TRY(vault, context.vault());
    TRY(trust, app::trust_of(*vault, project));
    TRY(widens, app::widenings(*connections, file, without));
    standing.file = std::move(file);
    standing.trust = trust;
    standing.widens = std::move(widens);
    return standing;
}

std::vector<std::string> reasons(const Standing& standing) {
    auto lines = standing.widens;
    if (standing.trust == ProjectTrust::changed) lines.emplace_back("it has changed since you trusted it, so it may let more through than it did");
    return lines;
}

Result<proxy::Unmatched> unmatched_by_setting(Context& context) {
    TRY(config, context.config());
    return config->get("run.unmatched") == "deny" ? proxy::Unmatched::deny : proxy::Unmatched::allow;
}

// Whoever runs a program here may not have written the file: what it widens is shown and asked for, once.
Result<void> ask_for_trust(Context& context, const app::ProjectText& project, const Standing& standing, bool may_ask) {
    const auto lines = reasons(standing);
    if (!may_ask || context.out().json() || !sys::has_controlling_terminal()) {
        return base::fail(ErrorCode::denied, "the project file " + shown(project.path) + " is not trusted: " + base::join(lines, "; "),
                          "read it, then: " + trust_command(project.path) + "; or run without it: --no-project");
    }
    context.out().prompt("The project file " + shown(project.path) + " wants more than you would give without it:");
    for (const auto& line : lines) context.out().prompt("  " + base::printable(line, 1000));
    TRY(yes, ask_yes_no("Trust this content of it from now on?"));
    if (!yes) return base::fail(ErrorCode::denied, "the project file is not trusted", "run without it: --no-project");
    TRY(vault, context.vault());
    return app::trust_project(*vault, project);
}

std::string_view word_of(const Standing& standing) {
    if (standing.trust == ProjectTrust::trusted) return "trusted";
    return standing.needs_a_yes() ? "not_trusted" : "narrows_only";
}

}  // namespace

Result<void> use_project(Context& context, const Invocation& invocation, app::RunRequest& request, bool may_ask) {
    if (invocation.has("--no-project")) return {};
    TRY(found, found_here());
    if (!found) return {};
    TRY(standing, standing_of(context, *found, request.unmatched));
    if (standing.needs_a_yes()) {
        TRY_VOID(ask_for_trust(context, *found, standing, may_ask));
        standing.trust = ProjectTrust::trusted;
    }
    TRY(connections, context.connections());
    TRY_VOID(app::apply_project(*connections, standing.file, standing.trust == ProjectTrust::trusted, invocation.has("--unmatched"), request));
    if (request.say) request.say("project file: " + shown(found->path) + (standing.trust == ProjectTrust::trusted ? " (trusted)" : ""));
    return {};
}

// What it says beside rules, each as in the file.
std::vector<std::pair<std::string, std::string>> settings_of(const policy::ProjectFile& file) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& [provider, name] : file.use) all.emplace_back("use", provider + "=" + name);
    if (file.only) all.emplace_back("only", "nothing but what \"use\" names");
    if (file.unmatched_allowed) all.emplace_back("unmatched", *file.unmatched_allowed ? "allow" : "deny");
    if (!file.methods.added().empty()) all.emplace_back("methods", base::join(file.methods.added(), ", "));
    if (file.rate) all.emplace_back("rate", file.rate->text());
    if (file.lasting) all.emplace_back("for", policy::duration_text(*file.lasting));
    return all;
}

Outcome project_check(Context& context, const Invocation& invocation) {
    TRY(project, named(invocation));
    TRY(without, unmatched_by_setting(context));
    TRY(standing, standing_of(context, project, without));
    const auto lines = reasons(standing);
    const auto idle = policy::idle_asks({std::string(policy::kProjectFileName), standing.file.rules});
    const auto settings = settings_of(standing.file);
    if (context.out().json()) {
        json::Array said;
        for (const auto& [name, value] : settings) said.emplace_back(json::Object{{"name", name}, {"value", value}});
        context.out().document(json::Object{{"file", project.path.string()}, {"digest", project.digest}, {"trust", word_of(standing)}, {"settings", std::move(said)},
                                            {"rules", standing.file.rules.size()}, {"widens", json::Array(lines.begin(), lines.end())},
                                            {"notes", json::Array(idle.begin(), idle.end())}});
        return 0;
    }
    std::string text = shown(project.path) + " is valid: " + counted(standing.file.rules.size(), "rule") + "\n";
    for (const auto& [name, value] : settings) text += "  " + name + ": " + base::printable(value, 1000) + "\n";
    for (const auto& rule : standing.file.rules) text += "  " + base::printable(rule.name, 1000) + "\n";
    for (const auto& line : lines) text += "  beyond a narrowing: " + base::printable(line, 1000) + "\n";
    for (const auto& note : idle) text += "  note: " + note + "\n";
    if (standing.trust == ProjectTrust::trusted) text += "trusted\n";
    else text += standing.needs_a_yes() ? "not trusted; read it, then: " + trust_command(project.path) + "\n" : "only narrows, so it needs no trust\n";
    context.out().data(text);
    return 0;
}

Outcome project_trust(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("trusting a project file"));
    TRY(project, named(invocation));
    TRY(without, unmatched_by_setting(context));
    TRY(standing, standing_of(context, project, without));
    for (const auto& line : reasons(standing)) context.out().talk("  " + base::printable(line, 1000));
    TRY_VOID(agree(context.out(), invocation, "Trust this content of " + shown(project.path) + "?"));
    TRY(vault, context.vault());
    TRY_VOID(app::trust_project(*vault, project));
    if (context.out().json()) context.out().document(json::Object{{"status", "trusted"}, {"file", project.path.string()}, {"digest", project.digest}});
    else context.out().data("Trusted " + shown(project.path) + ", with this content.\n");
    return 0;
}

Outcome project_forget(Context& context, const Invocation& invocation) {
    TRY_VOID(context.require_manage("forgetting a project file"));
    fs::path path;
    if (invocation.arguments.empty()) {
        TRY(project, named(invocation));
        path = project.path;
    } else {  // the file itself may be gone
        std::error_code error;
        const auto whole = fs::absolute(invocation.argument(0), error);
        path = fs::weakly_canonical(whole.parent_path(), error) / whole.filename();
    }
    TRY(vault, context.vault());
    TRY(known, app::forget_project(*vault, path));
    if (!known) return base::fail(ErrorCode::not_found, shown(path) + " was not trusted");
    if (context.out().json()) context.out().document(json::Object{{"status", "forgotten"}, {"file", path.string()}});
    else context.out().data(shown(path) + " is no longer trusted.\n");
    return 0;
}

Outcome project_schema(Context& context, const Invocation&) {
    context.out().data(policy::project_schema_text());
    return 0;
}

}  // namespace claviger::cli
