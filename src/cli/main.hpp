// The command line's entry: everything but main() itself. Thread rule: main thread.
#pragma once

namespace claviger::cli {

// Returns the process's exit code.
int run_command_line(int argc, char** argv);

}  // namespace claviger::cli
