// Equality and order of JSON values as JSON Schema means them: 1 and 1.0 are the same number, the order of
// members does not matter. Exact, also beyond 2^53. Thread rule: pure functions.
#pragma once

#include <cstddef>

#include "json/value.hpp"

namespace claviger::json::schema {

bool equal(const Value& a, const Value& b);
std::size_t hash(const Value& value);  // equal values have equal hashes

bool is_integer(const Value& value);  // also 1.0
// Of numbers only. Negative, zero or positive, as a < b, a == b, a > b.
int compare_numbers(const Value& a, const Value& b);
// In decimal arithmetic, so that 0.3 is a multiple of 0.1. `divisor` is greater than 0.
bool is_multiple(const Value& number, const Value& divisor);

}  // namespace claviger::json::schema
