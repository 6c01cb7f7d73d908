// The four ways to write a Value. One writer for all, so that strings and numbers look the same everywhere:
// numbers as in ECMAScript (RFC 8785 section 3.2.2.3), strings with the fewest escapes (section 3.2.2.2).
// An integer is written exactly, also beyond 2^53 where RFC 8785 (over I-JSON) has no answer: two different
// integers must not share a digest.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "json/value.hpp"

namespace claviger::json {
namespace {

using Member = boost::json::key_value_pair;

enum class Layout { compact, pretty, canonical };

// Order of UTF-16 code units, on UTF-8: as bytes, except that supplementary characters (lead byte F0 and up,
// surrogates in UTF-16) come before U+E000 to U+FFFF (lead bytes EE and EF).
bool utf16_less(std::string_view a, std::string_view b) {
    const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (x == a.end() || y == b.end()) return x == a.end() && y != b.end();
    const auto rank = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte == 0xee || byte == 0xef) return byte + 0x100;
        return static_cast<int>(byte);
    };
    return rank(*x) < rank(*y);
}

// ECMAScript Number::toString on shortest round-trip digits.
template <class Out>
void write_double(Out& out, double number) {
    if (!std::isfinite(number)) {  // cannot come from a text; JSON has no word for it
        out += "null";
        return;
    }
    if (number == 0) {
        out += '0';
        return;
    }
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(number),
                                   std::chars_format::scientific).ptr;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    const auto e = text.find('e');
    int exponent = 0;
    std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), end, exponent);
    std::array<char, 20> digits{};
    std::size_t count = 0;
    for (const char c : text.substr(0, e)) {
        if (c != '.') digits[count++] = c;
    }
    const std::string_view all(digits.data(), count);
    const int k = static_cast<int>(count), n = exponent + 1;  // value = 0.digits * 10^n

    if (number < 0) out += '-';
    if (n > 21 || n <= -6) {
        out += all[0];
        if (k > 1) out += '.';
        out += all.substr(1);
        out += n > 0 ? "e+" : "e-";
        std::array<char, 8> power{};
        const auto stop = std::to_chars(power.data(), power.data() + power.size(), std::abs(n - 1)).ptr;
        out += std::string_view(power.data(), static_cast<std::size_t>(stop - power.data()));
    } else if (n <= 0) {
        out += "0.";
        out.append(static_cast<std::size_t>(-n), '0');
        out += all;
    } else if (k <= n) {
        out += all;
        out.append(static_cast<std::size_t>(n - k), '0');
    } else {
        out += all.substr(0, static_cast<std::size_t>(n));
        out += '.';
        out += all.substr(static_cast<std::size_t>(n));
    }
    base::wipe(buffer.data(), buffer.size());
    base::wipe(digits.data(), digits.size());
}

template <class Out>
class Writer {
public:
    Writer(Out& out, Layout layout) : out_(out), layout_(layout) {}

    void write(const Value& value) {
        switch (value.kind()) {
            case boost::json::kind::null: out_ += "null"; break;
            case boost::json::kind::bool_: out_ += value.get_bool() ? "true" : "false"; break;
            case boost::json::kind::int64: integer(value.get_int64()); break;
            case boost::json::kind::uint64: integer(value.get_uint64()); break;
            case boost::json::kind::double_: write_double(out_, value.get_double()); break;
            case boost::json::kind::string: string(value.get_string()); break;
            case boost::json::kind::array: array(value.get_array()); break;
            case boost::json::kind::object: object(value.get_object()); break;
        }
    }

private:
    template <class Integer>
    void integer(Integer number) {
        std::array<char, 24> buffer{};
        const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
        out_ += std::string_view(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
        base::wipe(buffer.data(), buffer.size());
    }

    void string(std::string_view text) {
        out_ += '"';
        for (const char c : text) {
            switch (c) {
                case '"': out_ += "\\\""; break;
                case '\\': out_ += "\\\\"; break;
                case '\b': out_ += "\\b"; break;
                case '\t': out_ += "\\t"; break;
                case '\n': out_ += "\\n"; break;
                case '\f': out_ += "\\f"; break;
                case '\r': out_ += "\\r"; break;
                default:
                    if (static_cast<unsigned char>(c) < 0x20) {
                        out_ += c < 0x10 ? "\\u000" : "\\u001";
                        out_ += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
                    } else {
                        out_ += c;
                    }
            }
        }
        out_ += '"';
    }

    void new_line() {
        if (layout_ != Layout::pretty) return;
        out_ += '\n';
        out_.append(2 * indent_, ' ');
    }

    void array(const Array& array) {
        out_ += '[';
        ++indent_;
        bool first = true;
        for (const Value& value : array) {
            if (!std::exchange(first, false)) out_ += ',';
            new_line();
            write(value);
        }
        --indent_;
        if (!first) new_line();
        out_ += ']';
    }

    void member(const Member& member, bool first) {
        if (!first) out_ += ',';
        new_line();
        string(member.key());
        out_ += layout_ == Layout::pretty ? ": " : ":";
        write(member.value());
    }

    void object(const Object& object) {
        out_ += '{';
        ++indent_;
        bool first = true;
        if (layout_ == Layout::canonical) {
            std::vector<const Member*> sorted;
            for (const Member& each : object) sorted.push_back(&each);
            std::sort(sorted.begin(), sorted.end(),
                      [](const Member* a, const Member* b) { return utf16_less(a->key(), b->key()); });
            for (const Member* each : sorted) member(*each, std::exchange(first, false));
        } else {
            for (const Member& each : object) member(each, std::exchange(first, false));
        }
        --indent_;
        if (!first) new_line();
        out_ += '}';
    }

    Out& out_;
    Layout layout_;
    std::size_t indent_ = 0;
};

// Counts first, so that the one buffer a secret document is written into never has to move.
class Length {
public:
    void operator+=(char) { ++size_; }
    void operator+=(std::string_view text) { size_ += text.size(); }
    void append(std::size_t count, char) { size_ += count; }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    std::size_t size_ = 0;
};

class Filler {
public:
    explicit Filler(std::span<std::byte> out) : out_(out) {}
    void operator+=(char c) { out_[at_++] = static_cast<std::byte>(c); }
    void operator+=(std::string_view text) {
        for (const char c : text) *this += c;
    }
    void append(std::size_t count, char c) {
        while (count-- > 0) *this += c;
    }

private:
    std::span<std::byte> out_;
    std::size_t at_ = 0;
};

std::string text_of(const Value& value, Layout layout) {
    std::string out;
    Writer(out, layout).write(value);
    return out;
}

}  // namespace

std::string to_text(const Value& value) { return text_of(value, Layout::compact); }
std::string to_pretty_text(const Value& value) { return text_of(value, Layout::pretty) + "\n"; }
std::string to_canonical_text(const Value& value) { return text_of(value, Layout::canonical); }

base::Secret to_secret_text(const Value& value) {
    Length length;
    Writer(length, Layout::compact).write(value);
    base::Secret secret = base::Secret::zeroed(length.size());
    Filler filler(secret.writable());
    Writer(filler, Layout::compact).write(value);
    return secret;
}

}  // namespace claviger::json
