// A small HTTP/1.1 server for whole messages: the local page, tests, later the API. Bodies are buffered up to a
// limit. Refuses by itself, with an empty answer that closes: 400, 405 (CONNECT), 408, 413, 414, 417, 431, 505.
// Thread rule: on the Loop's thread. A handler may be running when the server is closed: it is let finish, so what it
// uses must outlive the loop's work or be owned by it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/client.hpp"

namespace claviger::http {

struct ServerRequest {
    RequestHead head;
    base::WipedString body;
    std::string peer_address;
};

struct ServerResponse {
    int status = 200;
    Fields fields;
    std::string body;
};

class Server {
public:
    struct Options {
        Limits limits{.request_line = 16 * 1024, .header_bytes = 16 * 1024};  // LB-05
        std::size_t max_body = 64 * 1024;  // LB-05
        std::size_t max_connections = 64;  // LB-05; one more takes the place of whose request has been awaited longest
        std::chrono::milliseconds request_time{10'000};
    };
    using Handler = std::function<net::Task<ServerResponse>(ServerRequest)>;

    Server(net::Loop& loop, net::Listener listener, Options options, Handler handler);
    ~Server();                       // closes the listener and every connection
    [[nodiscard]] std::uint16_t port() const;
    void close();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace claviger::http
