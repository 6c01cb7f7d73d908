#include "audit/entry.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "json/parse.hpp"
#include "json/value.hpp"

namespace claviger::audit {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

void append_member(std::string& out, std::string_view name, std::string_view text) {
    if (text.empty()) return;
    out.append(",\"").append(name).append("\":");
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
    if (plain) out.append("\"").append(text).append("\"");
    else out.append(json::to_text(json::Value(text)));
}

template <class Number>
void append_number(std::string& out, std::string_view name, Number number) {
    if (number != 0) fmt::format_to(std::back_inserter(out), ",\"{}\":{}", name, number);
}

std::string text_at(const json::Object& object, std::string_view name) { return std::string(json::string_at(object, name).value_or("")); }

std::uint64_t number_at(const json::Object& object, std::string_view name) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(json::int_at(object, name).value_or(0), 0));
}

}  // namespace

std::string_view to_string(Entry::Kind kind) {
    switch (kind) {
        case Entry::Kind::request: return "request";
        case Entry::Kind::tunnel: return "tunnel";
        case Entry::Kind::lost: return "lost";
    }
    return "";
}

void append_entry(std::string& out, std::uint64_t number, const Entry& entry) {
    fmt::format_to(std::back_inserter(out), "{{\"n\":{},\"at\":{}", number, entry.at.time_since_epoch().count());
    append_number(out, "ms", entry.milliseconds);
    append_member(out, "kind", to_string(entry.kind));
    append_member(out, "provider", entry.provider);
    append_member(out, "connection", entry.connection);
    append_member(out, "method", entry.method);
    append_member(out, "host", entry.host);
    append_member(out, "path", entry.path);
    append_number(out, "status", entry.status);
    append_member(out, "reason", entry.reason);
    append_member(out, "why", entry.why);
    append_member(out, "rule", entry.rule);
    append_member(out, "approval", entry.approval);
    append_number(out, "sent", entry.sent);
    append_number(out, "received", entry.received);
    append_number(out, "scrubbed", entry.scrubbed);
    append_number(out, "count", entry.count);
}

Result<Entry> read_entry(std::string_view line, std::uint64_t number) {
    const auto value = json::parse(line);
    if (!value || !value->is_object()) return fail(ErrorCode::corrupt, "not a JSON object");
    const auto& object = value->get_object();
    if (json::int_at(object, "n") != static_cast<std::int64_t>(number)) return fail(ErrorCode::corrupt, "out of its place");
    Entry entry;
    const auto kind = json::string_at(object, "kind").value_or("");
    if (kind == "tunnel") entry.kind = Entry::Kind::tunnel;
    else if (kind == "lost") entry.kind = Entry::Kind::lost;
    else if (kind != "request") return fail(ErrorCode::unsupported, "of an unknown kind", "a newer claviger wrote it");
    entry.at = base::Instant(base::Duration(json::int_at(object, "at").value_or(0)));
    entry.milliseconds = json::int_at(object, "ms").value_or(0);
    entry.provider = text_at(object, "provider");
    entry.connection = text_at(object, "connection");
    entry.method = text_at(object, "method");
    entry.host = text_at(object, "host");
    entry.path = text_at(object, "path");
    entry.status = static_cast<int>(number_at(object, "status"));
    entry.reason = text_at(object, "reason");
    entry.why = text_at(object, "why");
    entry.rule = text_at(object, "rule");
    entry.approval = text_at(object, "approval");
    entry.sent = number_at(object, "sent");
    entry.received = number_at(object, "received");
    entry.scrubbed = number_at(object, "scrubbed");
    entry.count = number_at(object, "count");
    return entry;
}

}  // namespace claviger::audit
