#include "app/project.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "json/parse.hpp"
#include "sys/files.hpp"

namespace claviger::app {
namespace {

using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

constexpr std::string_view kKind = "project";

vault::RecordKey key_of(const fs::path& path) { return {std::string(vault::kLocalTenant), std::string(kKind), path.string()}; }

base::Error foreign(const fs::path& file, std::string_view why) {
    return base::Error::make(ErrorCode::denied, "the project file " + base::printable(file.string(), 4096) + " " + std::string(why),
                             "make it a file of your own, or run without it: --no-project");
}

Result<ProjectText> read_as_project(const fs::path& file, uid_t directory_owner) {
    struct stat info {};
    if (::lstat(file.c_str(), &info) != 0) return base::fail(ErrorCode::not_found, "there is no file " + base::printable(file.string(), 4096));
    if (!S_ISREG(info.st_mode)) return base::fail(foreign(file, "is not a regular file"));
    if (info.st_uid != ::geteuid() && info.st_uid != directory_owner) return base::fail(foreign(file, "belongs to another user"));
    TRY(text, sys::read_file(file, policy::kMostProjectBytes, true));
    ProjectText project{file, std::move(text), {}};
    project.digest = crypto::sha256_hex(project.text);
    return project;
}

// What an untrusted `only` leaves out stays a route, whose requests are refused: without it a tie between two definitions
// would be decided.
Result<void> deny_others(connection::Connections& connections, const RunRequest& request, policy::RuleLayer& layer) {
    TRY(all, connections.list());
    for (const auto& summary : all) {
        const auto named = [&](const auto& use) { return use.first == summary.provider && (use.second.empty() || use.second == summary.name); };
        if (std::any_of(request.use.begin(), request.use.end(), named)) continue;
        policy::Rule rule;
        rule.provider = summary.provider;
        rule.connection = summary.name;
        rule.name = std::string(policy::kProjectFileName) + ": only";
        layer.rules.push_back(std::move(rule));
    }
    return {};
}

}  // namespace

Result<ProjectText> read_project(const fs::path& file) {
    std::error_code error;
    const auto directory = fs::canonical(fs::absolute(file).parent_path(), error);
    struct stat info {};
    if (error || ::stat(directory.c_str(), &info) != 0) return base::fail(ErrorCode::not_found, "there is no file " + base::printable(file.string(), 4096));
    return read_as_project(directory / file.filename(), info.st_uid);
}

Result<std::optional<ProjectText>> find_project(const fs::path& from, const fs::path& user_home) {
    std::error_code error;
    fs::path directory = fs::canonical(from, error);
    const fs::path last = fs::canonical(user_home, error);
    std::optional<uid_t> owner;
    for (;;) {
        struct stat info {};
        if (::stat(directory.c_str(), &info) != 0 || (owner && info.st_uid != *owner)) return std::optional<ProjectText>();
        owner = info.st_uid;
        const auto file = directory / policy::kProjectFileName;
        if (::lstat(file.c_str(), &info) == 0) {
            TRY(project, read_as_project(file, *owner));
            return std::optional<ProjectText>(std::move(project));
        }
        if (directory == last || !directory.has_relative_path()) return std::optional<ProjectText>();
        directory = directory.parent_path();
    }
}

Result<ProjectTrust> trust_of(vault::Vault& vault, const ProjectText& project) {
    TRY(record, vault.get(key_of(project.path)));
    if (!record) return ProjectTrust::unknown;
    const auto value = json::parse(record->payload.reveal());
    const auto digest = value && value->is_object() ? json::string_at(value->get_object(), "digest") : std::nullopt;
    return digest == project.digest ? ProjectTrust::trusted : ProjectTrust::changed;
}

Result<void> trust_project(vault::Vault& vault, const ProjectText& project) {
    const std::string payload = json::to_text(json::Object{{"format", 1}, {"digest", project.digest}});
    TRY(version, vault.put(key_of(project.path), base::Secret(payload), std::nullopt,
                           {"project.trusted", project.path.string(), json::to_text(json::Object{{"digest", project.digest}})}));
    (void)version;
    return {};
}

Result<bool> forget_project(vault::Vault& vault, const fs::path& path) {
    return vault.erase(key_of(path), std::nullopt, {"project.forgotten", path.string(), "{}"});
}

Result<std::vector<std::string>> widenings(connection::Connections& connections, const policy::ProjectFile& file, proxy::Unmatched without) {
    std::vector<std::string> all;
    for (const auto& [provider, name] : file.use) {
        TRY(usual, connections.default_name(provider));
        if (usual != name) all.push_back("it uses " + provider + " (" + name + ") instead of the default " + provider + " (" + usual + ")");
    }
    for (const auto& method : file.methods.added()) all.push_back("it passes requests with the method " + method + " on");
    if (without == proxy::Unmatched::allow) return all;
    if (file.unmatched_allowed == true) all.emplace_back("it lets requests to hosts through that no connection serves, which your settings refuse");
    for (const auto& rule : file.rules) {
        const bool opens = rule.action == policy::Action::allow && rule.provider.empty() && !rule.hosts.empty();
        if (opens) all.push_back("it opens hosts that no connection serves: " + rule.name);
    }
    return all;
}

Result<void> apply_project(connection::Connections& connections, const policy::ProjectFile& file, bool trusted, bool unmatched_given,
                           RunRequest& request) {
    policy::RuleLayer layer{std::string(policy::kProjectFileName), file.rules};
    // An --only of the command line has named all that there is.
    if (!request.only_used) {
        const auto on_command_line = request.use;
        const auto is_given = [&](const std::string& provider) {
            return std::any_of(on_command_line.begin(), on_command_line.end(), [&](const auto& use) { return use.first == provider; });
        };
        for (const auto& [provider, name] : file.use) {
            if (is_given(provider)) continue;
            request.use.emplace_back(provider, name);
            if (!trusted) request.not_chosen.push_back(provider);
        }
        if (file.only && trusted) request.only_used = true;
        if (file.only && !trusted) TRY_VOID(deny_others(connections, request, layer));
    }
    if (file.unmatched_allowed == false) request.unmatched = proxy::Unmatched::deny;
    if (file.unmatched_allowed == true && trusted && !unmatched_given) request.unmatched = proxy::Unmatched::allow;
    if (trusted) {
        for (const auto& method : file.methods.added()) TRY_VOID(request.methods.add(method));
    }
    request.project = RunRequest::Project{std::move(layer), file.rate, file.lasting};
    return {};
}

}  // namespace claviger::app
