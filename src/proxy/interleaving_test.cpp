// Many requests of two connections to one origin, on few connections of clients, before a server that does all that a server
// must not do on a connection that is used again (PX-18): nobody gets what was answered to the other connection, nor what
// was answered to another request. CLAVIGER_LONG_TESTS: 100,000 of them.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "http/codec.hpp"
#include "proxy/wire_test_support.hpp"

namespace claviger::proxy {
namespace {

using namespace test;

enum Habit {
    whole, in_chunks, after_interim, says_close, closes_silently,      // good, or nearly
    body_of_head, body_of_204, body_of_304, second_answer, interim_behind,  // bytes that nobody asked for, at once
    late_answer,                                                        // and when nobody waits for any more
    cut_short, reset, early,                                            // an answer that breaks off, or comes before its request
    client_leaves, client_leaves_amid,                                  // and clients that do not wait
    kHabits
};

struct Two final : CredentialSource {
    std::map<std::string, CredentialPtr> keys;
    net::Task<base::Result<CredentialPtr>> credential(std::string provider, std::string, net::Cancellation&) override { co_return keys.at(provider); }
    net::Task<base::Result<CredentialPtr>> replacement(std::string, std::string, CredentialPtr, net::Cancellation&) override { co_return CredentialPtr(); }
    void wants_stronger_login(const std::string&, const std::string&) override {}
    bool stands(const std::string&, const std::string&) override { return true; }
};

std::string sized(const std::string& body, const std::string& line = "200 OK", const std::string& more = "") {
    return "HTTP/1.1 " + line + "\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Asked {
    std::string method, key, path, text;
    Habit habit;
};

struct Interleaving : ProxyTest {
    Two two;
    std::optional<net::Listener> listener;
    std::string authority;
    std::mt19937 dice{20261129};
    int left = 0, working = 0, connections = 0, answered = 0;  // requests still to be made; workers; upstream
    int right = 0, crossed = 0, mixed = 0, late = 0, unanswered = 0;
    std::array<int, kHabits> met{};
    std::unique_ptr<net::Event> done;

    void begin() {
        auto made = net::Listener::loopback(loop, 0);
        ASSERT_TRUE(made);
        listener.emplace(std::move(*made));
        authority = "127.0.0.1:" + std::to_string(listener->port());
        std::vector<policy::Route> routes;
        for (const char* name : {"one", "two"}) {
            routes.push_back(route_to({"http://" + authority + "/" + name}));
            routes.back().provider = name;
            two.keys[name] = key_of("http://" + authority, name);
        }
        options.router = policy::Router(std::move(routes));
        options.addresses.allow_loopback = true;
        auto started = ForwardProxy::start(loop, std::move(options), two, clock, random, log);
        ASSERT_TRUE(started) << started.error().describe();
        proxy = std::move(*started);
        const auto url = net::Url::parse(proxy->proxy_url().reveal());
        authorization = "Proxy-Authorization: Basic " + base::base64_encode(url->username() + ":" + url->password()) + "\r\n";
        loop.spawn("odd server", accept_all(*this));
    }

    // -- the server -----------------------------------------------------------------------------------------------------
    static net::Task<void> accept_all(Interleaving& test) {
        for (;;) {
            auto stream = co_await test.listener->accept();
            if (!stream) co_return;
            ++test.connections;
            test.loop.spawn("odd connection", serve(test, std::move(*stream)));
        }
    }
    static net::Task<void> serve(Interleaving& test, net::StreamPtr stream) {
        http::Connection connection(std::move(stream), http::Limits());
        for (;;) {
            const net::Deadline deadline = net::in(kPatience);
            auto head = co_await connection.read_request_head(deadline);
            if (!head) co_return;
            ++test.answered;
            const auto habit = static_cast<Habit>(std::stoi(head->target.substr(head->target.find('=') + 1)));
            const std::string key(head->fields.find("X-Api-Key").value_or("none"));
            const std::string mine = key + " " + head->target, other = key + " nobody's";
            const std::string text = test.answer_of(habit, mine, other);
            const std::string_view view = text;
            auto written = co_await connection.stream().write_all(view, deadline);
            if (!written || habit == closes_silently || habit == says_close || habit == cut_short) co_return;
            if (habit == reset) {
                connection.stream().abort();
                co_return;
            }
            if (habit == late_answer) {
                co_await test.loop.sleep(std::chrono::milliseconds(test.dice() % 3));
                const std::string behind = sized(key + " late");
                const std::string_view more = behind;
                auto sent = co_await connection.stream().write_all(more, deadline);
                if (!sent) co_return;
            }
            std::array<char, 4096> buffer{};
            const std::span<char> space(buffer);
            while (!connection.body_complete()) {
                auto got = co_await connection.read_body(space, deadline);
                if (!got) co_return;
            }
        }
    }
    static std::string answer_of(Habit habit, const std::string& mine, const std::string& other) {
        switch (habit) {
            case in_chunks: return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n" + mine.substr(0, 3) + "\r\n" + [&] {
                char size[17];
                std::snprintf(size, sizeof size, "%zx", mine.size() - 3);
                return std::string(size);
            }() + "\r\n" + mine.substr(3) + "\r\n0\r\n\r\n";
            case after_interim: return "HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n" + sized(mine);
            case says_close: return sized(mine, "200 OK", "Connection: close\r\n");
            case body_of_head: return sized(sized(other));
            case body_of_204: return "HTTP/1.1 204 No Content\r\n\r\n" + sized(other);
            case body_of_304: return sized(sized(other), "304 Not Modified");
            case second_answer: return sized(mine) + sized(other);
            case interim_behind: return sized(mine) + "HTTP/1.1 100 Continue\r\n\r\n";
            case cut_short: return sized(mine + "...").substr(0, sized(mine + "...").size() - 3);
            case reset: return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf \r\n";
            default: return sized(mine);
        }
    }

    // -- the clients ----------------------------------------------------------------------------------------------------
    Asked next() {
        Asked asked{"GET", dice() % 2 == 0 ? "one" : "two", "", "", static_cast<Habit>(dice() % kHabits)};
        ++met[asked.habit];
        asked.path = "/" + asked.key + "/" + std::to_string(left--) + "?habit=" + std::to_string(asked.habit);
        std::string body;
        if (asked.habit == body_of_head) asked.method = "HEAD";
        if (asked.habit == early) asked.method = "POST", body = std::string(9'000, 'x');
        asked.text = asked.method + " http://" + authority + asked.path + " HTTP/1.1\r\nHost: " + authority + "\r\n" + authorization;
        if (!body.empty()) asked.text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        asked.text += "\r\n" + body;
        return asked;
    }
    void judge(const Asked& asked, const std::string& got) {
        if (got == asked.key + " " + asked.path) ++right;
        else if (!got.starts_with(asked.key + " ")) ++crossed;
        else if (got.ends_with(" late")) ++late;  // it came when the next request was on its way already: nobody can tell
        else ++mixed;
    }
    // True while the connection can go on.
    static net::Task<bool> ask_once(Interleaving& test, http::Connection& client) {
        const Asked asked = test.next();
        const net::Deadline deadline = net::in(kPatience);
        const std::string_view text = asked.text;
        auto sent = co_await client.stream().write_all(text, deadline);
        if (!sent || asked.habit == client_leaves) co_return false;
        for (;;) {
            auto head = co_await client.read_response_head(asked.method, deadline);
            if (!head) {
                ++test.unanswered;
                co_return false;
            }
            if (head->status < 200) continue;
            if (asked.habit == client_leaves_amid) co_return false;
            std::string body;
            std::array<char, 4096> buffer{};
            const std::span<char> space(buffer);
            while (!client.body_complete()) {
                auto got = co_await client.read_body(space, deadline);
                if (!got) {
                    ++test.unanswered;
                    co_return false;
                }
                body.append(buffer.data(), *got);
            }
            if (head->status == 200 && asked.method != "HEAD") test.judge(asked, body);
            co_return client.clean();
        }
    }
    static net::Task<void> work(Interleaving& test) {
        while (test.left > 0) {
            net::AddressPolicy policy;
            policy.allow_loopback = true;
            net::TcpTarget target{"127.0.0.1", test.proxy->port()};
            const net::Deadline deadline = net::in(kPatience);
            auto stream = co_await net::connect_tcp(test.loop, std::move(target), std::move(policy), deadline);
            if (!stream) break;
            http::Connection client(std::move(*stream), http::Limits());
            bool goes_on = true;
            while (goes_on && test.left > 0) goes_on = co_await ask_once(test, client);
        }
        if (--test.working == 0) test.done->set();
    }
};

TEST_F(Interleaving, PX18_no_answer_is_given_to_the_other_connection) {
    begin();
    const int requests = std::getenv("CLAVIGER_LONG_TESTS") != nullptr ? 100'000 : 2'000;
    left = requests;
    working = 8;
    done = std::make_unique<net::Event>(loop);
    for (int i = 0; i < 8; ++i) loop.spawn("client", work(*this));
    auto ended = loop.run_until(done->wait(net::Deadline::max()));
    EXPECT_TRUE(ended);
    EXPECT_EQ(left, 0) << "a client could not connect";
    EXPECT_EQ(crossed, 0) << "answers to the other connection's requests";
    EXPECT_EQ(mixed, 0) << "answers to other requests of its own";
    EXPECT_GT(right, requests / 3) << "the rest broke off, has no body, or its client left";
    EXPECT_LT(connections, answered * 3 / 4) << "connections were used again";
    for (const int times : met) EXPECT_GT(times, requests / kHabits / 2);
    std::printf("%d requests on %d connections to the server: %d right, %d broken off, %d late, %d crossed, %d mixed\n", answered, connections, right, unanswered, late,
                crossed, mixed);
    listener->close();
}

}  // namespace
}  // namespace claviger::proxy
