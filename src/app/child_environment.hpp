// The environment of a program under `run`: proxy, trust and placeholder variables added for whichever client it uses
// (docs/clients.md), credentials of the session's definitions taken out (CL-04). Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/no_proxy.hpp"
#include "base/secret.hpp"

namespace claviger::app {

// Whom the program trusts, in the forms that programs read.
struct TrustFiles {
    std::filesystem::path bundle;         // PEM: the system's authorities, the session's, the user's own
    std::filesystem::path additional;     // PEM: those that are not the system's
    std::filesystem::path wgetrc;         // settings of wget
    std::filesystem::path php_directory;  // of a further .ini file of PHP
    std::filesystem::path java_store;     // PKCS #12; empty: there is no Java here
};

struct ChildEnvironmentInput {
    std::map<std::string, std::string> parent;
    base::Secret proxy_url;
    std::uint16_t proxy_port = 0;
    base::Secret reverse_url;            // of the proxy
    std::vector<std::string> providers;  // that lie below it
    std::optional<TrustFiles> trust;   // none: nothing is intercepted
    std::map<std::string, std::string> placeholders;  // of the session's definitions: names and what stands there
    std::set<std::string> exported;    // names that any definition exports to, of a session's connection or of none
    std::vector<std::string> keep;     // secret-looking variables that the child may have all the same
    bool sandboxed = false;            // variables that lead to what the sandbox hides go too
    RoutedHosts routed;
};

struct ChildEnvironment {
    std::map<std::string, std::string> variables;
    std::vector<std::string> hidden;  // the parent's variables that the child does not get or sees replaced
    std::vector<std::string> dropped_bypass;  // entries of the user's NO_PROXY that would hide a routed host
};

ChildEnvironment make_child_environment(const ChildEnvironmentInput& input);

// Variables that name a file of certificates to trust.
std::span<const std::string_view> trust_variables();

}  // namespace claviger::app
