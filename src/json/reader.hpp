// The one JSON reader behind parse() and Document: RFC 8259, strictly, building the value in one pass, so that
// what was checked is what is used. Recursive, bounded by kDeepest whatever the options say.
// Ownership: borrows the text and the options for its life. Thread rule: as a value; made by parse.cpp only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "json/parse.hpp"
#include "json/value.hpp"

namespace claviger::json {

class Reader {
public:
    static constexpr std::size_t kDeepest = 512;  // the stack's limit

    // Told of the place of every value while reading; indices are given out in reading order from 1, the
    // root is 0.
    class Places {
    public:
        virtual ~Places() = default;
        virtual std::uint32_t member(std::uint32_t parent, std::string_view key, Position at) = 0;
        virtual std::uint32_t item(std::uint32_t parent, std::size_t index, Position at) = 0;
        virtual void root(Position at) = 0;
    };

    Reader(std::string_view text, const ParseOptions& options, Places* places)
        : text_(text), options_(options), places_(places) {}

    base::Result<Value> read();

private:
    using String = boost::json::string;

    base::Result<Value> value(std::size_t depth, std::uint32_t place);
    base::Result<Value> array(std::size_t depth, std::uint32_t place);
    base::Result<Value> object(std::size_t depth, std::uint32_t place);
    base::Result<> member(Object& object, std::size_t depth, std::uint32_t place);
    base::Result<Value> number();
    base::Result<Value> literal();
    base::Result<> string(String& out);
    base::Result<> escape(String& out);
    base::Result<std::uint32_t> four_hex();
    base::Result<> space();
    base::Result<> comment();
    // After a value inside a container: true when the container goes on.
    base::Result<bool> more(char close, const char* expected);

    [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
    [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
    [[nodiscard]] Position here() const;
    [[nodiscard]] tl::unexpected<base::Error> bad(std::string_view what) const;
    [[nodiscard]] tl::unexpected<base::Error> bad_value() const;
    [[nodiscard]] base::Result<> check_utf8();

    std::string_view text_;
    const ParseOptions& options_;
    Places* places_;  // may be null
    std::size_t at_ = 0;
    std::size_t line_start_ = 0;
    std::uint32_t line_ = 1;
};

}  // namespace claviger::json
