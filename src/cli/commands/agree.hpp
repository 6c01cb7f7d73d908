// The one rule of questions. What a human answers with no, with Ctrl-C or not at all is ErrorCode::cancelled; what nobody
// can be asked, for want of a terminal, is a word that the command line lacks: ErrorCode::usage, its hint names the word.
// Thread rule: main thread.
#pragma once

#include <string_view>

#include "cli/context.hpp"

namespace claviger::cli {

// The human's yes before a change; --yes says it beforehand.
base::Result<void> agree(const Output& out, const Invocation& invocation, std::string_view question, std::string_view hint = "add --yes");

}  // namespace claviger::cli
