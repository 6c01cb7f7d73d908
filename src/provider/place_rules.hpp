// Judging one `api_url` target or one `authorized_uris` pattern as text of a definition: is it well-formed, and is it
// narrow enough? Matching requests against it is policy's work. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "provider/definition.hpp"
#include "provider/read.hpp"

namespace claviger::provider {

struct PlaceProblem {
    Severity severity = Severity::error;
    std::string code, message;
};

// host, host:port, https://host/prefix, *.host, **.host, regex:<host pattern>
std::vector<PlaceProblem> target_problems(std::string_view target);
// https://host/path with '*' for one label or segment and '**' in the path
std::vector<PlaceProblem> uri_pattern_problems(std::string_view pattern);
// A variable in a host must be followed by two fixed labels, or its value would choose the domain.
std::optional<PlaceProblem> variable_host_problem(std::string_view url_template);

// A harmless value for every {variable} of a template: an origin at its start, else one label.
VariableValues sample_values(std::string_view url_template);

}  // namespace claviger::provider
