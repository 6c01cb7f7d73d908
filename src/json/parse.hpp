// Foreign JSON: size limit first, strict RFC 8259 (or with comments for definition files), depth limit,
// duplicate keys refused. Errors carry line and column. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
    Document() = default;  // null, without places
    static base::Result<Document> parse(std::string_view text, const ParseOptions& options = {});
    [[nodiscard]] const Value& root() const { return root_; }
    // Of the value at `pointer` (for an object member: of its key); of the nearest existing parent otherwise.
    [[nodiscard]] Position position(std::string_view pointer) const;
    // With refuse_duplicate_keys off: the keys that came again, in the order of the text; the first kMostRepeated.
    struct Repeated {
        std::string pointer;
        Position place;  // of the later one, which counts
    };
    static constexpr std::size_t kMostRepeated = 50;
    [[nodiscard]] const std::vector<Repeated>& repeated() const { return repeated_; }

private:
    // A tree kept flat: a place is an index into positions_, the root is 0. Size grows with the text, not with
    // the length of pointers into it.
    using Edge = std::pair<std::uint32_t, std::string>;  // parent place, key or index
    class Recorder;
    Document(Value root, Document recorded)
        : root_(std::move(root)), positions_(std::move(recorded.positions_)), places_(std::move(recorded.places_)),
          repeated_(std::move(recorded.repeated_)) {}
    Value root_;
    std::vector<Position> positions_;
    std::map<Edge, std::uint32_t> places_;
    std::vector<Repeated> repeated_;
};

}  // namespace claviger::json
