#include "inject/caller_fields.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "inject/request_edit.hpp"

namespace claviger::inject {
namespace {

// As '_' and case are read by CGI-like servers.
std::string plain_name(std::string_view field) {
    auto name = base::to_lower(field);
    std::replace(name.begin(), name.end(), '_', '-');
    return name;
}

constexpr std::string_view kEndings[] = {"authorization", "api-key",   "apikey",       "api-token",     "auth-token",   "auth-key",
                                         "access-token",  "access-key", "secret-key", "private-token", "session-token"};

bool holds_one(std::string_view text, const std::vector<std::string>& placeholders) {
    return std::any_of(placeholders.begin(), placeholders.end(), [&](const std::string& one) { return !one.empty() && text.find(one) != std::string_view::npos; });
}

std::string_view cookie_name(std::string_view set_cookie) {
    const auto pair = set_cookie.substr(0, set_cookie.find(';'));
    return base::trim(pair.substr(0, pair.find('=')));
}

}  // namespace

bool names_a_credential(std::string_view field) {
    const auto name = plain_name(field);
    if (name == "cookie" || name == "cookie2") return true;
    return std::any_of(std::begin(kEndings), std::end(kEndings), [&](std::string_view ending) {
        return name.ends_with(ending) && (name.size() == ending.size() || name[name.size() - ending.size() - 1] == '-');
    });
}

void remove_credentials(http::Fields& fields, const std::vector<std::string>& passed) {
    std::erase_if(fields.items(), [&](const http::Field& field) {
        return names_a_credential(field.name) &&
               std::none_of(passed.begin(), passed.end(), [&](const std::string& name) { return equal_names(name, field.name); });
    });
}

void remove_placeholders(http::RequestHead& request, const std::vector<std::string>& placeholders) {
    std::erase_if(request.fields.items(), [&](const http::Field& field) { return holds_one(field.value, placeholders); });
    remove_parameters_if(request.target, [&](std::string_view parameter) {
        const auto value = parameter.find('=');
        if (value == std::string_view::npos) return false;
        if (holds_one(parameter.substr(value + 1), placeholders)) return true;
        const auto decoded = base::form_decode(parameter.substr(value + 1));
        return decoded && holds_one(*decoded, placeholders);
    });
}

void remove_cookies(http::Fields& answer, bool passed, const std::vector<std::string_view>& ours) {
    std::erase_if(answer.items(), [&](const http::Field& field) {
        if (!equal_names(field.name, "Set-Cookie") && !equal_names(field.name, "Set-Cookie2")) return false;
        return !passed || std::any_of(ours.begin(), ours.end(), [&](std::string_view name) { return equal_names(name, cookie_name(field.value)); });
    });
}

}  // namespace claviger::inject
