// The keywords of JSON Schema 2020-12, by group: each function looks for its keywords in a schema object and
// adds the checks for those that are there. Thread rule: pure functions of their Source.
#pragma once

#include "json/schema/compiler.hpp"

namespace claviger::json::schema {

// Assertions on any value, numbers and strings.
base::Result<> compile_type(const Source& source);
base::Result<> compile_enum_and_const(const Source& source);
base::Result<> compile_numbers(const Source& source);
base::Result<> compile_strings(const Source& source);

// Objects.
base::Result<> compile_object_limits(const Source& source);
base::Result<> compile_required(const Source& source);
base::Result<> compile_members(const Source& source);
base::Result<> compile_property_names(const Source& source);
base::Result<> compile_dependencies(const Source& source);
base::Result<> compile_unevaluated_properties(const Source& source);

// Arrays.
base::Result<> compile_array_limits(const Source& source);
base::Result<> compile_items(const Source& source);
base::Result<> compile_contains(const Source& source);
base::Result<> compile_unevaluated_items(const Source& source);

// Schemas over the same value.
base::Result<> compile_reference(const Source& source);
base::Result<> compile_combinations(const Source& source);
base::Result<> compile_condition(const Source& source);

}  // namespace claviger::json::schema
