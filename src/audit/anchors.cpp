#include "audit/anchors.hpp"

#include <limits>

#include "json/parse.hpp"
#include "json/value.hpp"

namespace claviger::audit {

base::Result<Journal> whole_journal(vault::Vault& vault) { return vault.audit_tail(std::numeric_limits<std::int32_t>::max()); }

Anchors anchors_in(const Journal& journal) {
    Anchors anchors;
    for (const auto& line : journal) {
        if (!line.problem.empty()) continue;
        if (line.event == kOpened) {
            anchors[line.subject].opened = line.at;
        } else if (line.event == kRemoved) {
            anchors[line.subject].removed = line.at;
        } else if (line.event == kClosed) {
            auto& anchor = anchors[line.subject];
            anchor.closed = line.at;
            const auto detail = json::parse(line.detail);
            if (!detail || !detail->is_object()) continue;
            anchor.lines = static_cast<std::uint64_t>(json::int_at(detail->get_object(), "lines").value_or(0));
            anchor.mac = std::string(json::string_at(detail->get_object(), "mac").value_or(""));
        }
    }
    return anchors;
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
