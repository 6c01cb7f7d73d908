#include "cli/commands/agree.hpp"

#include "cli/interruptible.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {

base::Result<void> agree(const Output& out, const Invocation& invocation, std::string_view question, std::string_view hint) {
    if (invocation.has("--yes")) return {};
    const bool terminal = sys::has_controlling_terminal();
    if (!terminal || out.json()) {
        return base::fail(base::ErrorCode::usage, terminal ? "this needs a confirmation, and with --json nobody is asked" : "this needs a confirmation and there is no terminal to ask on",
                          std::string(hint));
    }
    TRY(yes, ask_yes_no(question));
    if (yes) return {};
    return base::fail(base::ErrorCode::cancelled, "nothing was changed");
}

}  // namespace claviger::cli
