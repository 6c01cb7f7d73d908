#include "json/schema/pattern.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/text.hpp"

namespace claviger::json::schema {
namespace {

// What \s means in ECMA-262, for use inside brackets; RE2 knows ASCII only.
constexpr std::string_view kSpace =
    "\\t\\n\\v\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";

constexpr std::pair<std::string_view, std::string_view> kCategories[] = {
    {"Letter", "L"}, {"Lowercase_Letter", "Ll"}, {"Uppercase_Letter", "Lu"}, {"Mark", "M"},      {"Number", "N"},
    {"Decimal_Number", "Nd"}, {"Punctuation", "P"}, {"Symbol", "S"},         {"Separator", "Z"}, {"Other", "C"},
};

std::optional<std::uint32_t> hex(std::string_view digits) {
    std::uint32_t value = 0;
    const auto* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, 16);
    if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

// Rewrites the few spellings that ECMA-262 and RE2 do not share. What it does not know it leaves to RE2.
class Translator {
public:
    explicit Translator(std::string_view in) : in_(in) {}

    std::string run() {
        while (at_ < in_.size()) {
            const auto rest = in_.substr(at_);
            if (rest[0] == '\\') escape(rest);
            else if (in_class_) inside_class(rest[0]);
            else outside_class(rest);
        }
        return std::move(out_);
    }

private:
    void replace(std::size_t taken, std::string_view by) {
        at_ += taken;
        out_ += by;
    }

    void outside_class(std::string_view rest) {
        const bool look_behind = rest.starts_with("(?<=") || rest.starts_with("(?<!");
        if (rest.starts_with("(?<") && !look_behind) return replace(3, "(?P<");
        if (rest.starts_with("[^]")) return replace(3, "(?s:.)");
        in_class_ = rest[0] == '[';
        replace(1, rest.substr(0, 1));
    }

    void inside_class(char c) {
        if (c == '[') return replace(1, "\\[");  // a bracket here stands for itself in ECMA-262
        in_class_ = c != ']';
        replace(1, std::string_view(&c, 1));
    }

    // RE2 knows the general categories by their short names and scripts by their names alone.
    void property(std::string_view rest) {
        const auto close = rest.find('}');
        const auto name = close == std::string_view::npos ? rest : rest.substr(3, close - 3);
        for (const auto& [from, to] : kCategories) {
            if (name == from) return replace(close + 1, fmt::format("{}{{{}}}", rest.substr(0, 2), to));
        }
        replace(2, rest.substr(0, 2));
    }

    void escape(std::string_view rest) {
        if (rest.starts_with("\\p{") || rest.starts_with("\\P{")) return property(rest);
        if (rest.starts_with("\\u")) return unicode();
        if (rest.starts_with("\\s")) return replace(2, in_class_ ? std::string(kSpace) : fmt::format("[{}]", kSpace));
        if (rest.starts_with("\\S") && !in_class_) return replace(2, fmt::format("[^{}]", kSpace));
        if (rest.starts_with("\\c") && rest.size() > 2) {
            return replace(3, fmt::format("\\x{{{:x}}}", static_cast<unsigned char>(rest[2]) & 31u));
        }
        replace(std::min<std::size_t>(2, rest.size()), rest.substr(0, 2));
    }

    std::optional<std::uint32_t> unit() {
        const auto rest = in_.substr(at_);
        if (!rest.starts_with("\\u")) return std::nullopt;
        const bool braces = rest.substr(2).starts_with('{');
        const auto length = braces ? std::min(rest.find('}'), rest.size() - 1) + 1 : 6;
        if (rest.size() < length) return std::nullopt;
        const auto value = braces ? hex(rest.substr(3, length - 4)) : hex(rest.substr(2, 4));
        if (value) at_ += length;
        return value;
    }

    void unicode() {
        auto value = unit();
        if (!value) return replace(2, "\\u");  // RE2 refuses it, in its own words
        if (*value >= 0xd800 && *value < 0xdc00) {
            const auto low = unit();
            if (low && *low >= 0xdc00 && *low < 0xe000) value = 0x10000 + ((*value - 0xd800) << 10) + (*low - 0xdc00);
        }
        out_ += fmt::format("\\x{{{:x}}}", *value);
    }

    std::string_view in_;
    std::size_t at_ = 0;
    std::string out_;
    bool in_class_ = false;
};

std::string reason(const RE2& program) {
    const std::string& part = program.error_arg();
    if (part.starts_with("(?=") || part.starts_with("(?!") || part.starts_with("(?<")) {
        return "uses look-around, which cannot run in linear time";
    }
    if (part.size() == 2 && part[0] == '\\' && part[1] >= '1' && part[1] <= '9') {
        return "uses a back reference, which cannot run in linear time";
    }
    return fmt::format("is not a regular expression this understands ({})", base::printable(program.error(), 120));
}

}  // namespace

Pattern::Pattern(std::shared_ptr<const re2::RE2> program, std::string source)
    : program_(std::move(program)), source_(std::move(source)) {}

base::Result<Pattern> Pattern::compile(std::string_view ecma) {
    const auto refuse = [](std::string why) { return base::fail(base::ErrorCode::invalid_input, std::move(why)); };
    if (ecma.size() > kLongestPattern) return refuse(fmt::format("is longer than {} bytes", kLongestPattern));
    RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(1 << 20);
    auto program = std::make_shared<const RE2>(Translator(ecma).run(), options);
    if (!program->ok()) return refuse(reason(*program));
    if (static_cast<std::size_t>(program->ProgramSize()) > kLargestProgram) {
        return refuse("is too large once its repetitions are written out");
    }
    return Pattern(std::move(program), std::string(ecma));
}

bool Pattern::matches(std::string_view text) const {
    return program_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

std::size_t Pattern::size() const { return static_cast<std::size_t>(program_->ProgramSize()); }

std::size_t Pattern::cost(std::size_t text_size) const { return 1 + text_size * size() / 100; }

}  // namespace claviger::json::schema
