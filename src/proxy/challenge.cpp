#include "proxy/challenge.hpp"

#include "base/text.hpp"

namespace claviger::proxy {
namespace {

constexpr std::size_t kMostError = 64;

// The text up to the end of a quoted-string whose opening quote was read; `at` ends behind the closing one.
std::string quoted_string(std::string_view text, std::size_t& at) {
    std::string value;
    for (; at < text.size(); ++at) {
        if (text[at] == '"') {
            ++at;
            break;
        }
        if (text[at] == '\\' && at + 1 < text.size()) ++at;
        value += text[at];
    }
    return value;
}

bool ends_token(char c) { return c == ' ' || c == '\t' || c == ',' || c == '=' || c == '"'; }

std::string token(std::string_view text, std::size_t& at) {
    const auto begin = at;
    while (at < text.size() && !ends_token(text[at])) ++at;
    return std::string(text.substr(begin, at - begin));
}

void skip_space(std::string_view text, std::size_t& at) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
}

// Names and values of all parameters, whatever scheme they belong to.
std::string error_in(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const std::string name = token(text, at);
        if (name.empty()) {
            if (text[at] == '"') quoted_string(text, ++at);
            else ++at;
            continue;
        }
        skip_space(text, at);
        if (at >= text.size() || text[at] != '=') continue;  // a scheme
        ++at;
        skip_space(text, at);
        const bool quoted = at < text.size() && text[at] == '"';
        const std::string value = quoted ? quoted_string(text, ++at) : token(text, at);
        if (base::equal_ignoring_case(name, "error") && value.size() <= kMostError) return value;
    }
    return {};
}

}  // namespace

std::string challenge_error(const http::Fields& fields) {
    for (const auto value : fields.all("WWW-Authenticate")) {
        if (auto error = error_in(value); !error.empty()) return error;
    }
    return {};
}

}  // namespace claviger::proxy
