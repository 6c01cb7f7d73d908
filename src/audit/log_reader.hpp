// LogReader: journal and segments as one log, and again what has come since. Only what is proved is given out: lines whose
// chain holds, of segments that the journal knows and has not removed. Thread rule: as the Vault.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "audit/anchors.hpp"
#include "audit/reader.hpp"
#include "audit/verify.hpp"

namespace claviger::audit {

class LogReader {
public:
    struct Takes {
        std::function<void(const vault::Vault::AuditLine& line)> change;
        // Empty: no segment is looked into.
        std::function<void(const SegmentName& segment, std::uint64_t number, Entry entry)> request{};
        // Whether an ended segment may hold anything of interest, all of which came before `end`. Asked from the newest on.
        std::function<bool(base::Instant end)> looks_into{};
        std::function<void(const Finding& finding)> fault{};  // each once
    };
    LogReader(vault::Vault& vault, std::filesystem::path home) : vault_(vault), home_(std::move(home)) {}

    // What is new since the last call: the journal in its order, then each segment in its own.
    base::Result<void> read(const Takes& takes);

private:
    struct State {
        std::optional<SegmentReader> reader{};  // while it may still grow
        bool done = false;
    };
    base::Result<void> read_journal(const Takes& takes);
    base::Result<void> read_segment(const SegmentName& name, const Anchor& anchor, State& state, const Takes& takes);
    [[nodiscard]] std::vector<std::pair<base::Instant, SegmentName>> unread() const;

    vault::Vault& vault_;
    std::filesystem::path home_;
    std::optional<std::int64_t> seen_change_;
    std::uint64_t last_line_ = 0;
    std::optional<base::Secret> key_;
    std::optional<base::Instant> restored_;  // segments of before need not be here
    Anchors anchors_;
    std::map<SegmentName, State> states_;
};

}  // namespace claviger::audit
