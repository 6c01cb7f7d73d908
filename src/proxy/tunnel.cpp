#include "proxy/tunnel.hpp"

#include <array>

namespace claviger::proxy {
namespace {

constexpr std::size_t kPiece = 32 * 1024;
// Long enough for an idle WebSocket or ssh session, short enough that a forgotten tunnel ends.
constexpr std::chrono::hours kIdle{1};

// Copies one direction; ends with a half close so that the other direction may go on. Everything it refers to is
// owned by tunnel(), which waits for `done`.
net::Task<void> copy(net::Stream& from, net::Stream& to, std::uint64_t& count, net::Event& done) {
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
        count += *got;
    }
    done.set();
}

}  // namespace

net::Task<TunnelCount> tunnel(net::Loop& loop, net::StreamPtr client, net::StreamPtr upstream) {
    TunnelCount count;
    net::Event to_client_done(loop), to_upstream_done(loop);
    loop.spawn("tunnel to client", copy(*upstream, *client, count.from_upstream, to_client_done));
    co_await copy(*client, *upstream, count.from_client, to_upstream_done);
    auto ended = co_await to_client_done.wait(net::Deadline::max());
    (void)ended;
    co_return count;
}

}  // namespace claviger::proxy
