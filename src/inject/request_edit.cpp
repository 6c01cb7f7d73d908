#include "inject/request_edit.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "policy/parameter_name.hpp"

namespace claviger::inject {
namespace {

char folded(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c + 32);
    return c == '_' ? '-' : c;
}

bool is_one_of(std::string_view parameter, const std::vector<std::string>& forgiving_names) {
    const auto name = policy::forgiving_name(parameter.substr(0, parameter.find('=')));
    return std::find(forgiving_names.begin(), forgiving_names.end(), name) != forgiving_names.end();
}

// Calls `see(piece, separator before it)` for each piece between '&' and ';'.
template <class See>
void each_parameter(std::string_view query, See see) {
    char separator = '&';
    while (true) {
        const auto end = query.find_first_of("&;");
        see(query.substr(0, end), separator);
        if (end == std::string_view::npos) return;
        separator = query[end];
        query.remove_prefix(end + 1);
    }
}

}  // namespace

bool equal_names(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return folded(x) == folded(y); });
}

void remove_field(http::Fields& fields, std::string_view name) {
    const bool authorization = equal_names(name, "Authorization");
    const auto ours = [&](std::string_view other) {
        return equal_names(other, name) || (authorization && equal_names(other, "Proxy-Authorization"));
    };
    const auto nominates = [&](std::string_view list) {
        const auto elements = base::split(list, ',');
        return std::any_of(elements.begin(), elements.end(), [&](const std::string& one) { return ours(base::trim(one)); });
    };
    std::erase_if(fields.items(), [&](const http::Field& field) {
        return ours(field.name) || (equal_names(field.name, "Connection") && nominates(field.value));
    });
}

void remove_parameters_if(std::string& target, const std::function<bool(std::string_view)>& removed) {
    const auto mark = target.find('?');
    if (mark == std::string::npos) return;
    std::string kept;
    bool any = false;
    each_parameter(std::string_view(target).substr(mark + 1), [&](std::string_view piece, char separator) {
        if (removed(piece)) {
            any = true;
            return;
        }
        if (!kept.empty()) kept += separator;
        kept += piece;
    });
    if (!any) return;  // not a byte changes
    target.resize(kept.empty() ? mark : mark + 1);
    target += kept;
}

void remove_parameters(std::string& target, const std::vector<std::string_view>& names) {
    std::vector<std::string> forgiving;
    for (const auto name : names) forgiving.push_back(policy::forgiving_name(name));
    remove_parameters_if(target, [&](std::string_view piece) { return is_one_of(piece, forgiving); });
}

void append_parameters(std::string& target, const std::vector<Pair>& pairs) {
    for (const auto& [name, value] : pairs) {
        // Only the first '?' begins the query; a later one belongs to a value.
        const auto mark = target.find('?');
        if (mark == std::string::npos) target += '?';
        else if (mark + 1 != target.size() && !target.ends_with('&')) target += '&';
        auto encoded = base::percent_encode(value);
        target += base::percent_encode(name) + '=' + encoded;
        base::wipe(encoded.data(), encoded.size());
    }
}

void merge_cookies(http::Fields& fields, const std::vector<Pair>& cookies) {
    if (cookies.empty()) return;
    base::WipedString merged;
    const auto add = [&merged](std::string_view cookie) {
        if (!merged.empty()) merged += "; ";
        merged += cookie;
    };
    const auto ours = [&](std::string_view name) {
        return std::any_of(cookies.begin(), cookies.end(), [&](const Pair& pair) { return equal_names(pair.name, name); });
    };
    for (const auto& field : fields.items()) {
        if (!equal_names(field.name, "Cookie")) continue;
        std::string_view rest = field.value;
        while (true) {
            const auto end = rest.find(';');
            const auto cookie = base::trim(rest.substr(0, end));
            // A cookie without '=' is its name to some servers and its value to others.
            if (!cookie.empty() && !ours(base::trim(cookie.substr(0, cookie.find('='))))) add(cookie);
            if (end == std::string_view::npos) break;
            rest.remove_prefix(end + 1);
        }
    }
    remove_field(fields, "Cookie");
    for (const auto& [name, value] : cookies) {
        add(name);
        merged += '=';
        merged += value;
    }
    fields.add("Cookie", merged);
}

}  // namespace claviger::inject
