#include "policy/glob.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace claviger::policy {

std::unique_ptr<const re2::RE2> compile_glob(std::string_view glob, char separator, Case letters) {
    std::string regex;
    for (std::size_t i = 0; i < glob.size(); ++i) {
        if (glob[i] != '*') {
            const auto literal = glob.substr(i, std::min(glob.find('*', i), glob.size()) - i);
            regex += re2::RE2::QuoteMeta(re2::StringPiece(literal.data(), literal.size()));
            i += literal.size() - 1;
        } else if (i + 1 < glob.size() && glob[i + 1] == '*') {
            regex += ".*";
            ++i;
        } else {
            const bool whole_segment = i > 0 && glob[i - 1] == '/' && i + 1 < glob.size() && glob[i + 1] == '/';
            regex += fmt::format("[^{}]{}", separator, whole_segment ? '+' : '*');
        }
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_case_sensitive(letters == Case::sensitive);
    options.set_encoding(re2::RE2::Options::EncodingLatin1);  // canonical text is ASCII, decoded text any bytes
    options.set_max_mem(1 << 20);
    auto compiled = std::make_unique<const re2::RE2>(regex, options);
    return compiled->ok() ? std::move(compiled) : nullptr;
}

bool full_match(const re2::RE2& regex, std::string_view text) {
    return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), regex);
}

}  // namespace claviger::policy
