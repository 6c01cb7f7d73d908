// JSON values: Boost.JSON under our names, so that one folder knows the library. Parsing goes through
// json/parse.hpp only. `secret_storage()` gives a memory resource that wipes what it frees: use it for every
// document that holds a credential (VA-08).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include "base/secret.hpp"

namespace claviger::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;
using StoragePtr = boost::json::storage_ptr;

StoragePtr secret_storage();

std::string to_text(const Value& value);                // compact
std::string to_pretty_text(const Value& value);         // two spaces, keys in their order, final newline
base::Secret to_secret_text(const Value& value);        // compact, never in unwiped memory
std::string to_canonical_text(const Value& value);      // RFC 8785 (JCS): sorted keys, for digests

// nullptr when absent or of another type. Never throw.
const Value* find(const Object& object, std::string_view key);
std::optional<std::string_view> string_at(const Object& object, std::string_view key);
std::optional<std::int64_t> int_at(const Object& object, std::string_view key);
std::optional<bool> bool_at(const Object& object, std::string_view key);
const Object* object_at(const Object& object, std::string_view key);
const Array* array_at(const Object& object, std::string_view key);

// RFC 6901. Never throws; nullptr when nothing is there.
const Value* at_pointer(const Value& root, std::string_view pointer);
std::string pointer_append(std::string_view pointer, std::string_view token);  // escapes ~ and /
std::string pointer_append(std::string_view pointer, std::size_t index);

}  // namespace claviger::json
