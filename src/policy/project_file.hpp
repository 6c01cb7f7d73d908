// A project file, `.claviger.json`: what a session in that directory uses and lets through. JSON with comments; its schema is
// published (project_schema_text). Whoever may write into a repository writes it, so it is foreign data: whatever it says
// beyond a narrowing counts only once the owner has trusted it (app/project.hpp). Thread rule: values, pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/limits.hpp"
#include "policy/passed_methods.hpp"
#include "policy/rule.hpp"
#include "provider/read.hpp"

namespace claviger::policy {

inline constexpr std::string_view kProjectFileName = ".claviger.json";
inline constexpr std::size_t kMostProjectBytes = 64 * 1024;
inline constexpr std::size_t kMostProjectRules = 200;

struct ProjectFile {
    std::map<std::string, std::string> use;   // provider -> connection
    bool only = false;                        // nothing but what `use` names
    std::optional<bool> unmatched_allowed;    // "unmatched": "allow" or "deny"
    std::vector<Rule> rules;                  // `read_only` is one of them
    PassedMethods methods;                    // beside those that always pass
    std::optional<Rate> rate;
    std::optional<base::Duration> lasting;    // "for"
};

struct ProjectRead {
    ProjectFile file;                          // of no use when there is an error
    std::vector<provider::Finding> findings;   // all of them, in the order of the text
    [[nodiscard]] bool ok() const { return findings.empty(); }
};
ProjectRead read_project_file(std::string_view text);

// The JSON Schema of such a file, for editors.
std::string_view project_schema_text();

}  // namespace claviger::policy
