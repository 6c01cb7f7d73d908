// Descriptor: an owned file descriptor, and reading and writing that finish or fail. Thread rule: as a value.
#pragma once

#include <string_view>
#include <utility>

#include <unistd.h>

#include "base/error.hpp"

namespace claviger::sys {

class Descriptor {
public:
    Descriptor() noexcept = default;
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_ = -1;
};

// Writes all of `bytes`, through short writes and EINTR. `subject` names the file in the error.
base::Result<void> write_all(int fd, std::string_view bytes, std::string_view subject);

}  // namespace claviger::sys
