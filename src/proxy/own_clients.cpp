#include "proxy/own_clients.hpp"

#include <utility>

#include "net/endpoint.hpp"

namespace claviger::proxy {

namespace {
constexpr std::chrono::milliseconds kRest{20};  // between looks, so that a flood of strangers keeps no core busy
}

struct OwnClients::Look {
    explicit Look(net::Loop& loop) : done(loop) {}
    std::set<std::uint16_t> asked, own;
    net::Event done;
};

struct OwnClients::State {
    State(net::Loop& on, std::uint16_t proxy_port, FindOwnClients by)
        : loop(on), port(proxy_port), find(std::move(by)), next(std::make_shared<Look>(on)) {}
    net::Loop& loop;
    std::uint16_t port;
    FindOwnClients find;
    std::shared_ptr<Look> next;  // begins when the present one has ended
    bool looking = false;
};

OwnClients::OwnClients(net::Loop& loop, std::uint16_t proxy_port, FindOwnClients find)
    : state_(std::make_shared<State>(loop, proxy_port, std::move(find))) {}

net::Task<void> OwnClients::look_around(std::shared_ptr<State> state) {
    while (!state->next->asked.empty()) {
        const auto look = std::exchange(state->next, std::make_shared<Look>(state->loop));
        const auto work = [find = state->find, asked = look->asked, port = state->port] { return find(asked, port); };
        look->own = co_await state->loop.run_blocking(work);
        look->done.set();
        co_await state->loop.sleep(kRest);
    }
    state->looking = false;
}

net::Task<bool> OwnClients::includes(const net::Stream& stream) {
    const auto peer = net::peer_endpoint(stream);
    if (!state_->find || !peer || peer->address != "127.0.0.1") co_return false;
    const auto look = state_->next;
    look->asked.insert(peer->port);
    if (!std::exchange(state_->looking, true)) state_->loop.spawn("proxy own clients", look_around(state_));
    auto ended = co_await look->done.wait(net::Deadline::max());
    (void)ended;
    co_return look->own.contains(peer->port);
}

}  // namespace claviger::proxy
