#include "policy/path_pattern.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "policy/glob.hpp"
#include "policy/path_reading.hpp"

namespace claviger::policy {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kLongest = 1024;

tl::unexpected<base::Error> refuse(std::string_view text, std::string_view why, std::string_view hint) {
    return base::fail(ErrorCode::invalid_input, "path " + base::printable(text) + ": " + std::string(why), std::string(hint));
}

// `glob`, and without its "/**" at the end.
bool matches(const re2::RE2& regex, std::string_view path, bool subtree) {
    return full_match(regex, path) || (subtree && full_match(regex, std::string(path) + "/"));
}

}  // namespace

Result<PathPattern> PathPattern::parse(std::string_view text) {
    if (text.size() > kLongest) return refuse(text, "longer than 1024 bytes", "shorten it");
    if (!text.starts_with('/')) return refuse(text, "does not begin with '/'", "write /path, or /** for all of it");
    if (text.find_first_of("?#\\") != std::string_view::npos) return refuse(text, "holds ?, # or a backslash", "a rule is about the path alone");
    if (text.find("***") != std::string_view::npos) return refuse(text, "holds ***", "'*' is one segment, '**' any depth");
    const auto is_space_or_control = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
    if (std::any_of(text.begin(), text.end(), is_space_or_control)) return refuse(text, "holds a space or a control character", "write a space as %20");
    if (holds_encoded_slash(text) || path_is_unreadable(text)) return refuse(text, "has an encoded separator", "write the path as servers read it");
    const auto url = net::Url::parse("https://path.example" + std::string(text));
    if (!url) return refuse(text, url.error().message, url.error().hint);

    auto compiled = std::make_shared<Compiled>();
    compiled->exact = compile_glob(url->path(), '/');
    compiled->folded = compile_glob(url->path(), '/', Case::folded);
    compiled->forgiving = compile_glob(forgiving_path(url->path()), '/', Case::folded);
    if (!compiled->exact || !compiled->folded || !compiled->forgiving) return refuse(text, "is too complex", "shorten it");
    PathPattern pattern;
    pattern.text_ = text;
    pattern.compiled_ = std::move(compiled);
    return pattern;
}

bool PathPattern::matches_some_reading(const net::Url& url) const {
    const bool subtree = text_.ends_with("/**");
    if (matches(*compiled_->folded, url.path(), subtree)) return true;
    if (matches(*compiled_->forgiving, forgiving_path(url.path()), subtree)) return true;
    const auto others = other_readings(url);
    return std::any_of(others.begin(), others.end(), [&](const net::Url& other) { return matches(*compiled_->folded, other.path(), subtree); });
}

bool PathPattern::matches_every_reading(const net::Url& url) const {
    const bool subtree = text_.ends_with("/**");
    if (!matches(*compiled_->exact, url.path(), subtree)) return false;
    if (!matches(*compiled_->forgiving, forgiving_path(url.path()), subtree)) return false;
    const auto others = other_readings(url);
    return std::all_of(others.begin(), others.end(), [&](const net::Url& other) { return matches(*compiled_->exact, other.path(), subtree); });
}

}  // namespace claviger::policy
