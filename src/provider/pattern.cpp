#include "provider/pattern.hpp"

#include <algorithm>
#include <vector>

#include <re2/re2.h>

#include "base/text.hpp"
#include "net/url.hpp"

namespace claviger::provider {
namespace {

RE2::Options options() {
    RE2::Options result;
    result.set_log_errors(false);
    result.set_max_mem(1 << 20);
    return result;
}

// The alternatives at the top level; nullopt when brackets do not match up.
std::optional<std::vector<std::string_view>> top_level_alternatives(std::string_view pattern) {
    std::vector<std::string_view> parts;
    std::size_t begin = 0;
    int depth = 0;
    bool in_class = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c == '\\') {
            ++i;
        } else if (in_class) {
            in_class = c != ']';
        } else if (c == '[') {
            in_class = true;
        } else if (c == '(') {
            ++depth;
        } else if (c == ')' && --depth < 0) {
            return std::nullopt;
        } else if (c == '|' && depth == 0) {
            parts.push_back(pattern.substr(begin, i - begin));
            begin = i + 1;
        }
    }
    if (depth != 0 || in_class) return std::nullopt;
    parts.push_back(pattern.substr(begin));
    return parts;
}

bool is_label_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

// The longest end of the pattern that is plain text of a host: label characters and escaped dots, given unescaped.
// `whole` says whether it reaches the beginning.
std::string literal_tail(std::string_view pattern, bool& whole) {
    std::string reversed;
    std::size_t i = pattern.size();
    while (i > 0) {
        const bool escaped = i >= 2 && pattern[i - 2] == '\\' && (i < 3 || pattern[i - 3] != '\\');
        if (escaped && pattern[i - 1] == '.') {
            reversed += '.';
            i -= 2;
        } else if (!escaped && is_label_character(pattern[i - 1])) {
            reversed += pattern[i - 1];
            --i;
        } else {
            break;
        }
    }
    whole = i == 0;
    std::reverse(reversed.begin(), reversed.end());
    return reversed;
}

bool alternative_is_anchored(std::string_view pattern) {
    if (pattern.starts_with("(?i)")) pattern.remove_prefix(4);
    if (pattern.starts_with("^")) pattern.remove_prefix(1);
    if (pattern.ends_with("$") && !pattern.ends_with("\\$")) pattern.remove_suffix(1);
    bool whole = false;
    std::string tail = literal_tail(pattern, whole);
    if (!whole) {  // the first label of the tail may be the end of a longer one
        const std::size_t dot = tail.find('.');
        if (dot == std::string::npos) return false;
        tail.erase(0, dot + 1);
    }
    return tail.find('.') != std::string::npos && !net::is_public_suffix(base::to_lower(tail));
}

}  // namespace

std::optional<std::string> pattern_problem(std::string_view pattern) {
    if (pattern.size() > kLongestPattern) return "is longer than 512 characters; shorten it";
    const RE2 compiled(re2::StringPiece(pattern.data(), pattern.size()), options());
    if (compiled.ok()) return std::nullopt;
    if (compiled.error_code() == RE2::ErrorPatternTooLarge) return "is too large when compiled; repeat less";
    return "is not a pattern that RE2 reads (no look-around, no back-references): " +
           base::printable(compiled.error(), 120);
}

bool pattern_matches(std::string_view pattern, std::string_view text) {
    if (pattern.size() > kLongestPattern) return false;
    const RE2 compiled(re2::StringPiece(pattern.data(), pattern.size()), options());
    return compiled.ok() && RE2::FullMatch(re2::StringPiece(text.data(), text.size()), compiled);
}

bool host_pattern_is_anchored(std::string_view pattern) {
    const auto alternatives = top_level_alternatives(pattern);
    return alternatives &&
           std::all_of(alternatives->begin(), alternatives->end(), [](auto part) { return alternative_is_anchored(part); });
}

}  // namespace claviger::provider
