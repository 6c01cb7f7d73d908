#include "api/form_pairs.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace claviger::api {
namespace {

constexpr std::size_t kMaxPairs = 64;

}  // namespace

std::optional<FormPairs> read_pairs(std::string_view encoded) {
    FormPairs pairs;
    for (std::size_t at = 0; at < encoded.size();) {
        const auto end = std::min(encoded.find('&', at), encoded.size());
        const auto piece = encoded.substr(at, end - at);
        at = end + 1;
        if (piece.empty()) continue;
        const auto equals = std::min(piece.find('='), piece.size());
        auto name = base::form_decode(piece.substr(0, equals));
        auto value = base::form_decode(piece.substr(std::min(equals + 1, piece.size())));
        if (!name || !value || pairs.size() == kMaxPairs) return std::nullopt;
        pairs.emplace_back(std::move(*name), base::Secret::taking(*value));
    }
    return pairs;
}

const base::Secret* only(const FormPairs& pairs, std::string_view name) {
    const base::Secret* found = nullptr;
    for (const auto& [key, value] : pairs) {
        if (key != name) continue;
        if (found != nullptr) return nullptr;
        found = &value;
    }
    return found;
}

bool is_form_content(const http::Fields& fields) {
    const auto type = fields.find("Content-Type").value_or("");
    return base::to_lower(base::trim(type.substr(0, type.find(';')))) == "application/x-www-form-urlencoded";
}

}  // namespace claviger::api
