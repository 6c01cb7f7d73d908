// SQLite's result codes as Errors. Thread rule: pure function.
#pragma once

#include "base/error.hpp"

namespace claviger::store {

// `code` is an extended result code. The text never contains SQL or bound values.
base::Error sqlite_error(int code, std::string_view doing);

}  // namespace claviger::store
