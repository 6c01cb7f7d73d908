#include "cli/main.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "cli/context.hpp"
#include "cli/exit_code.hpp"
#include "sys/process.hpp"

namespace claviger::cli {
namespace {

// Before there is a Context, --json may already have been asked for.
Output output_for(const std::vector<std::string>& arguments) {
    Output::Options options;
    for (const auto& argument : arguments) {
        if (argument == "--") break;
        options.json = options.json || argument == "--json";
    }
    return Output(options);
}

// A standard descriptor that is missing would become the next file's or socket's number: an answer would be written
// into it, and a child would inherit it. What stands in for it fails as a closed one does: it cannot be read, or not written.
void hold_standard_descriptors() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY));
    }
}

int report(const Output& out, const base::Error& error) {
    const int code = exit_code_of(error.code);
    out.error(error, code);
    return code;
}

int run(const std::vector<std::string>& arguments) {
    auto parsed = parse_arguments(arguments);
    if (!parsed) return report(output_for(arguments), parsed.error());
    if (!parsed->invocation) {
        output_for(arguments).data(parsed->text);
        return parsed->exit_code;
    }
    // `run` does so itself, once it has the process that becomes the program and shall have the user's own limit.
    if (!parsed->invocation->command->takes_program) sys::forbid_core_files();
    auto context = Context::make(*parsed->invocation);
    if (!context) return report(output_for(arguments), context.error());
    auto code = parsed->invocation->command->handler(**context, *parsed->invocation);
    if (!code) {
        (*context)->out().progress("");
        const auto name = parsed->invocation->command->name;  // these two read what is damaged themselves, and say what then
        const bool mends = name == "vault repair" || name == "vault restore";
        return report((*context)->out(), mends ? code.error() : with_repair(code.error()));
    }
    if (auto written = (*context)->out().data_written(); !written && *code == 0) return report((*context)->out(), written.error());
    return *code;
}

}  // namespace

int run_command_line(int argc, char** argv) {
    hold_standard_descriptors();
    sys::harden_this_process();       // before the first secret (CL-13)
    std::signal(SIGPIPE, SIG_IGN);    // a closed stdout is seen as a failed write
    try {
        return run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& bug) {
        base::Error error = base::Error::make(base::ErrorCode::internal, bug.what(), "this is a bug in claviger; please report it");
        return report(Output(Output::Options{}), error);
    }
}

}  // namespace claviger::cli
