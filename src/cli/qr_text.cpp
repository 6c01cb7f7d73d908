#include "cli/qr_text.hpp"

#include <cstdlib>

#include "base/text.hpp"

namespace claviger::cli {
namespace {

// From the 256-colour cube rather than the sixteen, which themes change.
constexpr std::string_view kBlackOnWhite = "\033[38;5;16;48;5;231m";
constexpr std::string_view kPlain = "\033[0m";

// Two modules, one above the other. Without colour the ink is the terminal's light foreground, so light ones are drawn.
std::string_view half_blocks(bool upper, bool lower, bool colour) {
    const bool top = upper == colour, bottom = lower == colour;
    if (top && bottom) return "\u2588";
    if (top) return "\u2580";
    return bottom ? "\u2584" : " ";
}

std::string wide_line(const sys::QrCode& code, int y, int from, int to, bool colour) {
    std::string line;
    for (int x = from; x < to; ++x) {
        const bool dark = code.dark(x, y);
        if (!colour) {
            line += dark ? "  " : "##";
        } else {
            line += dark ? "\033[48;5;16m  " : "\033[48;5;231m  ";
        }
    }
    return colour ? line + std::string(kPlain) : line;
}

}  // namespace

std::optional<std::vector<std::string>> qr_lines(const sys::QrCode& code, const QrText& how) {
    const int from = -sys::QrCode::kQuietZone, to = code.width() + sys::QrCode::kQuietZone;
    const int columns = (to - from) * (how.unicode ? 1 : 2);
    if (columns > how.columns) return std::nullopt;
    std::vector<std::string> lines;
    for (int y = from; y < to; y += how.unicode ? 2 : 1) {
        if (!how.unicode) {
            lines.push_back(wide_line(code, y, from, to, how.colour));
            continue;
        }
        std::string line(how.colour ? kBlackOnWhite : "");
        for (int x = from; x < to; ++x) line += half_blocks(code.dark(x, y), code.dark(x, y + 1), how.colour);
        lines.push_back(how.colour ? line + std::string(kPlain) : line);
    }
    return lines;
}

bool utf8_environment() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        const auto lower = base::to_lower(value);
        return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
    }
    return false;
}

}  // namespace claviger::cli
