// The environment of a program under `run`: proxy, trust and placeholder variables added, credentials of the session's
// definitions taken out (CL-04). Thread rule: pure functions.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/secret.hpp"

namespace claviger::app {

struct ChildEnvironmentInput {
    std::map<std::string, std::string> parent;
    base::Secret proxy_url;
    std::filesystem::path ca_bundle;   // system authorities and the session's; empty when nothing is intercepted
    std::filesystem::path session_ca;  // the session's authority alone
    std::vector<std::string> export_names;  // of the session's definitions
    std::vector<std::string> keep;     // secret-looking variables that the child may have all the same
    bool sandboxed = false;            // variables that lead to what the sandbox hides go too
    bool proxy_loopback = false;       // a route is on a loopback host, so loopback must not bypass the proxy
};

struct ChildEnvironment {
    std::map<std::string, std::string> variables;
    std::vector<std::string> hidden;  // the parent's variables that the child does not get or sees replaced
};

inline constexpr std::string_view kPlaceholder = "claviger-managed";

ChildEnvironment make_child_environment(const ChildEnvironmentInput& input);

}  // namespace claviger::app
