#include "oauth/foreign_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::oauth {
namespace {

constexpr std::size_t kShownBytes = 200;
constexpr std::size_t kLookedAtBytes = 4096;
constexpr std::string_view kRemoved = "[removed]";

bool in_token(char c) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alnum || c == '_' || c == '-' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=' || c == '%';
}

// Codes and tokens are long and mix letters with digits; words and most addresses of help pages do not.
bool looks_like_token(std::string_view run) {
    const bool has_digit = std::any_of(run.begin(), run.end(), [](char c) { return c >= '0' && c <= '9'; });
    return (run.size() >= 16 && has_digit) || run.size() >= 40;
}

}  // namespace

std::string clean_text(std::string_view foreign) {
    foreign = foreign.substr(0, kLookedAtBytes);
    std::string kept;
    for (std::size_t at = 0; at < foreign.size();) {
        std::size_t end = at;
        while (end < foreign.size() && in_token(foreign[end])) ++end;
        if (end == at) {
            kept.push_back(foreign[at++]);
            continue;
        }
        const auto run = foreign.substr(at, end - at);
        kept.append(looks_like_token(run) ? kRemoved : run);
        at = end;
    }
    return base::printable(kept, kShownBytes);
}

std::string error_sentence(std::string_view error, std::string_view description) {
    std::string said(error);
    if (!description.empty()) {
        said += ": ";
        said += description;
    }
    auto sentence = clean_text(said);
    while (!sentence.empty() && (sentence.back() == '.' || sentence.back() == ' ')) sentence.pop_back();
    return sentence;
}

bool is_vschar(std::string_view text, std::size_t limit) {
    return !text.empty() && text.size() <= limit &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

base::Result<void> check_endpoint(const net::Url& url, std::string_view what) {
    const bool secure = url.scheme() == "https" || (url.scheme() == "http" && url.host_is_loopback());
    if (!secure) {
        return base::fail(base::ErrorCode::invalid_input,
                          fmt::format("the {} {} is not https", what, url.redacted()),
                          "use an https URL; plain http is only for loopback addresses");
    }
    if (url.has_userinfo() || url.fragment()) {
        return base::fail(base::ErrorCode::invalid_input,
                          fmt::format("the {} {} has user information or a fragment", what, url.redacted()),
                          "write the URL without them");
    }
    return {};
}

}  // namespace claviger::oauth
