#include "app/isolation.hpp"
#include "cli/commands/session_options.hpp"
#include "cli/exit_code.hpp"

namespace claviger::cli {

namespace {

sys::SandboxChoice sandbox_choice(const Invocation& invocation) {
    if (invocation.has("--no-sandbox")) return sys::SandboxChoice::none;
    const std::string wanted = invocation.value("--sandbox");
    if (wanted == "namespace") return sys::SandboxChoice::namespaces;
    return wanted == "landlock" ? sys::SandboxChoice::landlock : sys::SandboxChoice::automatic;
}

// What holds is said; L0 as a warning. With --json the only document is the error, if there is one.
void say_isolation(Context& context, const sys::SandboxReport& report) {
    if (report.isolation != sys::Isolation::none) context.out().talk("isolation: " + app::describe(report));
    else if (!context.out().quiet() && !context.out().json()) context.out().warn("isolation: " + app::describe(report));
    for (const auto& limit : report.limits) context.out().talk("note: " + limit);
}

base::Result<void> check_contradictions(const Invocation& invocation) {
    if (invocation.has("--no-sandbox") && invocation.has("--sandbox")) {
        return base::fail(base::ErrorCode::usage, "--sandbox and --no-sandbox contradict each other", "give one of them");
    }
    if (!invocation.has("--transparent")) return {};
    if (invocation.has("--no-sandbox")) return base::fail(base::ErrorCode::usage, "--transparent needs the sandbox that --no-sandbox leaves out", "give one of them");
    if (invocation.value("--sandbox") == "landlock") {
        return base::fail(base::ErrorCode::usage, "--transparent needs namespaces, and --sandbox landlock does without", "give one of them");
    }
    return {};
}

}  // namespace

Outcome run_program(Context& context, const Invocation& invocation) {
    TRY_VOID(check_contradictions(invocation));
    TRY(request, parse_session_options(invocation));
    TRY_VOID(app::check_reachable(context.home()));
    TRY(plan, app::plan_isolation(context.home(), {sandbox_choice(invocation), invocation.has("--transparent")}, invocation.program));
    TRY(staged, sys::StagedChild::stage(plan));  // before there is a secret in memory
    TRY_VOID(complete_session_options(context, invocation, request, true));
    request.command = invocation.program;
    request.keep_environment = invocation.values("--keep-env");
    TRY(broker, context.broker());
    say_isolation(context, staged.report());
    TRY(end, app::run_session(broker, request, staged));
    using Program = app::RunEnd::Program;
    if (end.program == Program::ran) return end.exit_code;
    // What a shell says of a program that is not there, or not executable.
    const int code = end.program == Program::not_found ? kExitNoSuchProgram : kExitCannotExecute;
    context.out().error(*end.why, code);
    return code;
}

}  // namespace claviger::cli
