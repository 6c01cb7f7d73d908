// JSON Schema 2020-12 (the assertions and applicators; local $ref only, no remote documents, PK-10), also
// accepting draft-07 spelling of `items` arrays, `definitions` and `dependencies`; a `$schema` of draft-07 also
// makes `$ref` hide its siblings. Patterns run on RE2 (PK-08): look-around and back references do not compile.
// Not supported, and refused rather than ignored: $dynamicRef, $recursiveRef. Ignored: $vocabulary, content*.
// A validation stops with one violation of keyword "limit" when it recurses or works beyond a bound.
// Messages quote the schema and keys of the instance, never its values (they may be credentials).
// Thread rule: a compiled Schema is immutable and safe to share.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "json/value.hpp"

namespace claviger::json {

struct SchemaViolation {
    std::string instance_pointer;  // where in the instance
    std::string keyword;           // "required", "type", ...
    std::string message;           // a sentence: "must be one of a, b"
};

struct SchemaOptions {
    // Makes `format` an assertion for date-time, date, uri, email, hostname, ipv4, ipv6 and regex.
    bool assert_formats = false;
};

class Schema {
public:
    // Copies what it needs of `schema`. Error code invalid_input, the message names the place in the schema.
    static base::Result<Schema> compile(const Value& schema, const SchemaOptions& options = {});
    // All violations, in document order; empty = valid.
    [[nodiscard]] std::vector<SchemaViolation> validate(const Value& instance) const;

    struct Node;

private:
    explicit Schema(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
    std::shared_ptr<const Node> root_;
};

}  // namespace claviger::json
