// OwnClients: whether a connection that shows no credential is one of a program of the session, as the kernel tells.
// Looking through the processes takes a while and anybody on this machine may ask for it, so one look goes on at a time,
// on another thread, for all who came meanwhile. Thread rule: on the Loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>

#include "net/loop.hpp"
#include "net/stream.hpp"

namespace claviger::proxy {

// Those of the client ports whose connection to 127.0.0.1:proxy_port a program of the session holds. Called on any thread.
using FindOwnClients = std::function<std::set<std::uint16_t>(const std::set<std::uint16_t>& client_ports, std::uint16_t proxy_port)>;

class OwnClients {
public:
    // Empty `find`: nobody is.
    OwnClients(net::Loop& loop, std::uint16_t proxy_port, FindOwnClients find);
    // `stream`: as it was accepted.
    net::Task<bool> includes(const net::Stream& stream);

private:
    struct Look;
    struct State;
    static net::Task<void> look_around(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace claviger::proxy
