#include "provider/expand.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"
#include "provider/pattern.hpp"
#include "provider/url_fields.hpp"

namespace claviger::provider {
namespace {

using base::ErrorCode;
using base::fail;

constexpr std::size_t kLongestUrl = 2048;

bool name_character(char c, bool first) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (!first && c >= '0' && c <= '9');
}

// The {name} that begins at `at`, without its braces; empty when the brace begins no name.
std::string_view placeholder_at(std::string_view text, std::size_t at) {
    if (text[at] != '{') return {};
    std::size_t end = at + 1;
    while (end < text.size() && name_character(text[end], end == at + 1)) ++end;
    if (end == at + 1 || end >= text.size() || text[end] != '}') return {};
    return text.substr(at + 1, end - at - 1);
}

// Characters that URL parsers drop or reinterpret; with them the checked text is not the text that is read.
bool has_unsafe_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= 0x20 || byte == 0x7f || c == '\\';
    });
}

bool is_host_label(std::string_view text) {
    if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
}

// https, or http to this machine; no userinfo, no fragment but, of a page, one that is a route.
base::Result<net::Url> checked(std::string_view text, bool page = false) {
    if (text.size() > kLongestUrl) return fail(ErrorCode::invalid_input, "the URL is too long");
    if (has_unsafe_character(text)) {
        return fail(ErrorCode::invalid_input, "the URL has a space, control character or backslash", "remove it");
    }
    TRY(url, net::Url::parse(text));
    if (url.scheme() != "https" && !(url.scheme() == "http" && url.host_is_loopback())) {
        return fail(ErrorCode::invalid_input, "the URL is not https", "write https://...");
    }
    if (url.has_userinfo()) return fail(ErrorCode::invalid_input, "the URL holds a user name", "remove the part before @");
    const bool route = page && url.fragment() && url.fragment()->starts_with('/');
    if (url.fragment() && !route) return fail(ErrorCode::invalid_input, "the URL has a fragment", "remove the part after #");
    return url;
}

enum class Part { host, path, query };

base::Result<std::string> value_for(std::string_view name, const std::string& value, Part part) {
    if (has_unsafe_character(value) || value.empty() || value.size() > kLongestUrl) {
        return fail(ErrorCode::invalid_input, fmt::format("the value of \"{}\" is empty or has a space or control character", name));
    }
    if (part == Part::host) {
        if (!is_host_label(value)) {
            return fail(ErrorCode::invalid_input, fmt::format("the value of \"{}\" is not one host label", name),
                        "use letters, digits and hyphens only");
        }
        return base::to_lower(value);
    }
    if (part == Part::path && (value == "." || value == "..")) {
        return fail(ErrorCode::invalid_input, fmt::format("the value of \"{}\" would leave its path", name));
    }
    return base::percent_encode(value);
}

// The text with every {name} replaced according to the part of the URL it stands in.
base::Result<std::string> replace_all(std::string_view text, const VariableValues& values) {
    std::string result;
    std::size_t at = 0;
    Part part = Part::host;
    const std::string_view first = text.empty() ? std::string_view{} : placeholder_at(text, 0);
    if (!first.empty()) {
        const auto found = values.find(std::string(first));
        if (found == values.end()) return fail(ErrorCode::invalid_input, fmt::format("variable \"{}\" has no value", first));
        at = first.size() + 2;
        if (at < text.size() && text[at] != '/' && text[at] != '?') {
            return fail(ErrorCode::invalid_input, "a variable at the start stands for a whole origin", "write / after it");
        }
        TRY(origin, canonical_base_url(found->second));
        result = std::move(origin);
        part = Part::path;
    } else {
        const std::size_t scheme_end = text.find("://");
        if (scheme_end == std::string_view::npos) {
            return fail(ErrorCode::invalid_input, "the URL has no scheme", "write https://...");
        }
        at = scheme_end + 3;
        result = text.substr(0, at);
        if (result.find_first_of("{}") != std::string::npos) {
            return fail(ErrorCode::invalid_input, "a variable may not stand in the scheme");
        }
    }
    bool after_port_colon = false;
    while (at < text.size()) {
        const char c = text[at];
        if (part == Part::host && (c == '/' || c == '?' || c == '#')) part = Part::path;
        if (c == '?') part = Part::query;
        if (part == Part::host && (c == ':' || c == '@')) after_port_colon = true;
        if (c == '}') return fail(ErrorCode::invalid_input, "the URL has an unmatched }");
        if (c != '{') {
            result += c;
            ++at;
            continue;
        }
        const std::string_view name = placeholder_at(text, at);
        if (name.empty()) return fail(ErrorCode::invalid_input, "the URL has an unmatched {");
        if (part == Part::host && after_port_colon) {
            return fail(ErrorCode::invalid_input, "a variable may not stand in the port or user name");
        }
        const auto found = values.find(std::string(name));
        if (found == values.end()) return fail(ErrorCode::invalid_input, fmt::format("variable \"{}\" has no value", name));
        TRY(value, value_for(name, found->second, part));
        result += value;
        at += name.size() + 2;
    }
    return result;
}

}  // namespace

std::vector<std::string> variables_in(std::string_view url_template) {
    std::vector<std::string> names;
    for (std::size_t at = 0; at < url_template.size(); ++at) {
        const std::string_view name = placeholder_at(url_template, at);
        if (name.empty()) continue;
        if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
    }
    return names;
}

base::Result<net::Url> expand_url(std::string_view url_template, const VariableValues& values) {
    if (url_template.size() > kLongestUrl) return fail(ErrorCode::invalid_input, "the URL is too long");
    TRY(text, replace_all(url_template, values));
    return checked(text);
}

base::Result<net::Url> expand_page(std::string_view url_template, const VariableValues& values) {
    if (url_template.size() > kLongestUrl) return fail(ErrorCode::invalid_input, "the URL is too long");
    TRY(text, replace_all(url_template, values));
    return checked(text, true);
}

base::Result<void> check_variable(const Variable& variable, const std::string& value) {
    if (!variable.choices.empty() &&
        std::find(variable.choices.begin(), variable.choices.end(), value) == variable.choices.end()) {
        return fail(ErrorCode::invalid_input,
                    fmt::format("the value of \"{}\" is not one of: {}", variable.name, base::join(variable.choices, ", ")));
    }
    if (!variable.pattern.empty() && !pattern_matches(variable.pattern, value)) {
        return fail(ErrorCode::invalid_input, fmt::format("the value of \"{}\" does not have the expected form", variable.name),
                    variable.example.empty() ? "" : fmt::format("for example: {}", base::printable(variable.example)));
    }
    return {};
}

base::Result<std::string> canonical_base_url(std::string_view text) {
    const std::string_view trimmed = base::trim(text);
    if (trimmed.empty()) return fail(ErrorCode::invalid_input, "the base URL is empty", "write https://host");
    std::string full(trimmed);
    if (full.front() == '/') return fail(ErrorCode::invalid_input, "the base URL has no host", "write https://host");
    if (full.find("://") == std::string::npos) full = "https://" + full;
    TRY(url, checked(full));
    if (url.query() || full.find('?') != std::string::npos) {
        return fail(ErrorCode::invalid_input, "the base URL has a query", "remove the part after ?");
    }
    std::string path = url.path();
    while (!path.empty() && path.back() == '/') path.pop_back();
    return url.origin() + path;
}

base::Result<VariableValues> complete_variables(const ProviderDefinition& definition, const VariableValues& given) {
    VariableValues values;
    const std::vector<std::string> used = variables_used(definition);
    const auto is_used = [&](std::string_view name) { return std::find(used.begin(), used.end(), name) != used.end(); };
    if (definition.oauth2 && !definition.oauth2->base_url.empty()) values["base_url"] = definition.oauth2->base_url;
    std::vector<std::string_view> known;
    for (const Variable& variable : definition.vars) {
        known.push_back(variable.name);
        if (!variable.default_value.empty()) values[variable.name] = variable.default_value;
    }
    if (values.contains("base_url") || is_used("base_url")) known.push_back("base_url");

    for (const auto& [name, value] : given) {
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            const auto guess = base::did_you_mean(name, known);
            return fail(ErrorCode::invalid_input,
                        fmt::format("\"{}\" has no variable \"{}\"", definition.name, base::printable(name)),
                        guess ? fmt::format("did you mean \"{}\"?", *guess) : "");
        }
        values[name] = value;
    }
    for (const std::string_view name : known) {
        if (!values.contains(std::string(name)) && !is_captured_variable(definition, name)) {
            return fail(ErrorCode::invalid_input, fmt::format("variable \"{}\" needs a value", name));
        }
    }
    for (const Variable& variable : definition.vars) {
        const auto value = values.find(variable.name);
        if (value != values.end()) TRY_VOID(check_variable(variable, value->second));
    }
    for (auto& [name, value] : values) {
        if (name != "base_url" && !is_origin_variable(definition, name)) continue;
        auto canonical = canonical_base_url(value);
        if (!canonical) return fail(canonical.error().within(fmt::format("variable \"{}\"", name)));
        value = *canonical;
    }
    return values;
}

}  // namespace claviger::provider
