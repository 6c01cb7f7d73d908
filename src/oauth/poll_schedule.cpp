#include "oauth/poll_schedule.hpp"

#include <algorithm>

namespace claviger::oauth {
namespace {

constexpr std::chrono::seconds kSlower{5};  // RFC 8628 section 3.5, slow_down
// A human waits at the other end: when the network is back, nobody should look at a silent terminal for longer.
constexpr std::chrono::seconds kLongestBackOff{60};
constexpr int kMostDoublings = 6;
constexpr std::chrono::seconds kLongestWait{7 * 86'400};  // keeps sums in range; no code lives so long
// The server's time began a little before ours, and the request has to travel.
constexpr std::chrono::seconds kBeforeTheEnd{1};
constexpr std::chrono::seconds kForAnAnswer{1};

}  // namespace

void PollSchedule::pending(net::Deadline now) {
    answered_ = now;
    failures_ = 0;
    least_ = wait_ = interval_;
}

void PollSchedule::slow_down(net::Deadline now) {
    interval_ += kSlower;
    pending(now);
}

void PollSchedule::unreachable(net::Deadline now, std::optional<std::chrono::seconds> retry_after) {
    answered_ = now;
    failures_ = std::min(failures_ + 1, kMostDoublings);
    const auto doubled = interval_ * (1 << failures_);
    least_ = wait_;
    wait_ = std::max(interval_, std::min(doubled, kLongestBackOff));
    if (retry_after) {
        least_ = std::max(least_, *retry_after);
        wait_ = std::max(wait_, *retry_after);
    }
}

std::optional<net::Deadline> PollSchedule::next() const {
    const auto least = std::min(least_, kLongestWait), wait = std::min(wait_, kLongestWait);
    const auto left = end_ - answered_;
    if (least >= left) return std::nullopt;
    const auto just_before = left - kBeforeTheEnd;
    const bool one_more = wait + kForAnAnswer + interval_ <= just_before;
    if (one_more) return answered_ + wait;
    return answered_ + std::max<net::Deadline::duration>(least, just_before);
}

}  // namespace claviger::oauth
