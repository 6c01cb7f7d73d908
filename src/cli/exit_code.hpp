// Exit codes of the command line, one per class of failure (CL-11). This table is the documentation: `claviger help
// exit-codes`, the man page and docs are generated from it. Thread rule: constants.
#pragma once

#include <span>
#include <string_view>

#include "base/error.hpp"

namespace claviger::cli {

struct ExitCode {
    int code;
    std::string_view name, meaning;  // name: the words of the error's "code" in JSON, separated by ", "
};

std::span<const ExitCode> exit_codes();
int exit_code_of(base::ErrorCode code);

inline constexpr int kExitUsage = 2;
inline constexpr int kExitFault = 14;  // doctor or a check found something
inline constexpr int kExitCannotExecute = 126, kExitNoSuchProgram = 127;  // run, as shells say it

}  // namespace claviger::cli
