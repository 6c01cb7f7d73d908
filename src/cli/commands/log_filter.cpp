#include "cli/commands/log_filter.hpp"

#include <algorithm>

#include "audit/anchors.hpp"
#include "base/number.hpp"
#include "base/text.hpp"
#include "cli/commands/handlers.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;

// "90s", "15m", "1h", "2d", "3w".
std::optional<std::chrono::seconds> span_in(std::string_view text) {
    constexpr std::pair<char, std::int64_t> kUnits[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    if (text.empty()) return std::nullopt;
    const auto unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const auto& one) { return one.first == text.back(); });
    const auto number = base::whole_number(text.substr(0, text.size() - 1));
    if (unit == std::end(kUnits) || !number || *number > 100'000'000) return std::nullopt;
    return std::chrono::seconds(*number * unit->second);
}

Result<std::optional<base::Instant>> moment(const Invocation& invocation, std::string_view option, base::Instant now) {
    if (!invocation.has(option)) return std::optional<base::Instant>();
    const std::string text = invocation.value(option);
    if (const auto span = span_in(text)) return std::optional<base::Instant>(now - *span);
    auto at = base::from_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
    if (at) return std::optional<base::Instant>(*at);
    return base::fail(ErrorCode::usage, std::string(option) + " cannot be '" + base::printable(text, 80) + "'",
                      "a time ago: 90s, 15m, 1h, 2d, 3w; a day: 2026-11-21; or a time in UTC: 2026-11-21T02:30:00Z");
}

// "404" or "4xx".
Result<std::pair<int, int>> statuses(const std::string& text) {
    const bool hundred = text.size() == 3 && text.ends_with("xx") && text[0] >= '1' && text[0] <= '9';
    if (hundred) return std::pair((text[0] - '0') * 100, (text[0] - '0') * 100 + 99);
    const auto number = base::whole_number(text);
    if (number && *number <= 999) return std::pair(static_cast<int>(*number), static_cast<int>(*number));
    return base::fail(ErrorCode::usage, "--status cannot be '" + base::printable(text, 80) + "'", "a status: 404, 4xx, or 0 for requests without an answer");
}

Result<std::string> session_digits(const std::string& text) {
    const bool good = !text.empty() && text.size() <= 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (good) return text;
    return base::fail(ErrorCode::usage, "--session cannot be '" + base::printable(text, 80) + "'", "the first digits of a session, as claviger log shows it");
}

bool host_fits(const std::string& wanted, std::string_view host) {
    const auto colon = host.rfind(':');
    const bool port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
    const auto name = port ? host.substr(0, colon) : host;
    if (wanted.starts_with("*.")) return name.ends_with(std::string_view(wanted).substr(1));
    return wanted == name || wanted == host;
}

bool is_of_a_session(const vault::Vault::AuditLine& line) {
    return line.event == audit::kOpened || line.event == audit::kClosed || line.event == audit::kRemoved;
}

}  // namespace

Concerned concerned_by(const vault::Vault::AuditLine& line) {
    if (line.event.starts_with("vault.") || line.event.starts_with("audit.") || line.event.starts_with("project.")) return {};
    const auto slash = line.subject.rfind('/');
    if (slash == std::string::npos) return {line.subject, {}};
    return {line.subject.substr(0, slash), line.subject.substr(slash + 1)};
}

bool LogFilter::takes(const audit::SegmentName& segment, const audit::Entry& entry) const {
    if (since && entry.at < *since) return false;
    if (until && entry.at > *until) return false;
    if (!provider.empty() && entry.provider != provider) return false;
    if (!connection.empty() && entry.connection != connection) return false;
    if (!segment.session.starts_with(session)) return false;
    if (!host.empty() && !host_fits(host, entry.host)) return false;
    if (status && (entry.status < status->first || entry.status > status->second)) return false;
    return !denied || entry.denied();
}

bool LogFilter::takes(const vault::Vault::AuditLine& line) const {
    if (since && line.at < *since) return false;
    if (until && line.at > *until) return false;
    const bool of_session = is_of_a_session(line);
    if (of_session && !changes) return false;  // begun and ended files are of no use to people
    if (!session.empty() && !(of_session && line.subject.starts_with(session))) return false;
    const auto concerned = concerned_by(line);
    if (!provider.empty() && concerned.provider != provider) return false;
    return connection.empty() || concerned.connection == connection;
}

Result<LogFilter> log_filter(const Invocation& invocation, base::Instant now) {
    LogFilter filter;
    if (invocation.has("--provider")) {
        TRY(name, checked_name("provider", invocation.value("--provider")));
        filter.provider = name;
    }
    if (invocation.has("--connection")) {
        TRY(name, checked_name("connection", invocation.value("--connection")));
        filter.connection = name;
    }
    if (invocation.has("--session")) {
        TRY(digits, session_digits(invocation.value("--session")));
        filter.session = digits;
    }
    if (invocation.has("--status")) {
        TRY(range, statuses(invocation.value("--status")));
        filter.status = range;
    }
    if (invocation.has("--limit")) {
        const auto number = base::whole_number(invocation.value("--limit"));
        if (!number) return base::fail(ErrorCode::usage, "--limit needs a number of lines", "0 shows all");
        filter.limit = static_cast<std::size_t>(*number);
    }
    TRY(since, moment(invocation, "--since", now));
    TRY(until, moment(invocation, "--until", now));
    filter.since = since, filter.until = until;
    filter.host = base::to_lower(invocation.value("--host"));
    filter.denied = invocation.has("--denied"), filter.changes = invocation.has("--changes");
    if (filter.changes && (filter.denied || filter.status || !filter.host.empty())) {
        return base::fail(ErrorCode::usage, "--changes shows no requests, so --host, --status and --denied find nothing", "leave one of them out");
    }
    return filter;
}

}  // namespace claviger::cli
