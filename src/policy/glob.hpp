// '*' and '**' of a path or query as a regular expression over its canonical text. Internal to policy/.
// Thread rule: pure functions.
#pragma once

#include <memory>
#include <string_view>

#include <re2/re2.h>

namespace claviger::policy {

enum class Case { sensitive, folded };

// '*' stays within a segment (or a parameter of a query), '**' does not; alone between two slashes '*' needs a character,
// since "//" may be read as "/". Null when the pattern is too complex.
std::unique_ptr<const re2::RE2> compile_glob(std::string_view glob, char separator, Case letters = Case::sensitive);

bool full_match(const re2::RE2& regex, std::string_view text);

}  // namespace claviger::policy
