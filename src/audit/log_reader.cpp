#include "audit/log_reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "audit/segments.hpp"
#include "sys/append_file.hpp"

namespace claviger::audit {

using base::ErrorCode;
using base::Result;

Result<void> LogReader::read(const Takes& takes) {
    TRY_VOID(read_journal(takes));
    if (!takes.request) return {};
    const auto segments = unread();
    if (segments.empty()) return {};
    if (!key_) {
        TRY(key, audit_key_if_any(vault_));
        if (!key) return base::fail(ErrorCode::corrupt, "the vault has lost the key of the audit log", "restore a backup with: claviger vault restore");
        key_ = std::move(key);
    }
    for (const auto& [end, name] : segments) {
        const auto& anchor = anchors_.at(name.text());
        auto& state = states_[name];
        if (anchor.closed && takes.looks_into && !state.reader && !takes.looks_into(end)) state.done = true;
        else TRY_VOID(read_segment(name, anchor, state, takes));
    }
    return {};
}

Result<void> LogReader::read_journal(const Takes& takes) {
    TRY(change, vault_.change_counter());
    if (seen_change_ == change) return {};
    TRY(fresh, seen_change_ ? journal_after(vault_, last_line_) : whole_journal(vault_));
    for (const auto& line : fresh) {
        if (!line.problem.empty() && takes.fault) takes.fault({fmt::format("journal, line {}", line.sequence), line.problem});
        if (line.problem.empty() && takes.change) takes.change(line);
        add_to(anchors_, line);
        last_line_ = line.sequence;
        if (line.problem.empty() && line.event == "vault.restored") restored_ = line.at;
    }
    seen_change_ = change;
    return {};
}

std::vector<std::pair<base::Instant, SegmentName>> LogReader::unread() const {
    std::vector<std::pair<base::Instant, SegmentName>> segments;
    for (const auto& [text, anchor] : anchors_) {
        const auto name = SegmentName::parse(text);
        if (!name || !anchor.opened || anchor.removed) continue;
        if (const auto known = states_.find(*name); known != states_.end() && known->second.done) continue;
        segments.emplace_back(anchor.closed.value_or(base::Instant::max()), *name);
    }
    std::sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) { return a > b; });
    return segments;
}

Result<void> LogReader::read_segment(const SegmentName& name, const Anchor& anchor, State& state, const Takes& takes) {
    const bool grows = !anchor.closed && sys::AppendFile::is_held(path_of(home_, name));  // before it is read
    const auto fault = [&](std::uint64_t line, std::string what) {
        const auto file = fmt::format("audit/{}.jsonl", name.text());
        if (takes.fault) takes.fault({line > 0 ? fmt::format("{}, line {}", file, line) : file, std::move(what)});
        state = {std::nullopt, true};
    };
    if (!state.reader) {
        auto opened = SegmentReader::open(home_, name, *key_);
        if (!opened && opened.error().code == ErrorCode::not_found) TRY_VOID(read_journal(takes));  // it may have been removed this moment
        const bool may_be_gone = anchor.removed || (restored_ && *anchor.opened <= *restored_);
        if (!opened && may_be_gone) {
            state.done = true;
            return {};
        }
        if (!opened) {
            fault(0, opened.error().code == ErrorCode::not_found ? "it is missing" : opened.error().message);
            return {};
        }
        state.reader = std::move(*opened);
    }
    TRY_VOID(state.reader->read([&](Entry entry, std::uint64_t number) { takes.request(name, number, std::move(entry)); }));
    if (state.reader->fault()) fault(state.reader->lines() + 1, *state.reader->fault());
    else if (anchor.closed && state.reader->lines() < anchor.lines) fault(state.reader->lines(), "lines after it are missing");
    else if (!grows) state = {std::nullopt, true};
    return {};
}

}  // namespace claviger::audit
