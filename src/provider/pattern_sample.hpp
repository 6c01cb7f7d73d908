// A text that a pattern matches and that a human sees to be no key: "sk_test_clavigermanagedp". Thread rule: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace claviger::provider {

// Always the same for a pattern. Nothing for one that cannot be used, that is written in a way not understood here, or that
// matches no text of at most kLongestSample bytes.
std::optional<std::string> pattern_sample(std::string_view pattern);

inline constexpr std::size_t kLongestSample = 256;

}  // namespace claviger::provider
