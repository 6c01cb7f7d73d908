// Foreign JSON: size limit first, strict RFC 8259 (or with comments for definition files), depth limit,
// duplicate keys refused. Errors carry line and column. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "json/value.hpp"

namespace claviger::json {

struct Position {
    std::uint32_t line = 0;    // from 1; 0 = unknown
    std::uint32_t column = 0;  // from 1, in bytes
};

struct ParseOptions {
    bool comments = false;            // // and /* */, and a trailing comma
    bool refuse_duplicate_keys = true;
    std::size_t max_bytes = 1 << 20;  // OA-10, RS-10
    std::size_t max_depth = 64;
    StoragePtr storage = {};          // secret_storage() for credentials
};

// Error code invalid_input; message "line 3, column 7: ...".
base::Result<Value> parse(std::string_view text, const ParseOptions& options = {});

// A document whose values can be traced back to their place in the text.
class Document {
public:
    static base::Result<Document> parse(std::string_view text, const ParseOptions& options = {});
    [[nodiscard]] const Value& root() const { return root_; }
    // Of the value at `pointer` (for an object member: of its key); of the nearest existing parent otherwise.
    [[nodiscard]] Position position(std::string_view pointer) const;

private:
    Value root_;
    std::map<std::string, Position, std::less<>> positions_;
};

}  // namespace claviger::json
