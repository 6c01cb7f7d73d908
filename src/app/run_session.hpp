// One `claviger run`: proxy and broker in this process, the program as its child. Thread rule: main thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/config.hpp"
#include "base/hidden_values.hpp"
#include "connection/refresh.hpp"
#include "policy/limits.hpp"
#include "policy/passed_methods.hpp"
#include "policy/session_rules.hpp"
#include "provider/registry.hpp"
#include "proxy/forward_proxy.hpp"
#include "sys/staged_child.hpp"

namespace claviger::app {

struct RunRequest {
    std::vector<std::string> command;  // program and arguments, never empty
    // provider -> connection name; empty = every connected provider with its default connection
    std::vector<std::pair<std::string, std::string>> use;
    proxy::Unmatched unmatched = proxy::Unmatched::allow;
    std::vector<std::string> keep_environment;  // --keep-env
    bool only_used = false;  // --only: nothing but what `use` names
    policy::RuleLayer rules{"the command line", {}};  // --allow, --deny, --ask, --read-only
    policy::PassedMethods methods;                    // --pass-method, and a trusted project file's
    std::optional<policy::Rate> rate;                 // --rate
    std::optional<base::Duration> lasting;            // --for
    // What the project file says beside `use` and the like, which are above already.
    struct Project {
        policy::RuleLayer rules;
        std::optional<policy::Rate> rate;
        std::optional<base::Duration> lasting;
    };
    std::optional<Project> project;
    std::vector<std::string> not_chosen{};            // providers of `use` that break no tie: an untrusted file names them
    std::function<void(std::string_view)> say;  // a line for the human
};

struct Broker {  // what a session borrows
    vault::Vault& vault;
    connection::Connections& connections;
    const provider::Registry& registry;
    const Config& config;
    const base::Clock& clock;
    base::Random& random;
    base::Log& log;
    std::filesystem::path home;
};

base::Result<connection::Refresher::Surroundings> renewal_surroundings(const Broker& broker, net::Loop& loop);
base::Result<std::unique_ptr<connection::Refresher>> make_refresher(const Broker& broker, net::Loop& loop);

// How a session ended: the program's own code, or why there was none to run.
struct RunEnd {
    enum class Program { ran, not_found, not_executable };
    Program program = Program::ran;
    int exit_code = 0;                // of the program; 128 + signal when killed
    std::optional<base::Error> why;  // unless it ran
};

// What a program of the session is told beside where the proxy is.
struct ProgramsView {
    std::map<std::string, std::string> placeholders;  // names of the environment -> what stands there
    std::map<std::string, net::Url> bases;            // provider -> where its reverse form leads
    std::vector<base::HiddenValues> hidden;           // secret variables, which stand in URLs: never in a record or an explanation
    [[nodiscard]] std::string masked(std::string text) const;
};

// The routes of the session: one per chosen connection whose definition reads. Problems are said, not fatal.
base::Result<std::vector<policy::Route>> session_routes(const Broker& broker, const RunRequest& request,
                                                        ProgramsView& view);

// Runs the program to its end. Errors are those of the session itself, before the program was to be started. SIGTERM, SIGHUP and friends are forwarded; SIGINT too unless the terminal already sent it to the child.
// `child` was staged before the vault was opened; with Unmatched::deny its sandbox lets it connect to the proxy alone.
base::Result<RunEnd> run_session(const Broker& broker, const RunRequest& request, sys::StagedChild& child);

}  // namespace claviger::app
