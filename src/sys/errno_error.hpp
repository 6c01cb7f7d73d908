// errno as an Error: one table for the whole folder. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace claviger::sys {

base::ErrorCode code_of_errno(int error_number);
// "<what> <path>: <reason>", with a hint for the failures a person can mend. No secret may be in `subject`.
base::Error errno_error(int error_number, std::string_view what, std::string_view subject);

}  // namespace claviger::sys
