// Inside browser.cpp and its test: open_browser() with other openers than those of the machine. Thread rule: any thread.
#pragma once

#include <span>
#include <string>

#include "base/error.hpp"

namespace claviger::sys {

// Absolute paths, tried in this order. Errors as open_browser()'s.
base::Result<void> open_browser_by(std::span<const char* const> openers, const std::string& url);

}  // namespace claviger::sys
