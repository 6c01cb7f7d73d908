// The controlling terminal: masked prompts from /dev/tty whose echo is restored however the program ends (CL-02).
// Thread rule: one prompt at a time, main thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace claviger::sys {

bool stdin_is_terminal();
bool stdout_is_terminal();
bool stderr_is_terminal();
bool has_controlling_terminal();
int terminal_columns();  // 80 when unknown

// Whether an answer of several lines is not over yet; it is asked at the end of each.
using GoesOn = std::function<bool(std::string_view so_far)>;
// ErrorCode::cancelled on Ctrl-C or end of input; not_found without a terminal.
base::Result<base::Secret> ask_secret(std::string_view prompt, const GoesOn& goes_on = {});
base::Result<std::string> ask_line(std::string_view prompt);
// Default is no. Without a terminal: not_found.
base::Result<bool> ask_yes_no(std::string_view question);

}  // namespace claviger::sys
