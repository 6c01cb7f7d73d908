// A regular expression of a schema: ECMA-262 syntax as far as RE2 can run it in linear time (PK-08). Limits:
// kLongestPattern bytes, kLargestProgram instructions. Look-around and back references do not compile.
// Thread rule: immutable, safe to share.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace re2 {
class RE2;
}

namespace claviger::json::schema {

class Pattern {
public:
    static constexpr std::size_t kLongestPattern = 2000;
    static constexpr std::size_t kLargestProgram = 2000;

    // The error's message is without the pattern, for putting behind its place.
    static base::Result<Pattern> compile(std::string_view ecma);
    // Anywhere in `text`, as JSON Schema wants it.
    [[nodiscard]] bool matches(std::string_view text) const;
    // What matching `text` may cost, in steps of a validation's budget.
    [[nodiscard]] std::size_t cost(std::size_t text_size) const;
    [[nodiscard]] std::size_t size() const;  // in instructions
    [[nodiscard]] const std::string& source() const { return source_; }

private:
    Pattern(std::shared_ptr<const re2::RE2> program, std::string source);
    std::shared_ptr<const re2::RE2> program_;
    std::string source_;
};

}  // namespace claviger::json::schema
