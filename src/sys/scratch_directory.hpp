// ScratchDirectory: a private directory below the system's temporary one, removed with all it holds when it goes.
// Used by tests and by nothing that holds a secret. Ownership: value. Thread rule: as a value.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

namespace claviger::sys {

class ScratchDirectory {
public:
    ScratchDirectory() : ScratchDirectory(std::filesystem::temp_directory_path()) {}
    explicit ScratchDirectory(const std::filesystem::path& parent) {
        std::string name = (parent / "claviger-XXXXXX").native();
        if (::mkdtemp(name.data()) != nullptr) path_ = name;
    }
    ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    ScratchDirectory& operator=(ScratchDirectory&&) = delete;
    ~ScratchDirectory() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

    // In memory where the system has such a place: for tests that write much and need no disk.
    static ScratchDirectory in_memory() {
        std::error_code ignored;
        return std::filesystem::is_directory("/dev/shm", ignored) ? ScratchDirectory("/dev/shm") : ScratchDirectory();
    }

private:
    std::filesystem::path path_;
};

}  // namespace claviger::sys
