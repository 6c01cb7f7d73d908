// Scrubber: the body of one answer on its way to the client, with each needle overwritten by asterisks of the same length,
// so that Content-Length, Range and positions stay true. What may be the beginning of a needle waits for its end: a run of
// characters that a secret or its spelling could hold, at most as long as the longest spelling (32 KiB); whatever else
// stands there, a line end or a closing brace, lets all of it go at once. Owned by the exchange. Thread rule: one task.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "scrub/needles.hpp"

namespace claviger::scrub {

class Scrubber {
public:
    // Null: everything passes as it is. `piece`: the most that comes at once.
    Scrubber(NeedlesPtr needles, std::size_t piece);
    ~Scrubber();
    Scrubber(const Scrubber&) = delete;
    Scrubber& operator=(const Scrubber&) = delete;

    // Where the next bytes go. Ends the view that take() gave.
    [[nodiscard]] std::span<char> space();
    // So many bytes were put there, and whether they are the last ones. Gives what may be passed on now, maybe nothing.
    std::string_view take(std::size_t bytes, bool last);
    [[nodiscard]] std::uint64_t found() const { return found_; }

private:
    void grow(std::size_t size);
    NeedlesPtr needles_;
    std::size_t piece_, size_, used_ = 0;
    std::size_t given_ = 0, held_ = 0;  // of the memory: [0, given_) was given, [given_, given_ + held_) waits
    std::uint64_t found_ = 0;
    std::unique_ptr<char[]> memory_;
};

}  // namespace claviger::scrub
