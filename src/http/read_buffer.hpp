// The one buffer of a connection's reading side: received bytes not yet used, then free space. Small at first (an idle
// connection holds none after rest()), grown by doubling, wiped when freed since it held heads and bodies.
// Internal to http/. Thread rule: a value of one connection.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "base/secret.hpp"

namespace claviger::http {

class ReadBuffer {
public:
    static constexpr std::size_t kFirst = 4 * 1024;
    static constexpr std::size_t kBody = 16 * 1024;  // while a body is read

    ReadBuffer() = default;
    ~ReadBuffer() { rest(); }
    ReadBuffer(const ReadBuffer&) = delete;
    ReadBuffer& operator=(const ReadBuffer&) = delete;

    [[nodiscard]] bool empty() const { return begin_ == end_; }
    [[nodiscard]] std::string_view view() const { return {memory_.get() + begin_, end_ - begin_}; }
    [[nodiscard]] std::span<char> free_space() { return {memory_.get() + end_, capacity_ - end_}; }
    void filled(std::size_t n) {
        end_ += n;
        touched_ = std::max(touched_, end_);
    }
    void use(std::size_t n) {
        begin_ += n;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    std::size_t take(std::span<char> into) {
        const std::size_t n = std::min(into.size(), end_ - begin_);
        std::memcpy(into.data(), memory_.get() + begin_, n);
        use(n);
        return n;
    }
    // Makes free space: at least `least` bytes of buffer in all, more only when it is full; never above `most`.
    void make_room(std::size_t least, std::size_t most) {
        if (capacity_ >= least && end_ < capacity_) return;
        if (capacity_ >= least && begin_ > 0) {
            std::memmove(memory_.get(), memory_.get() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
            return;
        }
        const std::size_t doubled = end_ == capacity_ ? capacity_ * 2 : capacity_;
        grow(std::max({least, std::min(doubled, most), end_ - begin_ + 1}));
    }
    // Wipes and frees everything, unread bytes included: for a connection that is idle or done.
    void rest() {
        if (memory_ != nullptr) base::wipe(memory_.get(), touched_);
        memory_.reset();
        capacity_ = begin_ = end_ = touched_ = 0;
    }

private:
    void grow(std::size_t capacity) {
        auto larger = std::make_unique_for_overwrite<char[]>(capacity);
        const std::size_t size = end_ - begin_;
        if (size > 0) std::memcpy(larger.get(), memory_.get() + begin_, size);
        if (memory_ != nullptr) base::wipe(memory_.get(), touched_);
        memory_ = std::move(larger);
        capacity_ = capacity;
        begin_ = 0;
        end_ = touched_ = size;
    }

    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
    std::size_t touched_ = 0;  // what was ever written: only that is wiped
};

}  // namespace claviger::http
