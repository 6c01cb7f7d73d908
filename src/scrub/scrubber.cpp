#include "scrub/scrubber.hpp"

#include <algorithm>
#include <cstring>

namespace claviger::scrub {

// Room beside a piece for what waits, so that a read still takes a whole one.
constexpr std::size_t kRoom = 1024;

Scrubber::Scrubber(NeedlesPtr needles, std::size_t piece)
    : needles_(std::move(needles)), piece_(piece), size_(piece + (needles_ ? std::min(piece, kRoom) : 0)),
      memory_(std::make_unique_for_overwrite<char[]>(size_)) {}

Scrubber::~Scrubber() { base::wipe(memory_.get(), used_); }

void Scrubber::grow(std::size_t size) {
    auto larger = std::make_unique_for_overwrite<char[]>(size);
    std::memcpy(larger.get(), memory_.get(), held_);
    base::wipe(memory_.get(), used_);
    memory_ = std::move(larger);
    size_ = size;
    used_ = held_;
}

std::span<char> Scrubber::space() {
    if (given_ > 0 && held_ > 0) std::memmove(memory_.get(), memory_.get() + given_, held_);
    given_ = 0;
    if (size_ - held_ < (piece_ + 1) / 2) grow(held_ + piece_);
    return {memory_.get() + held_, std::min(piece_, size_ - held_)};
}

std::string_view Scrubber::take(std::size_t bytes, bool last) {
    const std::size_t size = held_ + bytes;
    used_ = std::max(used_, size);
    const std::span<char> text(memory_.get(), size);
    if (!needles_) {
        given_ = size;
        held_ = 0;
        return {text.data(), given_};
    }
    const auto ranges = needles_->find({text.data(), size});
    const auto settled = last ? Needles::Settled{size, size} : needles_->settled({text.data(), size});
    given_ = settled.passed;
    held_ = size - given_;
    // What waits is looked at again, whole: a longer needle may hold what was found in it.
    for (const auto& range : ranges) {
        if (range.begin >= settled.found) break;
        std::fill(text.begin() + static_cast<std::ptrdiff_t>(range.begin), text.begin() + static_cast<std::ptrdiff_t>(range.end), kMask);
        ++found_;
    }
    return {text.data(), given_};
}

}  // namespace claviger::scrub
