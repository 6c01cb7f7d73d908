// StagedChild: the process that becomes the program of a `run` session. It is forked before the first secret is in
// memory and waits, already inside its namespaces, until it is told what to execute; so it may be inspected like any
// process of the user, needs no care for what is safe after fork, and gives the program the user's own limits.
// Ownership: ends the process if it was never launched. Thread rule: main thread, `stage` before any other thread runs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "sys/descriptor.hpp"
#include "sys/network_namespace.hpp"
#include "sys/process.hpp"
#include "sys/sandbox.hpp"

namespace claviger::sys {

class StagedChild {
public:
    // ErrorCode::no_isolation, with the reasons, when the plan's choice cannot be had. From here on this process can leave
    // no core file, nor be made to.
    static base::Result<StagedChild> stage(const SandboxPlan& plan);
    StagedChild(StagedChild&& other) noexcept;
    StagedChild& operator=(StagedChild&&) = delete;
    ~StagedChild();

    [[nodiscard]] const SandboxReport& report() const { return report_; }
    [[nodiscard]] pid_t pid() const { return pid_; }  // the program's, once it is launched
    struct Program {
        std::vector<std::string> argv;
        std::map<std::string, std::string> environment;
        std::optional<std::uint16_t> only_port;  // TCP to this port alone, no other sockets of the internet
        std::vector<ShownMount> mounts{};         // where there are namespaces
    };
    // Of a plan with a network of its own, before the program runs: its sockets, to be answered here.
    base::Result<NamespaceSockets> listen(const std::vector<std::uint16_t>& ports);
    // Enters the rest of the sandbox and executes. Errors as start_child's, or no_isolation. Once only.
    base::Result<Child> launch(const Program& program);
    // All of `launch` but the program: whether the sandbox could be entered here.
    base::Result<void> rehearse();

private:
    StagedChild() = default;
    static base::Result<StagedChild> start(const SandboxPlan& plan, Isolation isolation);
    static base::Error interrupted();
    base::Result<void> command(const Program& program);
    pid_t pid_ = -1;
    Descriptor channel_;
    SandboxReport report_;
};

}  // namespace claviger::sys
