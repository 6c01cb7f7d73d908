#include "cli/main.hpp"

int main(int argc, char** argv) { return claviger::cli::run_command_line(argc, argv); }
