#include "cli/device_prompt.hpp"

#include "base/text.hpp"
#include "cli/qr_text.hpp"
#include "sys/qr_code.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

constexpr std::size_t kLongestLink = 2048;

// Nothing where it cannot be drawn, unless it was asked for by name: then the reason.
void print_qr_code(const Output& out, const std::string& text, bool fills_in, ShowQr wanted) {
    const bool asked = wanted == ShowQr::always;
    const bool fitting = sys::stderr_is_terminal() && !out.quiet() && !out.json();
    if (wanted == ShowQr::never || (!asked && !fitting)) return;
    const auto code = sys::QrCode::of(text);
    if (!code) {
        if (asked) out.warn(code.error().describe() + (code.error().hint.empty() ? "" : "; " + code.error().hint));
        return;
    }
    const QrText how{utf8_environment(), out.colour_on_stderr(), sys::terminal_columns()};
    const auto lines = qr_lines(*code, how);
    if (!lines) {
        if (asked) out.warn("the terminal is too narrow for the QR code");
        return;
    }
    out.prompt("");
    out.prompt(fills_in ? "or scan this, which fills the code in:" : "or scan this to open the page:");
    out.prompt("");
    for (const auto& line : *lines) out.prompt(line);
}

}  // namespace

void print_device_code(const Output& out, const connection::DeviceCode& code, ShowQr qr) {
    out.progress("");
    out.prompt("On any device with a browser, open");
    out.prompt("");
    out.prompt("    " + base::printable(code.url.text(), kLongestLink));
    out.prompt("");
    out.prompt("and enter the code");
    out.prompt("");
    out.prompt("    " + base::printable(code.user_code));
    const auto& scanned = code.complete_url ? *code.complete_url : code.url;
    print_qr_code(out, scanned.text(), code.complete_url.has_value(), qr);
    out.prompt("");
}

}  // namespace claviger::cli
