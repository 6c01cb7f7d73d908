// The result of a probe as `login --json` and `provider probe --json` print it. Thread rule: pure functions.
#pragma once

#include "app/account.hpp"
#include "json/value.hpp"

namespace claviger::cli {

// works, method, url, status (null: no answer), milliseconds.
json::Object probe_json(const app::ProbeResult& result);

}  // namespace claviger::cli
