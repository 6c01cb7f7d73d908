#include "audit/anchors.hpp"

#include <limits>

#include "json/parse.hpp"
#include "json/value.hpp"

namespace claviger::audit {

namespace {
constexpr std::size_t kAll = std::numeric_limits<std::int32_t>::max();
}

base::Result<Journal> whole_journal(vault::Vault& vault) { return vault.audit_tail(kAll); }

base::Result<Journal> journal_after(vault::Vault& vault, std::uint64_t last) {
    for (std::size_t limit = 64;; limit *= 8) {
        TRY(lines, limit < kAll ? vault.audit_tail(limit) : whole_journal(vault));
        const bool reaches = lines.size() < limit || lines.front().sequence <= last + 1;
        if (!reaches && limit < kAll) continue;
        std::erase_if(lines, [last](const auto& line) { return line.sequence <= last; });
        return std::move(lines);
    }
}

Anchors anchors_in(const Journal& journal) {
    Anchors anchors;
    for (const auto& line : journal) add_to(anchors, line);
    return anchors;
}

void add_to(Anchors& anchors, const vault::Vault::AuditLine& line) {
    if (!line.problem.empty()) return;
    if (line.event == kOpened) anchors[line.subject].opened = line.at;
    if (line.event == kRemoved) anchors[line.subject].removed = line.at;
    if (line.event != kClosed) return;
    auto& anchor = anchors[line.subject];
    anchor.closed = line.at;
    const auto detail = json::parse(line.detail);
    if (!detail || !detail->is_object()) return;
    anchor.lines = static_cast<std::uint64_t>(json::int_at(detail->get_object(), "lines").value_or(0));
    anchor.mac = std::string(json::string_at(detail->get_object(), "mac").value_or(""));
}

vault::AuditEntry opened_entry(const std::string& segment, const std::string& program) {
    return {std::string(kOpened), segment, json::to_text(json::Object{{"program", program}})};
}

vault::AuditEntry closed_entry(const std::string& segment, std::uint64_t lines, const std::string& mac) {
    return {std::string(kClosed), segment, json::to_text(json::Object{{"lines", lines}, {"mac", mac}})};
}

vault::AuditEntry removed_entry(const std::string& segment, std::string_view why) {
    return {std::string(kRemoved), segment, json::to_text(json::Object{{"why", why}})};
}

}  // namespace claviger::audit
