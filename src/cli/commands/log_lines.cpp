#include "cli/commands/log_lines.hpp"

#include <limits>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

constexpr std::size_t kShownDigits = 8;  // of a session: enough to tell and to type

// 2026-11-21T02:30:00.042Z
std::string rfc3339_milliseconds(base::Instant at) {
    auto text = base::to_rfc3339(at);
    text.pop_back();
    return text + fmt::format(".{:03}Z", (at - std::chrono::floor<std::chrono::seconds>(at)).count());
}

// "812", "1.2K", "34M".
std::string amount(std::uint64_t bytes) {
    constexpr const char* kUnits[] = {"", "K", "M", "G", "T", "P", "E"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < std::size(kUnits)) value /= 1024, ++unit;
    return unit > 0 && value < 9.95 ? fmt::format("{:.1f}{}", value, kUnits[unit]) : fmt::format("{:.0f}{}", value, kUnits[unit]);
}

std::string who(const std::string& provider, const std::string& connection) {
    if (provider.empty()) return "-";
    return connection.empty() ? provider : provider + "/" + connection;
}

std::string what_of(const audit::Entry& entry) {
    if (entry.kind == audit::Entry::Kind::lost) return fmt::format("{} lines could not be written, the disk was full", entry.count);
    std::string text = who(entry.provider, entry.connection);
    if (!entry.reason.empty()) text += " (" + entry.reason + ")";
    if (entry.kind == audit::Entry::Kind::tunnel) text += " tunnel to " + entry.host;
    else if (entry.reason == "no_room") text += " a connection for which there was no place";
    else if (entry.host.empty()) text += " somebody without the session's credential";
    else text += (entry.method.empty() ? " malformed request to " : " " + entry.method + " ") + entry.host + entry.path;
    if (!entry.why.empty()) text += ": " + entry.why;
    if (entry.denied() && !entry.rule.empty()) text += ", by " + entry.rule;
    if (!entry.approval.empty()) text += ", approved" + (entry.approval == "once" ? " once" : entry.approval == "earlier" ? " before" : " for " + entry.approval) + " (" + entry.rule + ")";
    if (entry.scrubbed > 0) text += fmt::format(", the credential taken out of the answer {} time{}", entry.scrubbed, entry.scrubbed == 1 ? "" : "s");
    if (entry.count > 0) text += fmt::format(", and {} more", entry.count);
    return text;
}

Colour colour_of(const audit::Entry& entry) {
    if (entry.denied() || entry.kind == audit::Entry::Kind::lost) return Colour::red;
    return entry.status >= 400 || entry.status == 0 ? Colour::yellow : Colour::none;
}

}  // namespace

json::Object log_json(const audit::SegmentName& segment, std::uint64_t number, const audit::Entry& entry) {
    const auto put = [](json::Object& object, std::string_view name, const std::string& text) {
        object[name] = text.empty() ? json::Value(nullptr) : json::Value(text);
    };
    json::Object object;
    object["at"] = rfc3339_milliseconds(entry.at);
    object["kind"] = to_string(entry.kind);
    object["session"] = segment.session;
    object["segment"] = segment.number;
    object["number"] = number;
    if (entry.kind != audit::Entry::Kind::lost) {
        put(object, "provider", entry.provider);
        put(object, "connection", entry.connection);
        put(object, "method", entry.method);
        put(object, "host", entry.host);
        put(object, "path", entry.path);
        object["status"] = entry.status > 0 ? json::Value(entry.status) : json::Value(nullptr);
        put(object, "reason", entry.reason);
        put(object, "why", entry.why);
        put(object, "rule", entry.rule);
        put(object, "approval", entry.approval);
        object["sent"] = entry.sent;
        object["received"] = entry.received;
        object["scrubbed"] = entry.scrubbed;
        object["ms"] = entry.milliseconds;
    }
    if (entry.count > 0) object["count"] = entry.count;
    return object;
}

json::Object log_json(const vault::Vault::AuditLine& line) {
    const auto concerned = concerned_by(line);
    json::Object object;
    object["at"] = rfc3339_milliseconds(line.at);
    object["kind"] = "change";
    object["number"] = line.sequence;
    object["event"] = line.event;
    object["subject"] = line.subject;
    object["provider"] = concerned.provider.empty() ? json::Value(nullptr) : json::Value(concerned.provider);
    object["connection"] = concerned.connection.empty() ? json::Value(nullptr) : json::Value(concerned.connection);
    auto detail = json::parse(line.detail);
    object["detail"] = detail ? std::move(*detail) : json::Value(line.detail);
    return object;
}

LogPrinter::LogPrinter(const Output& out, base::Instant now)
    : out_(out), year_(base::to_rfc3339(now).substr(0, 5)),
      width_(sys::stdout_is_terminal() ? static_cast<std::size_t>(sys::terminal_columns()) : std::numeric_limits<std::size_t>::max()) {}

void LogPrinter::print(const audit::SegmentName& segment, std::uint64_t number, const audit::Entry& entry) {
    if (out_.json()) {
        out_.data(json::to_text(log_json(segment, number, entry)) + "\n");
        return;
    }
    Row line{entry.at, segment.session.substr(0, kShownDigits), entry.status > 0 ? std::to_string(entry.status) : "-", std::to_string(entry.milliseconds),
             entry.kind == audit::Entry::Kind::tunnel ? amount(entry.sent) + "/" + amount(entry.received) : amount(entry.received), what_of(entry), colour_of(entry)};
    row(line);
}

void LogPrinter::print(const vault::Vault::AuditLine& line) {
    if (out_.json()) {
        out_.data(json::to_text(log_json(line)) + "\n");
        return;
    }
    Row shown{line.at};
    shown.what = line.subject + " " + line.event;
    row(shown);
}

void LogPrinter::row(const Row& row) {
    if (!std::exchange(headed_, true)) out_.data(fmt::format("{:<14}  {:<8}  {:>4} {:>7} {:>5}  {}\n", "TIME (UTC)", "SESSION", "CODE", "MS", "BYTES", "WHAT"));
    auto time = base::to_rfc3339(row.at);
    time.pop_back();
    time[10] = ' ';
    if (time.starts_with(year_)) time.erase(0, year_.size());
    const auto before = fmt::format("{:<14}  {:<8}  {:>4} {:>7} {:>5}  ", time, row.session, row.status, row.milliseconds, row.bytes);
    auto what = base::printable(row.what, 1200);
    if (before.size() + what.size() > width_) what = what.substr(0, std::max(width_, before.size() + 20) - before.size() - 3) + "...";
    out_.data(before + out_.paint(what, row.colour) + "\n");
}

}  // namespace claviger::cli
