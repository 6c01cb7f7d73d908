// Patterns of definitions: RE2, so linear in the text, with bounds on the pattern and on its program (PK-08).
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace claviger::provider {

inline constexpr std::size_t kLongestPattern = 512;

// Why the pattern cannot be used; nullopt when it can.
std::optional<std::string> pattern_problem(std::string_view pattern);
// The whole text matches. False for a pattern that cannot be used.
bool pattern_matches(std::string_view pattern, std::string_view text);
// Whether every host that the pattern matches in full lies under one fixed domain of at least two labels that is no
// public suffix. A conservative reading: "no" when in doubt.
bool host_pattern_is_anchored(std::string_view pattern);

}  // namespace claviger::provider
