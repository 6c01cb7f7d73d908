// The formats a schema may assert (RFC 3339, 3986, 5321, 1123, 2673, 4291). Thread rule: pure functions.
#pragma once

#include <string_view>

namespace claviger::json::schema {

using FormatCheck = bool (*)(std::string_view text);

// nullptr for a name that is not asserted; the specification wants unknown formats ignored.
FormatCheck format_check(std::string_view name);

}  // namespace claviger::json::schema
