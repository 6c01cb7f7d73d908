// fork and exec, in the two manners this program needs. Internal to the folder. Thread rule: any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sys/process.hpp"

namespace claviger::sys {

enum class Manner {
    attached,  // same process group and terminal; the caller reaps it
    detached,  // own session, standard streams on /dev/null; nobody waits for it
};

base::Result<Child> spawn(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment,
                          Manner manner);

}  // namespace claviger::sys
