#include "proxy/tunnel.hpp"

#include <array>

namespace claviger::proxy {
namespace {

constexpr std::size_t kPiece = 32 * 1024;
// Long enough for an idle WebSocket or ssh session, short enough that a forgotten tunnel ends.
constexpr std::chrono::minutes kIdle{60};
// After one side has ended, the other rarely has much to say: a peer that is gone altogether must not hold the tunnel.
constexpr std::chrono::minutes kHalfClosedIdle{1};

struct Direction {
    Direction(net::Loop& loop, std::uint64_t& bytes) : count(bytes), done(loop) {}
    std::uint64_t& count;
    net::Event done;
};

// Copies one direction; ends with a half close so that the other direction may go on. Everything it refers to is
// kept by tunnel_between(), which waits for `done`.
net::Task<void> copy(net::Stream& from, net::Stream& to, Direction& direction, net::Event& one_ended) {
    auto buffer = std::make_unique<std::array<char, kPiece>>();
    for (;;) {
        const net::Deadline read_deadline = net::in(kIdle);
        auto got = co_await from.read_some(std::span<char>(*buffer), read_deadline);
        if (!got) {
            from.close();
            to.close();
            break;
        }
        const net::Deadline write_deadline = net::in(kIdle);
        if (*got == 0) {
            auto ended = co_await to.shutdown_write(write_deadline);
            if (!ended) to.close();
            break;
        }
        auto sent = co_await to.write_all(std::string_view(buffer->data(), *got), write_deadline);
        if (!sent) {
            from.close();
            to.close();
            break;
        }
        direction.count += *got;
    }
    direction.done.set();
    one_ended.set();
}

}  // namespace

net::Task<void> tunnel_between(net::Loop& loop, net::Stream& client, net::Stream& upstream, TunnelCount& count) {
    net::Event one_ended(loop);
    Direction to_client(loop, count.from_upstream), to_upstream(loop, count.from_client);
    loop.spawn("tunnel to client", copy(upstream, client, to_client, one_ended));
    loop.spawn("tunnel to upstream", copy(client, upstream, to_upstream, one_ended));
    auto first = co_await one_ended.wait(net::Deadline::max());
    (void)first;
    Direction& other = to_client.done.is_set() ? to_upstream : to_client;
    while (!other.done.is_set()) {
        const std::uint64_t before = other.count;
        const net::Deadline deadline = net::in(kHalfClosedIdle);
        auto ended = co_await other.done.wait(deadline);
        if (ended || other.count != before) continue;
        client.close();
        upstream.close();
        auto broken_off = co_await other.done.wait(net::Deadline::max());
        (void)broken_off;
    }
}

}  // namespace claviger::proxy
