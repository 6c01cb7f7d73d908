// ClientWatch: whether the client is still there, watched from outside of any read, since whatever serves it may be
// waiting for somebody else alone. What is to be closed then is told stage by stage through `gone`.
// Owned by the coroutine that serves one request. Thread rule: on the Loop's thread.
#pragma once

#include "http/codec.hpp"
#include "net/cancellation.hpp"

namespace claviger::proxy {

class ClientWatch {
public:
    explicit ClientWatch(http::Connection& client) : client_(client) {
        client_.stream().on_hang_up([this] { gone.cancel(); });
    }
    ~ClientWatch() { client_.stream().on_hang_up(nullptr); }
    ClientWatch(const ClientWatch&) = delete;
    ClientWatch& operator=(const ClientWatch&) = delete;

    net::Cancellation gone;

private:
    http::Connection& client_;
};

}  // namespace claviger::proxy
