// SegmentReader: the entries of one segment in their order, each held against the chain before it is given out; it can go on
// where it stopped when the file has grown. Ownership: value, holds the file open. Thread rule: as a value.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "audit/chain.hpp"
#include "audit/entry.hpp"
#include "sys/descriptor.hpp"

namespace claviger::audit {

class SegmentReader {
public:
    // not_found when the file is gone.
    static base::Result<SegmentReader> open(const std::filesystem::path& home, SegmentName name, const base::Secret& audit_key);

    using Take = std::function<void(Entry entry, std::uint64_t number)>;
    // Everything that is there now. Stops for good at the first line that is not the one that must come.
    base::Result<void> read(const Take& take);

    [[nodiscard]] const SegmentName& name() const { return name_; }
    [[nodiscard]] std::uint64_t lines() const { return chain_.lines(); }  // that were right, the head included
    [[nodiscard]] std::string mac() const { return chain_.mac(); }
    // What is wrong with line lines() + 1; nullopt: nothing so far.
    [[nodiscard]] const std::optional<std::string>& fault() const { return fault_; }
    // Bytes after the last line feed: a line that is being written, or was when its writer died.
    [[nodiscard]] std::size_t unfinished() const { return rest_.size(); }

private:
    SegmentReader(sys::Descriptor file, SegmentName name, const base::Secret& audit_key)
        : file_(std::move(file)), name_(std::move(name)), chain_(audit_key, name_) {}
    void line(std::string_view text, const Take& take);
    sys::Descriptor file_;
    SegmentName name_;
    Chain chain_;
    std::string rest_;
    std::optional<std::string> fault_;
};

}  // namespace claviger::audit
