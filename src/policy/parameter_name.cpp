#include "policy/parameter_name.hpp"

#include "base/text.hpp"

namespace claviger::policy {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string forgiving_name(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        char c = name[i];
        if (c == '%' && i + 2 < name.size() && hex_digit(name[i + 1]) >= 0 && hex_digit(name[i + 2]) >= 0) {
            c = static_cast<char>(hex_digit(name[i + 1]) * 16 + hex_digit(name[i + 2]));
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (c == '[' || c == '\0') break;
        out += c;
    }
    out = base::to_lower(base::trim(out));
    for (char& c : out) {
        if (c == '.' || c == ' ' || c == '_') c = '-';
    }
    return out;
}

}  // namespace claviger::policy
