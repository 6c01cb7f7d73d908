#include "audit/segments.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "audit/anchors.hpp"
#include "sys/append_file.hpp"
#include "sys/files.hpp"

namespace claviger::audit {
namespace {

using base::Result;
namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".jsonl";

struct Candidate {
    SegmentFile file;
    base::Instant ended{};  // at the latest, by the journal: the file's own time could be set back to be rid of it
    std::string_view why;
    bool removed = false;   // the journal has it already: a crash came before the file went
};

// Cheap, and only a reason to look: whether something may have to go.
bool may_be_too_much(const std::vector<SegmentFile>& files, const Limits& limits, base::Instant now) {
    std::uint64_t bytes = 0;
    bool old = false;
    for (const auto& file : files) {
        bytes += file.bytes;
        old = old || file.changed < now - limits.kept_age;
    }
    return old || bytes > limits.kept_bytes;
}

std::vector<Candidate> candidates_of(const std::vector<SegmentFile>& files, const Anchors& anchors, const fs::path& home) {
    std::vector<Candidate> candidates;
    for (const auto& file : files) {
        if (sys::AppendFile::is_held(path_of(home, file.name))) continue;
        Candidate candidate{file, file.changed, {}, false};
        if (const auto known = anchors.find(file.name.text()); known != anchors.end()) {
            const auto& anchor = known->second;
            candidate.ended = anchor.closed.value_or(anchor.opened.value_or(file.changed));
            candidate.removed = anchor.removed.has_value();
        }
        candidates.push_back(std::move(candidate));
    }
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.ended < b.ended; });
    return candidates;
}

// Keeps those that are to go.
void choose(std::vector<Candidate>& candidates, std::uint64_t bytes, const Limits& limits, base::Instant now) {
    for (auto& candidate : candidates) {
        const bool too_old = candidate.ended < now - limits.kept_age;
        if (!candidate.removed && !too_old && bytes <= limits.kept_bytes) continue;
        candidate.why = too_old ? "age" : "size";
        bytes -= std::min(bytes, candidate.file.bytes);
    }
    std::erase_if(candidates, [](const Candidate& candidate) { return candidate.why.empty(); });
}

}  // namespace

fs::path directory_of(const fs::path& home) { return home / "audit"; }
fs::path path_of(const fs::path& home, const SegmentName& name) { return directory_of(home) / (name.text() + std::string(kEnding)); }

Result<std::vector<SegmentFile>> segment_files(const fs::path& home) {
    std::vector<SegmentFile> files;
    std::error_code failure;
    fs::directory_iterator entry(directory_of(home), failure);
    for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
        const std::string file = entry->path().filename().native();
        if (!file.ends_with(kEnding)) continue;
        const auto name = SegmentName::parse(std::string_view(file).substr(0, file.size() - kEnding.size()));
        struct stat info {};
        if (!name || ::lstat(entry->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
        const auto changed = std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::milliseconds(info.st_mtim.tv_nsec / 1'000'000);
        files.push_back({*name, static_cast<std::uint64_t>(info.st_size), base::Instant(changed)});
    }
    if (failure && failure != std::errc::no_such_file_or_directory) {
        return base::fail(base::ErrorCode::storage, fmt::format("cannot read {}: {}", directory_of(home).native(), failure.message()));
    }
    std::sort(files.begin(), files.end(), [](const SegmentFile& a, const SegmentFile& b) { return a.name < b.name; });
    return files;
}

Result<void> remove_old_segments(vault::Vault& vault, const fs::path& home, const Limits& limits, base::Instant now) {
    TRY(files, segment_files(home));
    if (!may_be_too_much(files, limits, now)) return {};
    auto lock = sys::FileLock::acquire(directory_of(home) / "lock", std::chrono::milliseconds(0));
    if (!lock) return {};
    TRY(journal, whole_journal(vault));
    auto going = candidates_of(files, anchors_in(journal), home);
    std::uint64_t bytes = 0;
    for (const auto& file : files) bytes += file.bytes;
    choose(going, bytes, limits, now);
    if (going.empty()) return {};
    TRY_VOID(vault.transact([&](vault::Transaction& transaction) -> Result<void> {
        for (const auto& one : going) {
            if (!one.removed) TRY_VOID(transaction.audit(removed_entry(one.file.name.text(), one.why)));
        }
        return {};
    }));
    for (const auto& one : going) ::unlink(path_of(home, one.file.name).c_str());
    return sys::sync_directory(directory_of(home));
}

}  // namespace claviger::audit
