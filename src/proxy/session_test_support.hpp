// Test only: a session's proxy on a loop, asked over real loopback sockets. Thread rule: on the Loop's thread.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.hpp"
#include "net/tcp.hpp"
#include "proxy/forward_proxy.hpp"

namespace claviger::proxy::test {

constexpr std::chrono::seconds kPatience{20};

class NoCredentials final : public CredentialSource {
public:
    net::Task<base::Result<CredentialPtr>> credential(std::string, std::string, net::Cancellation&) override {
        ++asked;
        co_return base::fail(base::ErrorCode::needs_login, "log in first");
    }
    net::Task<base::Result<CredentialPtr>> replacement(std::string, std::string, CredentialPtr, net::Cancellation&) override {
        co_return CredentialPtr();
    }
    void wants_stronger_login(const std::string&, const std::string&) override {}
    bool stands(const std::string&, const std::string&) override { return true; }
    int asked = 0;
};

// A server that reads requests and says nothing, or the beginning of an answer.
class SilentServer {
public:
    SilentServer(net::Loop& loop, std::string beginning)
        : loop_(loop), listener_(std::move(*net::Listener::loopback(loop, 0))), beginning_(std::move(beginning)) {
        loop.spawn("silent server", accept_all(*this));
    }
    ~SilentServer() { listener_.close(); }
    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;

    [[nodiscard]] std::string authority() const { return "127.0.0.1:" + std::to_string(listener_.port()); }
    int open = 0, requests = 0, accepted = 0;

private:
    static net::Task<void> accept_all(SilentServer& self) {
        for (;;) {
            auto stream = co_await self.listener_.accept();
            if (!stream) co_return;
            ++self.accepted;
            self.loop_.spawn("silent connection", hold(self, std::move(*stream)));
        }
    }
    static net::Task<void> hold(SilentServer& self, net::StreamPtr stream) {
        ++self.open;
        std::string received;
        std::array<char, 4096> buffer{};
        const net::Deadline deadline = net::in(kPatience);
        for (;;) {
            auto got = co_await stream->read_some(std::span<char>(buffer), deadline);
            if (!got || *got == 0) break;
            received.append(buffer.data(), *got);
            if (received.find("\r\n\r\n") == std::string::npos) continue;
            received.clear();
            ++self.requests;
            const std::string_view text = self.beginning_;
            auto written = co_await stream->write_all(text, deadline);
            if (!written) break;
        }
        --self.open;
    }

    net::Loop& loop_;
    net::Listener listener_;
    std::string beginning_;
};

struct ProxyTest : testing::Test {
    net::Loop loop;
    NoCredentials credentials;
    base::SystemClock clock;
    base::SystemRandom random;
    base::Log log;
    std::unique_ptr<ForwardProxy> proxy;
    std::string authorization;

    ProxyOptions options{policy::Router({}), Unmatched::allow, {}, {}, {}, 256, {}};

    void start() {
        auto started = ForwardProxy::start(loop, std::move(options), credentials, clock, random, log);
        ASSERT_TRUE(started) << started.error().describe();
        proxy = std::move(*started);
        const auto url = net::Url::parse(proxy->proxy_url().reveal());
        ASSERT_TRUE(url);
        authorization = "Proxy-Authorization: Basic " + base::base64_encode(url->username() + ":" + url->password()) + "\r\n";
    }

    [[nodiscard]] std::string get(const std::string& authority, const std::string& more = "") const {
        return "GET http://" + authority + "/slow HTTP/1.1\r\nHost: " + authority + "\r\n" + authorization + more + "\r\n";
    }

    net::StreamPtr dial() {
        net::AddressPolicy policy;
        policy.allow_loopback = true;
        auto stream = loop.run_until(net::connect_tcp(loop, {"127.0.0.1", proxy->port()}, policy, net::in(kPatience)));
        EXPECT_TRUE(stream);
        return stream ? std::move(*stream) : nullptr;
    }

    void send(net::Stream& stream, std::string_view text) {
        auto sent = loop.run_until(stream.write_all(text, net::in(kPatience)));
        EXPECT_TRUE(sent);
    }

    // What comes until `enough` bytes' end, or the end of the stream.
    std::string receive(net::Stream& stream, std::string_view until) {
        std::string text;
        std::array<char, 4096> buffer{};
        while (until.empty() || text.find(until) == std::string::npos) {
            auto got = loop.run_until(stream.read_some(std::span<char>(buffer), net::in(kPatience)));
            if (!got || *got == 0) break;
            text.append(buffer.data(), *got);
        }
        return text;
    }

    // Lets the loop go on until the condition holds; false when that takes too long.
    template <class Condition>
    bool eventually(Condition holds) {
        const auto end = net::in(kPatience);
        while (!holds()) {
            if (std::chrono::steady_clock::now() > end) return false;
            loop.run_until(loop.sleep(std::chrono::milliseconds(1)));
        }
        return true;
    }

    int status_of(const std::string& request) {
        auto stream = dial();
        send(*stream, request);
        const std::string answer = receive(*stream, "\r\n\r\n");
        return answer.size() > 12 ? std::atoi(answer.c_str() + 9) : 0;
    }
};

inline policy::Route route_to(const std::vector<std::string>& targets) {
    policy::Route route{"acme", "default", {}, {}};
    for (const auto& target : targets) route.rules.push_back(*policy::UriRule::parse_target(target));
    return route;
}

}  // namespace claviger::proxy::test
