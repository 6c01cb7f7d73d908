// URI references inside one schema document: resolution of $ref and $id against a base (RFC 3986 section 5.2).
// Names things only, fetches nothing (PK-10). Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace claviger::json::schema {

struct Reference {
    std::string resource;  // absolute as far as the base allows, without fragment
    std::string fragment;  // still percent-encoded, without '#'
};

Reference resolve(std::string_view base, std::string_view reference);

}  // namespace claviger::json::schema
