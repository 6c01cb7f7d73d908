// Test only: a peer on a real loopback socket that speaks by script, for what a well-behaved server or client never
// does. Thread rule: on the Loop's thread; a RawPeer outlives its Loop's work.
#pragma once

#include <string>
#include <vector>

#include "net/loop.hpp"
#include "net/tcp.hpp"

namespace claviger::http::test {

// What the peer does on one connection: for each step wait for one more request (head and body by Content-Length),
// then write `answer`.
struct Step {
    std::string answer;
    bool close_after = false;
};
using Script = std::vector<Step>;

class RawPeer {
public:
    RawPeer(net::Loop& loop, std::vector<Script> scripts)
        : listener_(std::move(*net::Listener::loopback(loop, 0))), scripts_(std::move(scripts)) {
        loop.spawn("raw peer", accept_all(loop, *this));
    }
    ~RawPeer() { listener_.close(); }
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    [[nodiscard]] std::string url(const std::string& path = "/") const {
        return "http://127.0.0.1:" + std::to_string(listener_.port()) + path;
    }
    [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
    std::vector<std::string> requests;  // as received
    int connections = 0;

private:
    static net::Task<void> accept_all(net::Loop& loop, RawPeer& self) {
        while (true) {
            auto stream = co_await self.listener_.accept();
            if (!stream) co_return;
            const auto index = static_cast<std::size_t>(self.connections++);
            Script script = self.scripts_[std::min(index, self.scripts_.size() - 1)];
            loop.spawn("raw connection", speak(self, std::move(*stream), std::move(script)));
        }
    }
    // Bytes of the first whole request in `text`, 0 while incomplete.
    static std::size_t request_size(const std::string& text) {
        const std::size_t end = text.find("\r\n\r\n");
        if (end == std::string::npos) return 0;
        const std::size_t at = text.find("Content-Length: ");
        const std::size_t body = at < end ? std::stoul(text.substr(at + 16)) : 0;
        return text.size() >= end + 4 + body ? end + 4 + body : 0;
    }
    static net::Task<void> speak(RawPeer& self, net::StreamPtr stream, Script script) {
        const net::Deadline deadline = net::in(std::chrono::seconds(20));
        std::string received;
        std::vector<char> buffer(65536);
        const std::span<char> space(buffer);
        for (const Step& step : script) {
            while (request_size(received) == 0) {
                auto got = co_await stream->read_some(space, deadline);
                if (!got || *got == 0) co_return;
                received.append(buffer.data(), *got);
            }
            self.requests.push_back(received.substr(0, request_size(received)));
            received.erase(0, request_size(received));
            const std::string_view answer = step.answer;
            auto written = co_await stream->write_all(answer, deadline);
            if (!written || step.close_after) co_return;
        }
        // Holds the connection open until the other side closes.
        auto got = co_await stream->read_some(space, deadline);
        if (got && *got > 0) self.requests.emplace_back(buffer.data(), *got);
    }

    net::Listener listener_;
    std::vector<Script> scripts_;
};

// Sends `text` to a loopback port and returns everything that comes back until the end (or "<error>").
inline net::Task<std::string> talk(net::Loop& loop, std::uint16_t port, std::string text, bool half_close = false) {
    const net::Deadline deadline = net::in(std::chrono::seconds(20));
    net::TcpTarget target{"127.0.0.1", port};
    net::AddressPolicy policy;
    policy.allow_loopback = true;
    auto stream = co_await net::connect_tcp(loop, std::move(target), std::move(policy), deadline);
    if (!stream) co_return "<no connection>";
    const std::string_view bytes = text;
    auto written = co_await (*stream)->write_all(bytes, deadline);
    if (written && half_close) co_await (*stream)->shutdown_write(deadline);
    std::string answer;
    std::vector<char> buffer(65536);
    const std::span<char> space(buffer);
    while (true) {
        auto got = co_await (*stream)->read_some(space, deadline);
        if (!got) co_return answer + "<error>";
        if (*got == 0) co_return answer;
        answer.append(buffer.data(), *got);
    }
}

}  // namespace claviger::http::test
