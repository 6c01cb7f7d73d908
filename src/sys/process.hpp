// Processes: hardening of this one, starting and watching a child. Thread rule: call from the main thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace claviger::sys {

// Non-dumpable, no core file; before the first secret is touched (CL-13). Sanitizer and debugger builds may fail softly.
void harden_this_process();
// The hard limit too, which nobody but root can raise again: once no program is to be started that should have the user's.
void forbid_core_files();

// What the current environment is, minus nothing.
std::map<std::string, std::string> environment();

struct Child {
    pid_t pid = -1;
};
// fork + exec with exactly this environment; file descriptors above 2 are closed; signal mask and dispositions reset.
// not_found / denied as exec says (for exit codes 127 and 126).
base::Result<Child> start_child(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment);

struct ChildExit {
    int exit_code = 0;    // what a shell would report: status, or 128 + signal
    int signal = 0;       // 0 when it exited
};
// Non-blocking reap; nullopt while it runs.
base::Result<std::optional<ChildExit>> poll_child(const Child& child);

// Opens a validated https/loopback URL in the user's browser: execve with an argv, no shell, cleaned environment
// (OA-28). unsupported when there is no display or opener.
base::Result<void> open_browser(const std::string& url);
// A page of our own, by its absolute path: for what must not stand in an opener's arguments.
base::Result<void> open_browser_on_file(const std::filesystem::path& file);

}  // namespace claviger::sys
