// JSON Schema 2020-12 (the assertions and applicators; local $ref only, no remote documents, PK-10), also
// accepting draft-07 spelling of `items` arrays and `definitions`. Patterns run on RE2 (PK-08).
// Thread rule: a compiled Schema is immutable and safe to share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "json/value.hpp"

namespace claviger::json {

struct SchemaViolation {
    std::string instance_pointer;  // where in the instance
    std::string keyword;           // "required", "type", ...
    std::string message;           // a sentence: "must be one of a, b"
};

class Schema {
public:
    static base::Result<Schema> compile(const Value& schema);
    // All violations, in document order; empty = valid.
    [[nodiscard]] std::vector<SchemaViolation> validate(const Value& instance) const;

    struct Node;

private:
    std::shared_ptr<const Node> root_;
};

}  // namespace claviger::json
