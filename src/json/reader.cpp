#include "json/reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::json {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(boost::json::string& out, std::uint32_t c) {
    const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xc0 | c >> 6);
        put(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        put(0xe0 | c >> 12);
        put(0x80 | (c >> 6 & 0x3f));
        put(0x80 | (c & 0x3f));
    } else {
        put(0xf0 | c >> 18);
        put(0x80 | (c >> 12 & 0x3f));
        put(0x80 | (c >> 6 & 0x3f));
        put(0x80 | (c & 0x3f));
    }
}

}  // namespace

Position Reader::here() const {
    return {line_, static_cast<std::uint32_t>(std::min(at_, text_.size()) - line_start_ + 1)};
}

tl::unexpected<base::Error> Reader::bad(std::string_view what) const {
    const Position at = here();
    return base::fail(base::ErrorCode::invalid_input, fmt::format("line {}, column {}: {}", at.line, at.column, what));
}

// Never quotes more than one character of the text: it may be a credential.
tl::unexpected<base::Error> Reader::bad_value() const {
    if (at_end()) return bad("the text ends where a value should be");
    switch (peek()) {
        case '\'': return bad("strings stand in double quotes");
        case '/':
        case '#': return bad(options_.comments ? "comments begin with // or /*" : "comments are not allowed here");
        case ',': return bad("a value is missing before the comma");
        case ']':
        case '}': return bad(fmt::format("a value is missing before '{}'", peek()));
        case '+': return bad("a number does not begin with '+'");
        case '.': return bad("a number needs a digit before its point");
        default: return bad("expected a value (a string, number, object, array, true, false or null)");
    }
}

base::Result<> Reader::check_utf8() {
    if (base::valid_utf8(text_)) return {};
    while (!at_end()) {  // slow, to find the place for the message
        std::size_t length = 1;
        while (length <= 4 && !base::valid_utf8(text_.substr(at_, length))) ++length;
        if (length > 4) break;
        if (peek() == '\n') {
            ++line_;
            line_start_ = at_ + 1;
        }
        at_ += length;
    }
    return bad("not valid utf-8; save the text as utf-8");
}

base::Result<Value> Reader::read() {
    if (text_.size() > options_.max_bytes) {
        return base::fail(base::ErrorCode::invalid_input,
                          fmt::format("line 1, column 1: larger than the limit of {} bytes", options_.max_bytes));
    }
    TRY_VOID(check_utf8());
    if (text_.starts_with("\xef\xbb\xbf")) return bad("begins with a byte order mark; save the text without it");
    TRY_VOID(space());
    if (places_ != nullptr) places_->root(here());
    auto root = value(0, 0);
    if (!root) return root;
    TRY_VOID(space());
    if (!at_end()) return bad("nothing may follow the value");
    return root;
}

base::Result<Value> Reader::value(std::size_t depth, std::uint32_t place) {
    switch (peek()) {
        case '{': return object(depth + 1, place);
        case '[': return array(depth + 1, place);
        case '"': {
            Value text(boost::json::string_kind, options_.storage);
            TRY_VOID(string(text.get_string()));
            return text;
        }
        case 't':
        case 'f':
        case 'n': return literal();
        default: return peek() == '-' || digit(peek()) ? number() : bad_value();
    }
}

base::Result<Value> Reader::literal() {
    const auto rest = text_.substr(at_);
    constexpr std::string_view kTrue = "true", kFalse = "false", kNull = "null";
    if (rest.starts_with(kTrue)) {
        at_ += kTrue.size();
        return Value(true, options_.storage);
    }
    if (rest.starts_with(kFalse)) {
        at_ += kFalse.size();
        return Value(false, options_.storage);
    }
    if (rest.starts_with(kNull)) {
        at_ += kNull.size();
        return Value(nullptr, options_.storage);
    }
    return bad_value();
}

base::Result<bool> Reader::more(char close, const char* expected) {
    TRY_VOID(space());
    const bool comma = peek() == ',';
    if (comma) {
        ++at_;
        TRY_VOID(space());
        if (peek() == close && !options_.comments) return bad(fmt::format("a comma may not stand before '{}'", close));
    }
    if (peek() == close && !at_end()) {
        ++at_;
        return false;
    }
    if (!comma) return bad(at_end() ? fmt::format("the text ends before the closing '{}'", close) : expected);
    return true;
}

base::Result<Value> Reader::array(std::size_t depth, std::uint32_t place) {
    if (depth > std::min(options_.max_depth, kDeepest)) return bad("nested too deeply");
    ++at_;
    Value result(boost::json::array_kind, options_.storage);
    Array& items = result.get_array();
    TRY_VOID(space());
    if (peek() == ']') {
        ++at_;
        return result;
    }
    for (;;) {
        const auto item_place = places_ == nullptr ? 0 : places_->item(place, items.size(), here());
        auto item = value(depth, item_place);
        if (!item) return item;
        items.push_back(std::move(*item));
        TRY(go_on, more(']', "expected a comma or ']' after an array's element"));
        if (!go_on) return result;
    }
}

base::Result<Value> Reader::object(std::size_t depth, std::uint32_t place) {
    if (depth > std::min(options_.max_depth, kDeepest)) return bad("nested too deeply");
    ++at_;
    Value result(boost::json::object_kind, options_.storage);
    TRY_VOID(space());
    if (peek() == '}') {
        ++at_;
        return result;
    }
    for (;;) {
        TRY_VOID(member(result.get_object(), depth, place));
        TRY(go_on, more('}', "expected a comma or '}' after an object's member"));
        if (!go_on) return result;
    }
}

base::Result<> Reader::member(Object& object, std::size_t depth, std::uint32_t place) {
    const Position key_at = here();
    if (peek() != '"') {
        return bad(at_end() ? "the text ends before the closing '}'" : "expected a key in double quotes");
    }
    String key(options_.storage);
    const std::size_t key_begin = at_;
    TRY_VOID(string(key));
    if (options_.refuse_duplicate_keys && object.contains(key)) {
        at_ = key_begin;
        return bad(fmt::format("the key \"{}\" is there twice", base::printable(key, 80)));
    }
    TRY_VOID(space());
    if (peek() != ':') return bad(at_end() ? "the text ends before the ':' after a key" : "expected ':' after the key");
    ++at_;
    TRY_VOID(space());
    const auto member_place = places_ == nullptr ? 0 : places_->member(place, key, key_at);
    TRY(read, value(depth, member_place));
    object.insert_or_assign(key, std::move(read));
    return {};
}

base::Result<Value> Reader::number() {
    const std::size_t begin = at_;
    const auto digits = [this] {
        const std::size_t first = at_;
        while (digit(peek())) ++at_;
        return at_ != first;
    };
    if (peek() == '-') ++at_;
    const bool zero = peek() == '0';
    const std::size_t first_digit = at_;
    if (!digits()) return bad("expected a digit after '-'");
    if (zero && at_ - first_digit > 1) {
        at_ = first_digit;
        return bad("a number may not begin with 0");
    }
    bool integer = true;
    if (peek() == '.') {
        ++at_;
        integer = false;
        if (!digits()) return bad("expected a digit after the point");
    }
    if (peek() == 'e' || peek() == 'E') {
        ++at_;
        integer = false;
        if (peek() == '+' || peek() == '-') ++at_;
        if (!digits()) return bad("expected a digit in the exponent");
    }
    const char* const from = text_.data() + begin;
    const char* const to = text_.data() + at_;
    if (integer) {
        std::int64_t small = 0;
        if (std::from_chars(from, to, small).ec == std::errc{}) return Value(small, options_.storage);
        std::uint64_t large = 0;
        if (*from != '-' && std::from_chars(from, to, large).ec == std::errc{}) return Value(large, options_.storage);
    }
    double real = 0;
    if (std::from_chars(from, to, real).ec != std::errc{} || !std::isfinite(real)) {
        at_ = begin;
        return bad("the number is out of range");
    }
    return Value(real, options_.storage);
}

base::Result<> Reader::string(String& out) {
    ++at_;
    for (;;) {
        const std::size_t begin = at_;
        while (!at_end() && peek() != '"' && peek() != '\\' && static_cast<unsigned char>(peek()) >= 0x20) ++at_;
        out.append(text_.substr(begin, at_ - begin));
        if (at_end()) return bad("the text ends inside a string");
        if (peek() == '"') break;
        if (peek() != '\\') return bad("a control character in a string must be escaped");
        TRY_VOID(escape(out));
    }
    ++at_;
    return {};
}

base::Result<std::uint32_t> Reader::four_hex() {
    std::uint32_t unit = 0;
    const auto hex = text_.substr(at_, 4);
    const auto* end = hex.data() + hex.size();
    const auto [stop, error] = std::from_chars(hex.data(), end, unit, 16);
    if (hex.size() != 4 || error != std::errc{} || stop != end) return bad("\\u needs four hexadecimal digits");
    at_ += 4;
    return unit;
}

base::Result<> Reader::escape(String& out) {
    const std::size_t begin = at_++;
    const char kind = peek();
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    const auto simple = at_end() ? std::string_view::npos : kNames.find(kind);
    if (simple != std::string_view::npos) {
        out.push_back(kMeanings[simple]);
        ++at_;
        return {};
    }
    if (kind != 'u') {
        at_ = begin;
        return bad("unknown escape in a string; a backslash itself is written \\\\");
    }
    ++at_;
    TRY(unit, four_hex());
    if (unit >= 0xd800 && unit <= 0xdfff) {
        std::uint32_t low = 0;
        if (unit < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
            at_ += 2;
            TRY(second, four_hex());
            low = second;
        }
        if (low < 0xdc00 || low > 0xdfff) {
            at_ = begin;
            return bad("half of a surrogate pair stands alone");
        }
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out, unit);
    return {};
}

base::Result<> Reader::space() {
    for (; !at_end(); ++at_) {
        switch (peek()) {
            case '\n':
                ++line_;
                line_start_ = at_ + 1;
                break;
            case ' ':
            case '\t':
            case '\r': break;
            case '/': {
                if (!options_.comments) return {};  // bad_value() or more() tells what is wrong
                TRY_VOID(comment());
                --at_;  // the loop steps over the comment's last character
                break;
            }
            default: return {};
        }
    }
    return {};
}

// Leaves at_ behind the comment; for a line comment at its newline, or at the end.
base::Result<> Reader::comment() {
    const auto rest = text_.substr(at_);
    if (rest.starts_with("//")) {
        at_ += std::min(rest.find('\n'), rest.size());
        return {};
    }
    const auto end = rest.starts_with("/*") ? rest.find("*/", 2) : 0;
    if (end == 0) return bad("comments begin with // or /*");
    if (end == std::string_view::npos) return bad("the comment is not closed with */");
    for (const std::size_t stop = at_ + end; at_ < stop; ++at_) {
        if (peek() != '\n') continue;
        ++line_;
        line_start_ = at_ + 1;
    }
    at_ += 2;
    return {};
}

}  // namespace claviger::json
