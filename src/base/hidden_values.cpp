#include "base/hidden_values.hpp"

#include <algorithm>
#include <cstddef>

#include "base/masked_path.hpp"
#include "base/text.hpp"

namespace claviger::base {
namespace {

constexpr std::size_t kFoundAnywhere = 6;

bool alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool stands_alone(std::string_view text, std::size_t at, std::size_t size) {
    return (at == 0 || !alphanumeric(text[at - 1])) && (at + size == text.size() || !alphanumeric(text[at + size]));
}

}  // namespace

void HiddenValues::add(std::string_view value) {
    if (value.empty()) return;
    std::string spellings[] = {std::string(value), percent_encode(value), form_encode(value), to_lower(value)};  // a host is lower-cased
    for (auto& spelling : spellings) {
        const bool known = std::any_of(spellings_.begin(), spellings_.end(), [&](const Secret& s) { return s.reveal() == spelling; });
        if (!known) spellings_.emplace_back(std::string_view(spelling));
        wipe(spelling.data(), spelling.size());
    }
    std::sort(spellings_.begin(), spellings_.end(), [](const Secret& a, const Secret& b) { return a.size() > b.size(); });
}

std::string HiddenValues::masked(std::string_view text) const {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto found = std::find_if(spellings_.begin(), spellings_.end(), [&](const Secret& s) {
            return text.substr(at).starts_with(s.reveal()) && (s.size() >= kFoundAnywhere || stands_alone(text, at, s.size()));
        });
        if (found == spellings_.end()) {
            out.push_back(text[at++]);
            continue;
        }
        out += kMaskedSegment;
        at += found->size();
    }
    return out;
}

Error HiddenValues::masked(const Error& error) const {
    if (spellings_.empty()) return error;
    return Error::make(error.code, masked(error.describe()), masked(error.hint));
}

}  // namespace claviger::base
