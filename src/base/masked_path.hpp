// The path of a URL as it may be written down: segments that look like a secret are masked (LG-03). By its form alone, so
// it errs to both sides: a UUID, a date and words are kept, a random segment of some 16 characters and more is not.
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace claviger::base {

inline constexpr std::string_view kMaskedSegment = "***";

// Printable, and cut to `limit` bytes with "..." at the end. What follows a "?" or "#" is dropped.
std::string masked_path(std::string_view path, std::size_t limit = 512);

}  // namespace claviger::base
