// Cancellation: lets one side give up what another is doing for it. The operation registers how it is broken off; the
// one who lost interest calls cancel(). Owned by the awaiting coroutine, which outlives the operation that borrows it.
// Thread rule: on the Loop's thread. cancel() may be called from any of its callbacks.
#pragma once

#include <functional>
#include <utility>

namespace claviger::net {

class Cancellation {
public:
    Cancellation() = default;
    Cancellation(const Cancellation&) = delete;
    Cancellation& operator=(const Cancellation&) = delete;

    [[nodiscard]] bool cancelled() const { return cancelled_; }
    void cancel() {
        if (std::exchange(cancelled_, true)) return;
        if (auto call = std::exchange(break_off_, nullptr)) call();
    }
    // Replaces what was registered before; happens at once when it was cancelled already. Null: nothing to break off.
    void on_cancel(std::function<void()> break_off) {
        break_off_ = std::move(break_off);
        if (!cancelled_) return;
        if (auto call = std::exchange(break_off_, nullptr)) call();
    }

private:
    bool cancelled_ = false;
    std::function<void()> break_off_;
};

}  // namespace claviger::net
