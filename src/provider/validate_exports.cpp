// Rules: exported names are names of the environment, and none that changes how programs are found, loaded or
// connected: a definition from a stranger must not set PATH or LD_PRELOAD.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/core.h>

#include "base/text.hpp"
#include "provider/rule_check.hpp"

namespace claviger::provider {
namespace {

bool is_environment_name(std::string_view name) {
    if (name.empty() || name.size() > 128 || (name.front() >= '0' && name.front() <= '9')) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

bool is_dangerous(std::string_view name) {
    static constexpr std::array<std::string_view, 30> names{
        "PATH", "HOME", "SHELL", "USER", "LOGNAME", "IFS", "ENV", "BASH_ENV", "BASHOPTS", "SHELLOPTS", "CDPATH",
        "GLOBIGNORE", "PS4", "PROMPT_COMMAND", "TMPDIR", "EDITOR", "VISUAL", "PAGER", "BROWSER", "HTTP_PROXY",
        "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
        "JAVA_TOOL_OPTIONS", "PERL5OPT", "RUBYOPT"};
    static constexpr std::array<std::string_view, 8> prefixes{"LD_",   "DYLD_", "PYTHON",   "NODE_",
                                                              "BASH_FUNC_", "GIT_SSH", "GIT_PROXY", "CLAVIGER_"};
    const std::string upper = base::to_upper(name);
    return std::find(names.begin(), names.end(), upper) != names.end() ||
           std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return upper.starts_with(prefix); });
}

void check_name(RuleCheck& check, const std::string& pointer, const std::string& name) {
    if (!is_environment_name(name)) {
        check.error(pointer, "bad_env_name", "is no name of an environment variable; use letters, digits and '_'");
    } else if (is_dangerous(name)) {
        check.error(pointer, "bad_env_name", "changes how programs run; choose another name, as in ACME_TOKEN");
    }
}

}  // namespace

void check_exports(RuleCheck& check) {
    const ProviderDefinition& d = check.definition;
    if (d.api_key && !d.api_key->env_var.empty()) check_name(check, "/api_key/env_var", d.api_key->env_var);
    std::vector<std::string> fields = credential_fields(d);
    fields.insert(fields.end(), {"api_url"});
    const std::vector<std::string_view> candidates(fields.begin(), fields.end());
    std::set<std::string, std::less<>> seen;
    for (const ExportRule& rule : d.exports) {
        const std::string pointer = json::pointer_append("/export", rule.env_name);
        check_name(check, pointer, rule.env_name);
        if (!seen.insert(rule.env_name).second) check.error(pointer, "duplicate_export", "is exported twice; remove one");
        if (rule.source == "refresh_token") {
            check.warning(pointer, "not_exported", "refresh tokens are never exported; remove this line");
        } else if (std::find(fields.begin(), fields.end(), rule.source) == fields.end()) {
            const auto guess = base::did_you_mean(rule.source, candidates);
            check.error(pointer, "unknown_field",
                        fmt::format("\"{}\" is nothing that can be exported; {}", base::printable(rule.source, 64),
                                    guess ? fmt::format("did you mean \"{}\"?", *guess)
                                          : fmt::format("known are {}", base::join(fields, ", "))));
        }
    }
}

}  // namespace claviger::provider
