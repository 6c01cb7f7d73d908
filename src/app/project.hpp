// The project file of a session: found upwards from the working directory, and how far it is trusted. A cloned repository
// is hostile: its file may narrow what a session gets; whatever widens it holds only once the owner has said so for this
// very content in this place, which the vault remembers. Thread rule: main thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/run_session.hpp"
#include "policy/project_file.hpp"

namespace claviger::app {

struct ProjectText {
    std::filesystem::path path;  // canonical
    std::string text, digest;    // SHA-256, hex
};

// In `from` and its parents, up to the user's home directory, the root, or where the owner of the directories changes.
// nullopt: there is none. ErrorCode::denied: one that is a link, or another user's: it is neither obeyed nor passed over.
base::Result<std::optional<ProjectText>> find_project(const std::filesystem::path& from, const std::filesystem::path& user_home);
base::Result<ProjectText> read_project(const std::filesystem::path& file);

enum class ProjectTrust { unknown, trusted, changed };  // changed: another content of this file was trusted
base::Result<ProjectTrust> trust_of(vault::Vault& vault, const ProjectText& project);
base::Result<void> trust_project(vault::Vault& vault, const ProjectText& project);  // durable, in the journal
base::Result<bool> forget_project(vault::Vault& vault, const std::filesystem::path& path);

// What the file would get beyond a session without it; one sentence each.
base::Result<std::vector<std::string>> widenings(connection::Connections& connections, const policy::ProjectFile& file, proxy::Unmatched without);

// Puts the file's part into the session. What the command line says of a provider goes before the file's choice; of
// everything else the stricter holds. `unmatched_given`: the command line said what is done with unmatched requests.
base::Result<void> apply_project(connection::Connections& connections, const policy::ProjectFile& file, bool trusted, bool unmatched_given,
                                 RunRequest& request);

}  // namespace claviger::app
