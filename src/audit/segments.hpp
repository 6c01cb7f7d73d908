// The directory of segments, <home>/audit, and what keeps it bounded. Thread rule: as the Vault.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "audit/chain.hpp"

namespace claviger::audit {

struct Limits {
    std::uint64_t segment_bytes = std::uint64_t{8} << 20;   // a segment that has as many is ended, and the next begun
    std::chrono::milliseconds segment_age = std::chrono::hours(24);
    std::uint64_t kept_bytes = std::uint64_t{256} << 20;    // of all; the oldest go first
    std::chrono::milliseconds kept_age = std::chrono::hours(24 * 90);
};

std::filesystem::path directory_of(const std::filesystem::path& home);
std::filesystem::path path_of(const std::filesystem::path& home, const SegmentName& name);

struct SegmentFile {
    SegmentName name;
    std::uint64_t bytes = 0;
    base::Instant changed{};  // as the file system has it: anybody may have set it
};
// Empty when there is no directory. Files of other names are none of ours.
base::Result<std::vector<SegmentFile>> segment_files(const std::filesystem::path& home);

// Removes ended segments that are too old or too many, each with a line in the journal before it goes. One process at a
// time; the others leave it to that one.
base::Result<void> remove_old_segments(vault::Vault& vault, const std::filesystem::path& home, const Limits& limits, base::Instant now);

}  // namespace claviger::audit
