#include "http/server.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "http/raw_peer_test_support.hpp"

namespace claviger::http {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using test::talk;

net::Task<ServerResponse> echo(ServerRequest request) {
    ServerResponse response;
    response.fields.add("X-Seen", request.head.method + " " + request.head.target + " from " + request.peer_address);
    response.body = std::string(request.body);
    co_return response;
}

struct ServerTest : testing::Test {
    net::Loop loop;
    Server::Options options;
    std::unique_ptr<Server> server;

    void start(Server::Handler handler = echo) {
        auto listener = net::Listener::loopback(loop, 0);
        ASSERT_TRUE(listener);
        server = std::make_unique<Server>(loop, std::move(*listener), options, std::move(handler));
    }
    std::string ask(const std::string& text, bool half_close = false) {
        return loop.run_until(talk(loop, server->port(), text, half_close));
    }
};

std::string closing(const std::string& text) { return text + "Connection: close\r\n\r\n"; }

TEST_F(ServerTest, answers_requests_in_their_order_on_one_connection) {
    start();
    const std::string answer = ask(
        "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
        "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
        "HEAD /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(answer,
              "HTTP/1.1 200 \r\nX-Seen: POST /1 from 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc"
              "HTTP/1.1 200 \r\nX-Seen: GET /2 from 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
              "HTTP/1.1 200 \r\nX-Seen: POST /3 from 127.0.0.1\r\nContent-Length: 2\r\n\r\nde"
              "HTTP/1.1 200 \r\nX-Seen: HEAD /4 from 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_F(ServerTest, HTTP_1_0_closes) {
    start();
    EXPECT_EQ(ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
              "HTTP/1.1 200 \r\nX-Seen: GET / from 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_F(ServerTest, LB05_refusals) {
    options.limits.request_line = 300;
    options.limits.header_bytes = 400;
    options.limits.header_count = 5;
    options.max_body = 1000;
    int handled = 0;
    start([&handled](ServerRequest request) {
        ++handled;
        return echo(std::move(request));
    });
    struct Row {
        std::string text;
        int status;
    };
    const std::string post = "POST / HTTP/1.1\r\nHost: canary\r\n";
    for (const Row& row : std::vector<Row>{
             {"GET / HTTP/1.1\r\nX-Canary: canary\r\n\r\n", 400},
             {"GET / HTTP/1.1\nHost: canary\n\n", 400},
             {post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
             {post + "Transfer-Encoding: chunked\r\n\r\ncanary\r\n", 400},
             {"CONNECT canary:443 HTTP/1.1\r\nHost: canary:443\r\n\r\n", 405},
             {post + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'c'), 413},
             {post + "Content-Length: 10000000000\r\n\r\ncanary", 413},
             {post + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'c') + "\r\n0\r\n\r\n", 413},
             {"GET /canary" + std::string(400, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
             {post + "X: canary" + std::string(400, 'a') + "\r\n\r\n", 431},
             {post + "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: canary\r\n\r\n", 431},
             {post + "Expect: canary\r\nContent-Length: 1\r\n\r\n", 417},
             {"GET /canary HTTP/3.0\r\nHost: a\r\n\r\n", 505},
         }) {
        EXPECT_EQ(ask(row.text, true), "HTTP/1.1 " + std::to_string(row.status) +
                                           " \r\n" + (row.status == 405 ? "Allow: \r\n" : "") + "Connection: close\r\nContent-Length: 0\r\n\r\n")
            << row.text;
    }
    EXPECT_EQ(handled, 0);
}

TEST_F(ServerTest, LB05_slow_requests_end) {
    options.request_time = milliseconds(60);
    options.limits.header_time = milliseconds(60);
    start();
    EXPECT_EQ(ask("GET / HT").substr(0, 12), "HTTP/1.1 408");
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab").substr(0, 12), "HTTP/1.1 408");
    EXPECT_EQ(ask(""), "") << "who says nothing is told nothing";
}

net::Task<ServerResponse> slow_where_asked(net::Loop& loop, ServerRequest request) {
    if (request.head.target == "/slow") co_await loop.sleep(milliseconds(600'000));
    co_return ServerResponse{200, {}, "body"};
}

TEST_F(ServerTest, LB05_a_limited_number_of_connections) {
    options.max_connections = 2;
    start([this](ServerRequest request) { return slow_where_asked(loop, std::move(request)); });
    const auto deadline = net::in(milliseconds(10'000));
    net::AddressPolicy policy;
    policy.allow_loopback = true;
    std::vector<net::StreamPtr> held;
    const auto hold = [&](const std::string& bytes) {
        auto stream = loop.run_until(net::connect_tcp(loop, {"127.0.0.1", server->port()}, policy, deadline));
        ASSERT_TRUE(stream);
        if (!bytes.empty()) {
            auto written = loop.run_until((*stream)->write_all(bytes, deadline));
            ASSERT_TRUE(written);
        }
        held.push_back(std::move(*stream));
        loop.run_until(loop.sleep(milliseconds(20)));
    };
    const std::string get = closing("GET / HTTP/1.1\r\nHost: a\r\n"), slow = closing("GET /slow HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 50; ++i) hold(i % 2 == 0 ? "" : "GET / HTTP/1.1\r\nHo");
    EXPECT_EQ(ask(get).substr(0, 12), "HTTP/1.1 200") << "who says nothing gives way";
    for (int i = 0; i < 2; ++i) hold(slow);
    const std::string refused = ask(get);
    EXPECT_TRUE(refused.empty() || refused == "<error>") << "what is being answered stays: " << refused;
}

TEST_F(ServerTest, a_client_that_waits_for_100_gets_it) {
    start();
    const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    const std::string answer = ask(post + "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab");
    EXPECT_EQ(answer.find("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "), 0u) << answer;
    EXPECT_EQ(ask(post + "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n").find("HTTP/1.1 200 "), 0u);
    EXPECT_EQ(ask(post + "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n").find("HTTP/1.1 413 "), 0u);
}

net::Task<ServerResponse> odd(ServerRequest request) {
    ServerResponse response;
    response.body = "body";
    if (request.head.target == "/split") response.fields.add("Location", "x\r\nSet-Cookie: a=b");
    if (request.head.target == "/interim") response.status = 100;
    if (request.head.target == "/none") response.status = 204;
    if (request.head.target == "/same") response.status = 304;
    if (request.head.target == "/close") response.fields.add("Connection", "close");
    co_return response;
}

TEST_F(ServerTest, odd_responses_of_a_handler_stay_whole_messages) {
    start(odd);
    const auto get = [&](const std::string& path) {
        return ask("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" + closing("GET /last HTTP/1.1\r\nHost: a\r\n"));
    };
    const std::string last = "HTTP/1.1 200 \r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
    EXPECT_EQ(get("/split"), "HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n" + last);
    EXPECT_EQ(get("/interim"), "HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n" + last);
    EXPECT_EQ(get("/none"), "HTTP/1.1 204 \r\n\r\n" + last);
    EXPECT_EQ(get("/same"), "HTTP/1.1 304 \r\n\r\n" + last);
    EXPECT_EQ(get("/close"), "HTTP/1.1 200 \r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody");
}

TEST_F(ServerTest, closing_ends_every_connection_and_the_listener) {
    start();
    net::AddressPolicy policy;
    policy.allow_loopback = true;
    const auto deadline = net::in(milliseconds(10'000));
    const std::uint16_t port = server->port();
    auto stream = loop.run_until(net::connect_tcp(loop, {"127.0.0.1", port}, policy, deadline));
    ASSERT_TRUE(stream);
    loop.run_until(loop.sleep(milliseconds(10)));
    server.reset();
    char byte = 0;
    auto got = loop.run_until((*stream)->read_some(std::span<char>(&byte, 1), deadline));
    EXPECT_TRUE(!got || *got == 0);
    auto refused = loop.run_until(net::connect_tcp(loop, {"127.0.0.1", port}, policy, deadline));
    EXPECT_FALSE(refused);
}

// Client and server together.
struct Together : ServerTest {
    std::unique_ptr<Client> client;

    void SetUp() override {
        options.max_body = 16 << 20;
        start();
        Client::Options chosen;
        chosen.addresses.allow_loopback = true;
        chosen.max_response_body = 16 << 20;
        auto made = Client::make(loop, std::move(chosen));
        ASSERT_TRUE(made);
        client = std::make_unique<Client>(std::move(*made));
    }
    net::Url url() const { return *net::Url::parse("http://127.0.0.1:" + std::to_string(server->port()) + "/x"); }
};

TEST_F(Together, large_bodies_pass_both_ways) {
    base::WipedString body(5'000'000, 'x');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
    auto response = loop.run_until(client->send(Request{"POST", url(), {}, body}));
    ASSERT_TRUE(response) << response.error().describe();
    EXPECT_TRUE(response->body == body);
}

net::Task<std::string> streamed_upload(Client& client, net::Url url, std::string key, int pieces) {
    const auto deadline = net::in(milliseconds(20'000));
    std::string pool_key = key;
    auto lease = co_await client.acquire(std::move(pool_key), url, deadline);
    if (!lease) co_return lease.error().describe();
    Connection& connection = *lease->connection;
    RequestHead head;
    head.method = "POST";
    head.target = "/" + key;
    head.fields.add("Host", url.authority());
    head.framing.kind = BodyFraming::Kind::chunked;
    const std::string piece(10'000, key.front());
    auto written = co_await connection.write_head(std::move(head), piece, deadline);
    for (int i = 1; written && i < pieces; ++i) written = co_await connection.write_body(piece, deadline);
    if (written) written = co_await connection.finish_body(deadline);
    if (!written) co_return written.error().describe();
    auto answer = co_await connection.read_response_head("POST", deadline);
    if (!answer) co_return answer.error().describe();
    std::string body;
    std::vector<char> buffer(16'384);
    const std::span<char> space(buffer);
    while (!connection.body_complete()) {
        auto got = co_await connection.read_body(space, deadline);
        if (!got) co_return got.error().describe();
        body.append(buffer.data(), *got);
    }
    client.give_back(key, url, std::move(lease->connection));
    co_return std::string(*answer->fields.find("x-seen")) + " " + std::to_string(body.size()) + " " +
        std::to_string(body.find_first_not_of(key.front()) == std::string::npos);
}

TEST_F(Together, a_leased_connection_streams) {
    EXPECT_EQ(loop.run_until(streamed_upload(*client, url(), "k", 300)), "POST /k from 127.0.0.1 3000000 1");
}

net::Task<void> tenant(Client& client, net::Url url, std::string key, int rounds, int& wrong, int& done) {
    const std::string expected = "POST /" + key + " from 127.0.0.1 10000 1";
    for (int i = 0; i < rounds; ++i) {
        std::string name = key;
        auto got = co_await streamed_upload(client, url, std::move(name), 1);
        if (got != expected) ++wrong;
    }
    ++done;
}

net::Task<void> all_done(net::Loop& loop, const int& done, int wanted) {
    while (done < wanted) co_await loop.sleep(milliseconds(1));
}

TEST_F(Together, PX18_interleaved_tenants_never_see_each_other) {
    const int each = std::getenv("CLAVIGER_LONG_TESTS") != nullptr ? 12'500 : 200;
    int wrong = 0;
    int done = 0;
    for (int i = 0; i < 8; ++i) {
        loop.spawn("tenant", tenant(*client, url(), i % 2 == 0 ? "a" : "b", each, wrong, done));
    }
    loop.run_until(all_done(loop, done, 8));
    EXPECT_EQ(wrong, 0);
}

TEST_F(Together, an_early_refusal_reaches_a_client_that_is_still_writing) {
    options.max_body = 1000;
    start();
    const base::WipedString body(200'000, 'x');
    auto response = loop.run_until(client->send(Request{"POST", url(), {}, body}));
    ASSERT_TRUE(response) << response.error().describe();
    EXPECT_EQ(response->status, 413);
}

}  // namespace
}  // namespace claviger::http
