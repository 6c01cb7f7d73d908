// AppendFile: a private file of our own that only grows, held for as long as this lives, so that others can tell one that is
// being written from one that was left behind. Ownership: value; the file stays when this goes. Thread rule: as a value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "sys/descriptor.hpp"

namespace claviger::sys {

class AppendFile {
public:
    // already_exists when there is one of that name. 0600 from its first moment (CL-06).
    static base::Result<AppendFile> create(const std::filesystem::path& path);
    // All of it or nothing: what was written before a failure (a full disk) is cut off again.
    base::Result<void> append(std::string_view bytes);
    base::Result<void> sync();
    [[nodiscard]] std::uint64_t size() const { return size_; }

    // Whether somebody, this process included, holds the file of that name now. false when there is none.
    static bool is_held(const std::filesystem::path& path);

private:
    AppendFile(Descriptor file, std::filesystem::path path) : file_(std::move(file)), path_(std::move(path)) {}
    Descriptor file_;
    std::filesystem::path path_;
    std::uint64_t size_ = 0;
    bool torn_ = false;  // bytes of a failed append could not be cut off
};

}  // namespace claviger::sys
