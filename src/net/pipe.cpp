#include "net/pipe.hpp"

#include <algorithm>
#include <cstring>

#include "base/secret.hpp"
#include "net/recurring_event.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::size_t kMost = 64 * 1024;

// One direction.
struct Channel {
    explicit Channel(Loop& loop) : changed(loop) {}
    base::WipedString bytes{};
    bool ended = false;  // nothing more comes
    bool gone = false;   // nobody reads any more
    std::function<void()> on_end{};  // of its reader
    RecurringEvent changed;

    void end() {
        if (std::exchange(ended, true)) return;
        changed.notify();
        if (auto call = std::exchange(on_end, nullptr)) call();
    }
};
using ChannelPtr = std::shared_ptr<Channel>;

Task<Result<std::size_t>> read(ChannelPtr from, std::span<char> into, Deadline deadline) {
    for (;;) {
        if (from->gone) co_return base::fail(ErrorCode::cancelled, "the connection was closed on this side");
        if (!from->bytes.empty()) {
            const std::size_t n = std::min(into.size(), from->bytes.size());
            std::memcpy(into.data(), from->bytes.data(), n);
            from->bytes.erase(0, n);
            from->changed.notify();
            co_return n;
        }
        if (from->ended) co_return std::size_t{0};
        const auto change = from->changed.next();
        CO_TRY_VOID(co_await change->wait(deadline));
    }
}

Task<Result<void>> write(ChannelPtr to, std::string_view bytes, Deadline deadline) {
    while (!bytes.empty()) {
        if (to->ended) co_return base::fail(ErrorCode::cancelled, "the connection was closed on this side");
        if (to->gone) co_return base::fail(ErrorCode::network, "the peer closed the connection");
        if (to->bytes.size() < kMost) {
            const std::size_t n = std::min(bytes.size(), kMost - to->bytes.size());
            to->bytes.append(bytes.substr(0, n));
            bytes.remove_prefix(n);
            to->changed.notify();
            continue;
        }
        const auto change = to->changed.next();
        CO_TRY_VOID(co_await change->wait(deadline));
    }
    co_return Result<void>();
}

class PipeEnd final : public Stream {
public:
    PipeEnd(ChannelPtr in, ChannelPtr out, std::string protocol) : in_(std::move(in)), out_(std::move(out)), protocol_(std::move(protocol)) {}
    ~PipeEnd() override { close(); }

    Task<Result<std::size_t>> read_some(std::span<char> into, Deadline deadline) override { return read(in_, into, deadline); }
    Task<Result<void>> write_all(std::string_view bytes, Deadline deadline) override { return write(out_, bytes, deadline); }
    Task<Result<void>> write_all2(std::string_view first, std::string_view second, Deadline deadline) override {
        CO_TRY_VOID(co_await write(out_, first, deadline));
        auto written = co_await write(out_, second, deadline);
        co_return written;
    }
    Task<Result<void>> shutdown_write(Deadline) override {
        out_->end();
        co_return Result<void>();
    }
    void close() noexcept override {
        if (std::exchange(in_->gone, true)) return;
        in_->on_end = nullptr;
        in_->bytes = base::WipedString();
        in_->changed.notify();
        out_->end();
    }
    [[nodiscard]] bool idle_and_open() const override { return !in_->gone && !in_->ended && in_->bytes.empty() && !out_->gone; }
    void on_hang_up(std::function<void()> call) override {
        if (in_->gone) return;
        in_->on_end = std::move(call);
        if (!in_->ended) return;
        if (auto now = std::exchange(in_->on_end, nullptr)) now();
    }
    [[nodiscard]] std::string peer_address() const override { return ""; }
    [[nodiscard]] std::string_view protocol() const override { return protocol_; }

private:
    ChannelPtr in_, out_;
    std::string protocol_;
};

}  // namespace

std::pair<StreamPtr, StreamPtr> make_pipe(Loop& loop, std::string protocol) {
    auto there = std::make_shared<Channel>(loop), back = std::make_shared<Channel>(loop);
    return {std::make_unique<PipeEnd>(back, there, protocol), std::make_unique<PipeEnd>(there, back, protocol)};
}

}  // namespace claviger::net
