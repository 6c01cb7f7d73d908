// Structured log: an event name and typed fields, one JSON object a line. Never sentences with values pasted
// in; a Secret or WipedString has no overload, so logging one does not compile (LG-01). Field text is made printable.
// A line that cannot be written at once (full disk, full pipe) is dropped: a log never holds up the work (LG-05).
// Thread rule: Log is safe from any thread; one write(2) a line.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "base/secret.hpp"

namespace claviger::base {

enum class LogLevel { trace, debug, info, warn, error, off };

std::optional<LogLevel> log_level_from(std::string_view text);

struct LogField {
    std::string_view name;
    std::variant<std::string_view, std::int64_t, bool> value;
    LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
    LogField(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
    LogField(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
    LogField(std::string_view n, std::int64_t v) : name(n), value(v) {}
    LogField(std::string_view n, int v) : name(n), value(static_cast<std::int64_t>(v)) {}
    LogField(std::string_view n, unsigned v) : name(n), value(static_cast<std::int64_t>(v)) {}
    LogField(std::string_view n, std::size_t v) : name(n), value(static_cast<std::int64_t>(v)) {}
    template <std::same_as<bool> Bool>  // not a pointer that happens to convert
    LogField(std::string_view n, Bool v) : name(n), value(v) {}
    // It converts to a string_view, and holds what must not be logged.
    LogField(std::string_view n, const WipedString& v) = delete;
};

class Log {
public:
    // Writes to `fd`, which it does not own; -1 discards.
    explicit Log(int fd = -1, LogLevel level = LogLevel::off) : fd_(fd), level_(level) {}
    [[nodiscard]] bool enabled(LogLevel level) const noexcept { return fd_ >= 0 && level >= level_; }
    void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);

    void trace(std::string_view event, std::initializer_list<LogField> f = {}) { write(LogLevel::trace, event, f); }
    void debug(std::string_view event, std::initializer_list<LogField> f = {}) { write(LogLevel::debug, event, f); }
    void info(std::string_view event, std::initializer_list<LogField> f = {}) { write(LogLevel::info, event, f); }
    void warn(std::string_view event, std::initializer_list<LogField> f = {}) { write(LogLevel::warn, event, f); }
    void error(std::string_view event, std::initializer_list<LogField> f = {}) { write(LogLevel::error, event, f); }

private:
    int fd_;
    LogLevel level_;
    SystemClock clock_;
};

}  // namespace claviger::base
