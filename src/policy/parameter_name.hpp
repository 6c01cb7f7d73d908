// The name of a parameter of a query as the most forgiving server might read it: for removing it and for withholding, never
// for letting through. Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

namespace claviger::policy {

// `name`: what stands before the '='. Decoded where it can be, in small letters, '_', '.' and ' ' as '-', without what
// begins with '[' or NUL, as PHP reads names.
std::string forgiving_name(std::string_view name);

}  // namespace claviger::policy
