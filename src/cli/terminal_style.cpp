#include "cli/terminal_style.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <unistr.h>
#include <uniwidth.h>

#include "base/text.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

// 0, or errno.
int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

// Columns on the terminal: wide characters (most of East Asia, emoji) take two, combining ones none.
std::size_t width(std::string_view text) {
    std::size_t columns = 0;
    for (std::size_t at = 0; at < text.size();) {
        ucs4_t character = 0;
        const int used = u8_mbtouc(&character, reinterpret_cast<const std::uint8_t*>(text.data() + at), text.size() - at);
        at += static_cast<std::size_t>(std::max(used, 1));
        columns += static_cast<std::size_t>(std::max(uc_width(character, "UTF-8"), 0));
    }
    return columns;
}

// As json::to_pretty_text lays it out.
void append_pretty(base::WipedString& text, const json::Value& value, const std::string& line_end) {
    const std::string inner = line_end + "  ";
    bool first = true;
    const auto separate = [&](std::string_view open) {
        text.append(first ? open : std::string_view(",")).append(inner);
        first = false;
    };
    if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
        for (const auto& member : *object) {
            separate("{");
            text.append(json::to_text(json::Value(member.key()))).append(": ");
            append_pretty(text, member.value(), inner);
        }
        text.append(line_end).append("}");
    } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
        for (const auto& item : *array) {
            separate("[");
            append_pretty(text, item, inner);
        }
        text.append(line_end).append("]");
    } else {
        const auto scalar = json::to_secret_text(value);
        text.append(scalar.reveal());
    }
}

}  // namespace

Output::Output(Options options) : options_(options) {
    const char* no_colour = std::getenv("NO_COLOR");
    const bool wanted = options_.colour && !options_.json && (no_colour == nullptr || *no_colour == '\0');
    colour_stdout_ = wanted && sys::stdout_is_terminal();
    const char* terminal = std::getenv("TERM");
    const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
    colour_stderr_ = wanted && !dumb && sys::stderr_is_terminal();
    progress_ = !options_.json && !options_.quiet && sys::stderr_is_terminal();
}

void Output::data(std::string_view text) const {
    const int failure = write_all(STDOUT_FILENO, text);
    if (failure != 0 && failure != EPIPE) data_error_ = failure;
    reader_is_gone_ = reader_is_gone_ || failure != 0;
}

base::Result<void> Output::data_written() const {
    if (data_error_ == 0) return {};
    return base::fail(base::ErrorCode::storage, std::string("cannot write to standard output: ") + std::strerror(data_error_),
                      "the command itself was carried out; only its output is incomplete");
}

void Output::document(const json::Value& value) const { data(json::to_pretty_text(value)); }

void Output::secret_document(const json::Value& value) const {
    base::WipedString text;
    append_pretty(text, value, "\n");
    data(std::string_view(text.append("\n")));
}

void Output::talk(std::string_view line) const {
    if (options_.quiet || options_.json) return;
    write_all(STDERR_FILENO, std::string(line) + "\n");
}

void Output::prompt(std::string_view line) const { write_all(STDERR_FILENO, std::string(line) + "\n"); }

void Output::warn(std::string_view line) const { write_all(STDERR_FILENO, "claviger: warning: " + std::string(line) + "\n"); }

void Output::error(const base::Error& error, int exit_code) const {
    if (options_.json) {
        json::Object inner;
        inner["code"] = std::string(to_string(error.code));
        inner["message"] = error.describe();
        if (!error.hint.empty()) inner["hint"] = error.hint;
        inner["exit_code"] = exit_code;
        for (const auto& detail : error_details_) inner[detail.key()] = detail.value();
        json::Object outer;
        outer["error"] = std::move(inner);
        write_all(STDERR_FILENO, json::to_pretty_text(outer));
        return;
    }
    std::string text = "claviger: error: " + error.describe() + "\n";
    if (!error.hint.empty()) text += "hint: " + error.hint + "\n";
    write_all(STDERR_FILENO, text);
}

std::string Output::paint(std::string_view text, Colour colour) const {
    if (!colour_stdout_ || colour == Colour::none) return std::string(text);
    constexpr std::string_view kCodes[] = {"0", "32", "33", "31", "2", "1"};
    return "\033[" + std::string(kCodes[static_cast<std::size_t>(colour)]) + "m" + std::string(text) + "\033[0m";
}

void Output::table(const std::vector<std::string>& head, const std::vector<std::vector<Cell>>& rows) const {
    std::vector<std::size_t> widths(head.size());
    for (std::size_t i = 0; i < head.size(); ++i) widths[i] = width(head[i]);
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i].text));
    }
    std::string text;
    const auto add = [&](std::string_view cell, Colour colour, std::size_t column) {
        text += paint(cell, colour);
        if (column + 1 < head.size()) text.append(widths[column] - width(cell) + 2, ' ');
    };
    for (std::size_t i = 0; i < head.size(); ++i) add(head[i], Colour::bold, i);
    text += '\n';
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) add(row[i].text, row[i].colour, i);
        while (text.ends_with(' ')) text.pop_back();
        text += '\n';
    }
    data(text);
}

void Output::progress(std::string_view line) const {
    if (progress_) write_all(STDERR_FILENO, "\r\033[K" + std::string(line));
}

}  // namespace claviger::cli
