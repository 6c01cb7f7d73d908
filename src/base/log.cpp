#include "base/log.hpp"

#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::base {
namespace {

constexpr std::string_view kLevelNames[] = {"trace", "debug", "info", "warn", "error", "off"};
constexpr std::size_t kFieldLimit = 500;  // a line stays one short write

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : printable(text, kFieldLimit)) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

}  // namespace

std::optional<LogLevel> log_level_from(std::string_view text) {
    for (std::size_t i = 0; i < std::size(kLevelNames); ++i) {
        if (text == kLevelNames[i]) return static_cast<LogLevel>(i);
    }
    return std::nullopt;
}

void Log::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
    if (!enabled(level)) return;
    std::string line = fmt::format("{{\"at\":\"{}\",\"level\":\"{}\",\"event\":\"{}\"", to_rfc3339(clock_.now()),
                                   kLevelNames[static_cast<std::size_t>(level)], event);
    for (const auto& field : fields) {
        line += fmt::format(",\"{}\":", field.name);
        if (const auto* text = std::get_if<std::string_view>(&field.value)) append_json_string(line, *text);
        else if (const auto* number = std::get_if<std::int64_t>(&field.value)) line += std::to_string(*number);
        else line += std::get<bool>(field.value) ? "true" : "false";
    }
    line += "}\n";
    // A log that cannot be written must never stop the work it speaks of (LG-05): neither an error nor a reader
    // that does not read.
    pollfd ready{fd_, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
    [[maybe_unused]] const auto written = ::write(fd_, line.data(), line.size());
}

}  // namespace claviger::base
