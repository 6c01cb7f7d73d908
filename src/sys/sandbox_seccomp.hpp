// The system calls that would go round the rest of the sandbox. Internal to the folder. Thread rule: for a process
// with one thread.
#pragma once

#include "base/error.hpp"

namespace claviger::sys {

struct SeccompRules {
    bool only_tcp = false;         // of the internet's sockets TCP alone, which Landlock can judge
    bool usual_families = false;   // sockets of no other kinds than Unix, internet and netlink: others, as those of virtual machines, know no namespace
    bool no_unix_sockets = false;  // where nothing else keeps the program from sockets that have a path or a name
};
base::Result<void> enter_seccomp(const SeccompRules& rules);

}  // namespace claviger::sys
