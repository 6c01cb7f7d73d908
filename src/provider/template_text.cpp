#include "provider/template_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::provider {
namespace {

bool valid_placeholder(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    });
}

// Calls `literal` for each piece of plain text and `field` for each name, in order; stops when `field` says false.
template <class Literal, class Field>
void walk(std::string_view text, Literal literal, Field field) {
    std::size_t at = 0;
    while (at < text.size()) {
        const auto open = std::min(text.find("{{", at), text.size());
        literal(text.substr(at, open - at));
        at = open;
        if (at == text.size()) break;
        if (text.substr(at + 2, 1) == "{") {  // of "{{{name}}}" the inner two count
            literal(text.substr(at++, 1));
            continue;
        }
        const auto close = text.find("}}", at + 2);
        if (close == std::string_view::npos) return literal(text.substr(at));
        if (!field(base::trim(text.substr(at + 2, close - at - 2)))) return;
        at = close + 2;
    }
}

}  // namespace

base::Result<base::Secret> render_text(std::string_view text, std::string_view owner, const FieldLookup& find) {
    base::WipedString out;
    std::optional<std::string> unknown;
    walk(
        text, [&](std::string_view piece) { out.append(piece); },
        [&](std::string_view name) {
            const auto value = valid_placeholder(name) ? find(name) : std::nullopt;
            if (value) out.append(*value);
            else unknown = base::printable(name, 64);
            return value.has_value();
        });
    if (unknown) {
        return base::fail(base::ErrorCode::invalid_input,
                          fmt::format("the definition of {} names the field {{{{{}}}}}, which the connection does not have",
                                      owner, *unknown));
    }
    return base::Secret::taking(out);
}

std::vector<std::string> fields_in(std::string_view text) {
    std::vector<std::string> names;
    walk(text, [](std::string_view) {}, [&](std::string_view name) { return names.emplace_back(name), true; });
    return names;
}

}  // namespace claviger::provider
