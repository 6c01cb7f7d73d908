// Test only: a session's proxy between a client and an upstream server that both are the test, byte by byte. Thread rule: on
// the Loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "inject/test_connection.hpp"
#include "proxy/session_test_support.hpp"

namespace claviger::proxy::test {

inline CredentialPtr key_of(const std::string& origin, const std::string& key) {
    auto definition = inject::testing::definition_of(provider::AuthType::api_key);
    definition.api_urls = {origin};
    definition.api_key = provider::ApiKey{};
    definition.api_key->header_name = "X-Api-Key";
    definition.api_key->header_prefix = "";
    auto injection = inject::Injection::make(definition, inject::testing::connection_to(definition, {{"api_key", key}}), inject::testing::kNow);
    EXPECT_TRUE(injection);
    return std::make_shared<const Credential>(Credential{std::move(*injection), base::Secret(key)});
}

struct Keys final : CredentialSource {
    CredentialPtr first, second;  // second replaces first
    net::Task<base::Result<CredentialPtr>> credential(std::string, std::string, net::Cancellation&) override { co_return first; }
    net::Task<base::Result<CredentialPtr>> replacement(std::string, std::string, CredentialPtr, net::Cancellation&) override {
        co_return std::exchange(second, nullptr);
    }
    void wants_stronger_login(const std::string&, const std::string&) override {}
    bool connected = true;
    std::function<void()> looked{};  // told of each look
    bool stands(const std::string&, const std::string&) override {
        if (looked) looked();
        return connected;
    }
};

struct WireTest : ProxyTest {
    Keys keys;
    std::optional<net::Listener> listener;
    net::StreamPtr client, upstream;
    std::vector<std::unique_ptr<ForwardProxy>> former;  // of earlier begin(): what they still serve refers to them
    std::string scheme = "http", authority;  // of the upstream server

    void begin(bool with_key = false, const std::vector<std::string>& paths = {""}) {
        auto made = net::Listener::loopback(loop, 0);
        ASSERT_TRUE(made);
        listener.emplace(std::move(*made));
        authority = "127.0.0.1:" + std::to_string(listener->port());
        options.addresses.allow_loopback = true;
        if (with_key) {
            std::vector<std::string> targets;
            const std::string origin = scheme + "://" + authority;
            for (const auto& path : paths) targets.push_back(origin + path);
            options.router = policy::Router({route_to(targets)});
            keys.first = key_of(origin, "old");
            keys.second = key_of(origin, "new");
        }
        auto started = ForwardProxy::start(loop, std::move(options), keys, clock, random, log);
        ASSERT_TRUE(started) << started.error().describe();
        if (proxy) former.push_back(std::exchange(proxy, nullptr));
        proxy = std::move(*started);
        const auto url = net::Url::parse(proxy->proxy_url().reveal());
        authorization = "Proxy-Authorization: Basic " + base::base64_encode(url->username() + ":" + url->password()) + "\r\n";
        client = dial();
    }
    void ask(const std::string& method, const std::string& more, const std::string& version = "1.1") {
        send(*client, method + " http://" + authority + "/x HTTP/" + version + "\r\nHost: " + authority + "\r\n" + authorization + more);
    }
    // The next request that arrives upstream, to the end of its head.
    std::string arrives() {
        if (!upstream) {
            auto accepted = loop.run_until(listener->accept());
            EXPECT_TRUE(accepted);
            upstream = std::move(*accepted);
        }
        return receive(*upstream, "\r\n\r\n");
    }
    void answers(std::string_view text) { send(*upstream, text); }
    std::string gets(std::string_view until = "\r\n\r\n") { return receive(*client, until); }
    bool nothing_accepted() {
        const auto accepted = std::make_shared<bool>(false);  // the listener may end long after
        loop.spawn("accept", mark(*listener, accepted));
        loop.run_until(loop.sleep(std::chrono::milliseconds(20)));
        return !*accepted;
    }
    static net::Task<void> mark(net::Listener& from, std::shared_ptr<bool> accepted) {
        auto stream = co_await from.accept();
        *accepted = stream.has_value();
    }
};

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace claviger::proxy::test
