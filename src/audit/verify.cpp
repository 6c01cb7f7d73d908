#include "audit/verify.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "audit/anchors.hpp"
#include "audit/reader.hpp"
#include "audit/segments.hpp"
#include "sys/append_file.hpp"

namespace claviger::audit {
namespace {

using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

constexpr int kLooks = 5;

class Check {
public:
    Check(vault::Vault& vault, const fs::path& home) : vault_(vault), home_(home) {}

    Result<Verification> run() {
        TRY(journal, whole_journal(vault_));
        check_journal(journal);
        TRY(files, segment_files(home_));
        const auto anchors = anchors_in(journal);
        TRY(key, audit_key_if_any(vault_));
        const bool any_anchor = std::any_of(anchors.begin(), anchors.end(), [](const auto& item) { return item.second.opened && !item.second.removed; });
        if (!key && any_anchor) {
            fault("vault", "the key of the audit log is missing");
            return std::move(result_);
        }
        const base::Secret none;
        for (const auto& file : files) {
            const auto known = anchors.find(file.name.text());
            if (known == anchors.end() || !known->second.opened) TRY_VOID(check_unknown(file, key ? *key : none));
            else if (known->second.removed) fault(where(file.name.text()), "it was removed to keep the log bounded, and is there again");
            else TRY_VOID(check_known(file.name, known->second, *key));
        }
        check_missing(anchors, files);
        return std::move(result_);
    }

private:
    void fault(std::string where, std::string what) { result_.faults.push_back({std::move(where), std::move(what)}); }
    void note(std::string where, std::string what) { result_.notes.push_back({std::move(where), std::move(what)}); }
    static std::string where(const std::string& segment, std::uint64_t line = 0) {
        const auto file = fmt::format("audit/{}.jsonl", segment);
        return line == 0 ? file : fmt::format("{}, line {}", file, line);
    }

    void check_journal(const Journal& journal) {
        result_.changes = journal.size();
        for (const auto& line : journal) {
            if (!line.problem.empty()) fault(fmt::format("journal, line {}", line.sequence), line.problem);
            else if (line.event == "vault.restored") restored_ = repaired_ = line.at;
            else if (line.event == "vault.repaired") repaired_ = line.at;
        }
    }

    Result<bool> read(SegmentReader& reader) {
        TRY_VOID(reader.read([&](const Entry&, std::uint64_t) { ++result_.entries; }));
        ++result_.segments;
        if (!reader.fault()) return true;
        fault(where(reader.name().text(), reader.lines() + 1), *reader.fault());
        return false;
    }

    Result<void> check_known(const SegmentName& name, const Anchor& anchor, const base::Secret& key) {
        const bool held = sys::AppendFile::is_held(path_of(home_, name));  // before it is read: whoever lets go is done
        auto reader = SegmentReader::open(home_, name, key);
        if (!reader && reader.error().code == ErrorCode::not_found) return {};  // removed this moment; the journal says so
        if (!reader) {
            fault(where(name.text()), reader.error().message);
            return {};
        }
        TRY(good, read(*reader));
        if (good && anchor.closed) check_end(*reader, anchor);
        if (good && !anchor.closed) check_open(*reader, held);
        return {};
    }

    void check_end(const SegmentReader& reader, const Anchor& anchor) {
        const auto at = where(reader.name().text(), reader.lines());
        if (reader.lines() < anchor.lines) fault(at, fmt::format("the {} lines after it are missing", anchor.lines - reader.lines()));
        else if (reader.lines() > anchor.lines || reader.unfinished() > 0) fault(at, fmt::format("something was added after its end, which was line {}", anchor.lines));
        else if (reader.mac() != anchor.mac) fault(at, "it is not the line that it ended with");
    }

    void check_open(const SegmentReader& reader, bool held) {
        const auto at = where(reader.name().text(), reader.lines());
        if (reader.lines() == 0) fault(where(reader.name().text()), "it is empty");
        else if (held) note(at, "a session is writing it");
        else note(at, reader.unfinished() > 0 ? "its session was cut off while it wrote the line after this one" : "its session was cut off; whether lines after this one are missing cannot be told");
    }

    Result<void> check_unknown(const SegmentFile& file, const base::Secret& key) {
        const auto at = where(file.name.text());
        if (sys::AppendFile::is_held(path_of(home_, file.name))) {
            note(at, "a session is about to begin it");
            return {};
        }
        if (repaired_ && file.changed <= *repaired_) {
            note(at, "it is older than the vault's restored or repaired state, which does not know it");
            return {};
        }
        auto reader = SegmentReader::open(home_, file.name, key);
        if (!reader) return {};
        TRY_VOID(reader->read([](const Entry&, std::uint64_t) {}));
        if (reader->lines() <= 1 && !reader->fault()) note(at, "a session was cut off before it recorded anything in it");
        else fault(at, "the journal does not know it");
        return {};
    }

    void check_missing(const Anchors& anchors, const std::vector<SegmentFile>& files) {
        for (const auto& [segment, anchor] : anchors) {
            if (!anchor.opened || anchor.removed) continue;
            const auto there = [&](const SegmentFile& file) { return file.name.text() == segment; };
            if (std::any_of(files.begin(), files.end(), there)) continue;
            if (restored_ && *anchor.opened <= *restored_) note(where(segment), "it is not here; the vault was restored from a backup, which has no segments");
            else fault(where(segment), "it is missing");
        }
    }

    vault::Vault& vault_;
    const fs::path& home_;
    Verification result_;
    std::optional<base::Instant> restored_, repaired_;
};

}  // namespace

Result<Verification> verify(vault::Vault& vault, const fs::path& home) {
    // What changes meanwhile looks like a fault: then it is looked at again.
    for (int look = 1;; ++look) {
        TRY(before, vault.change_counter());
        TRY(result, Check(vault, home).run());
        TRY(after, vault.change_counter());
        if (before == after || result.faults.empty() || look == kLooks) return std::move(result);
    }
}

}  // namespace claviger::audit
