// fork and exec, in the two manners this program needs. Internal to the folder. Thread rule: any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "sys/process.hpp"

namespace claviger::sys {

enum class Manner {
    attached,  // same process group and terminal; the caller reaps it
    detached,  // own session, standard streams on /dev/null; nobody waits for it
};

base::Result<Child> spawn(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment,
                          Manner manner);

// Closes every descriptor but the standard three at exec, resets signals, executes. Returns errno when nothing could be
// executed. Only in a process that was forked for it; allocates, so it must have one thread.
int become(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment);
base::Error exec_error(int failure, const std::string& program);

// RLIMIT_CORE as this process was given it.
const rlimit& core_limit_at_start();

}  // namespace claviger::sys
