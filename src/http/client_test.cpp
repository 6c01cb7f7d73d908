#include "http/client.hpp"

#include <gtest/gtest.h>

#include "crypto/certificate_authority.hpp"
#include "http/raw_peer_test_support.hpp"

namespace claviger::http {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using test::RawPeer;
using test::Script;

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct ClientTest : testing::Test {
    net::Loop loop;
    Client::Options options;

    ClientTest() {
        options.addresses.allow_loopback = true;
        options.total_time = milliseconds(10'000);
    }
    Client make() {
        auto client = Client::make(loop, options);
        EXPECT_TRUE(client) << (client ? "" : client.error().describe());
        return std::move(*client);
    }
    static Request request(const std::string& method, const std::string& url, std::string_view body = {}) {
        Request made{method, *net::Url::parse(url), {}, base::WipedString(body)};
        return made;
    }
    base::Result<Response> send(Client& client, Request made) { return loop.run_until(client.send(std::move(made))); }
};

TEST_F(ClientTest, requests_follow_each_other_on_one_connection) {
    RawPeer peer(loop, {Script{{kOk}, {kOk}, {kOk}}});
    Client client = make();
    for (const char* method : {"GET", "POST", "GET"}) {
        auto response = send(client, request(method, peer.url("/p?q=1")));
        ASSERT_TRUE(response) << response.error().describe();
        EXPECT_EQ(response->status, 200);
        EXPECT_EQ(response->body, "ok");
    }
    EXPECT_EQ(peer.connections, 1);
    EXPECT_EQ(peer.requests.size(), 3u);
}

TEST_F(ClientTest, an_observer_is_told_of_every_exchange_however_it_ends) {
    RawPeer peer(loop, {Script{{kOk}, {"", true}}});
    std::vector<std::string> told;
    options.observer = [&told](const Request& request, const base::Result<Response>& outcome) {
        told.push_back(request.method + " " + request.url.request_target() + " " + std::string(request.body) + " " +
                       (outcome ? std::to_string(outcome->status) : std::string(base::to_string(outcome.error().code))));
    };
    Client client = make();
    ASSERT_TRUE(send(client, request("POST", peer.url("/a?b"), "x=y")));
    ASSERT_FALSE(send(client, request("POST", peer.url("/c"), "z")));
    ASSERT_FALSE(send(client, request("GET", "http://example.test/")));
    EXPECT_EQ(told, (std::vector<std::string>{"POST /a?b x=y 200", "POST /c z network", "GET /  denied"}));
}

TEST_F(ClientTest, what_is_sent_is_ours) {
    RawPeer peer(loop, {Script{{kOk}}});
    Client client = make();
    Request made = request("POST", peer.url("/p?q=1#f"), "a=b");
    for (const char* name : {"Host", "Connection", "Transfer-Encoding", "Content-Length", "Accept-Encoding", "Expect",
                             "Upgrade", "TE"}) {
        made.fields.add(name, "theirs");
    }
    made.fields.add("Content-Type", "application/x-www-form-urlencoded");
    ASSERT_TRUE(send(client, std::move(made)));
    EXPECT_EQ(peer.requests.at(0), "POST /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(peer.port()) +
                                       "\r\nUser-Agent: claviger\r\nAccept-Encoding: identity\r\n"
                                       "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b");
}

TEST_F(ClientTest, a_peer_that_closed_meanwhile_is_not_reused) {
    RawPeer peer(loop, {Script{{kOk, true}}, Script{{kOk}}});
    Client client = make();
    ASSERT_TRUE(send(client, request("POST", peer.url(), "x")));
    loop.run_until(loop.sleep(milliseconds(20)));  // lets the end of the first connection arrive
    ASSERT_TRUE(send(client, request("POST", peer.url(), "y")));
    EXPECT_EQ(peer.connections, 2);
}

TEST_F(ClientTest, a_safe_request_on_a_stale_connection_is_sent_once_more) {
    RawPeer peer(loop, {Script{{kOk}, {"", true}}, Script{{kOk}}});
    Client client = make();
    ASSERT_TRUE(send(client, request("GET", peer.url("/1"))));
    auto second = send(client, request("GET", peer.url("/2")));
    ASSERT_TRUE(second) << second.error().describe();
    EXPECT_EQ(peer.connections, 2);
    ASSERT_EQ(peer.requests.size(), 3u);
    EXPECT_EQ(peer.requests[1], peer.requests[2]);
}

TEST_F(ClientTest, OA08_a_token_request_is_never_sent_twice) {
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
        RawPeer peer(loop, {Script{{kOk}, {"", true}}, Script{{kOk}}});
        Client client = make();
        ASSERT_TRUE(send(client, request("GET", peer.url("/1"))));
        auto second = send(client, request(method, peer.url("/token"), "code=abc"));
        ASSERT_FALSE(second) << method;
        EXPECT_EQ(second.error().code, ErrorCode::network);
        EXPECT_EQ(peer.connections, 1) << method;
        EXPECT_EQ(peer.requests.size(), 2u) << method;
    }
}

TEST_F(ClientTest, RF01_what_spends_a_token_is_never_sent_twice_also_as_GET) {
    RawPeer peer(loop, {Script{{kOk}, {"", true}}, Script{{kOk}}});
    Client client = make();
    ASSERT_TRUE(send(client, request("GET", peer.url("/1"))));
    auto renewal = request("GET", peer.url("/token?refresh_token=r1"));
    renewal.once = true;
    EXPECT_FALSE(send(client, std::move(renewal)));
    EXPECT_EQ(peer.connections, 1);
    EXPECT_EQ(peer.requests.size(), 2u);
}

TEST_F(ClientTest, an_answer_that_has_begun_is_not_asked_for_again) {
    RawPeer peer(loop, {Script{{kOk}, {"HTTP/1.1 200", true}}, Script{{kOk}}});
    Client client = make();
    ASSERT_TRUE(send(client, request("GET", peer.url())));
    EXPECT_FALSE(send(client, request("GET", peer.url())));
    EXPECT_EQ(peer.connections, 1);
    RawPeer interim(loop, {Script{{kOk}, {"HTTP/1.1 100 Continue\r\n\r\n", true}}, Script{{kOk}}});
    ASSERT_TRUE(send(client, request("GET", interim.url())));
    EXPECT_FALSE(send(client, request("GET", interim.url())));
    EXPECT_EQ(interim.connections, 1);
    RawPeer fresh(loop, {Script{{"", true}}, Script{{kOk}}});
    EXPECT_FALSE(send(client, request("GET", fresh.url()))) << "a new connection has no excuse";
    EXPECT_EQ(fresh.connections, 1);
}

TEST_F(ClientTest, OA08_redirects_are_returned_not_followed) {
    for (const int status : {301, 302, 303, 307, 308}) {
        RawPeer catcher(loop, {Script{{kOk}}});
        RawPeer peer(loop, {Script{{"HTTP/1.1 " + std::to_string(status) + " R\r\nLocation: " + catcher.url() +
                                    "\r\nContent-Length: 0\r\n\r\n"}}});
        Client client = make();
        auto response = send(client, request("POST", peer.url(), "refresh_token=secret"));
        ASSERT_TRUE(response);
        EXPECT_EQ(response->status, status);
        EXPECT_EQ(response->fields.find("location"), catcher.url());
        EXPECT_EQ(catcher.connections, 0);
    }
}

TEST_F(ClientTest, OA09_only_https_and_allowed_loopback_http) {
    Client client = make();
    for (const char* url : {"http://example.com/", "http://10.0.0.1/", "http://127.0.0.1.example.com/", "ws://127.0.0.1/",
                            "wss://example.com/", "http://0.0.0.0/", "http://[::ffff:8.8.8.8]/"}) {
        auto response = send(client, request("GET", url));
        ASSERT_FALSE(response) << url;
        EXPECT_EQ(response.error().code, ErrorCode::denied) << url;
    }
    auto named = send(client, request("GET", "https://user:password@example.com/"));
    ASSERT_FALSE(named);
    EXPECT_EQ(named.error().code, ErrorCode::invalid_input);
    EXPECT_EQ(named.error().describe().find("password@"), std::string::npos);
    options.addresses.allow_loopback = false;
    RawPeer peer(loop, {Script{{kOk}}});
    Client strict = make();
    auto refused = send(strict, request("GET", peer.url()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::denied);
    EXPECT_EQ(peer.connections, 0);
}

TEST_F(ClientTest, OA10_size_limits) {
    options.max_response_body = 1000;
    options.limits.header_bytes = 2000;
    const std::string body(1001, 'b');
    const std::string head = "HTTP/1.1 200 OK\r\n";
    for (const std::string& answer :
         {head + "Content-Length: 1001\r\n\r\n" + body, head + "Content-Length: 9000000000000000000\r\n\r\n",
          head + "\r\n" + body, head + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + body + "\r\n0\r\n\r\n",
          head + "X: " + std::string(2000, 'x') + "\r\n\r\n"}) {
        RawPeer peer(loop, {Script{{answer}}});
        Client client = make();
        auto response = send(client, request("GET", peer.url()));
        ASSERT_FALSE(response);
        EXPECT_EQ(response.error().code, ErrorCode::limit) << response.error().describe();
    }
    for (const std::string& answer : {head + "Content-Length: 1000\r\n\r\n" + body.substr(1),
                                      head + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + body.substr(1) + "\r\n0\r\n\r\n"}) {
        RawPeer peer(loop, {Script{{answer}}});
        Client client = make();
        auto response = send(client, request("GET", peer.url()));
        ASSERT_TRUE(response);
        EXPECT_EQ(response->body.size(), 1000u);
    }
}

net::Task<void> drip(net::Loop& loop, net::Listener& listener, int& bytes) {
    const net::Deadline deadline = net::in(std::chrono::seconds(20));
    auto stream = co_await listener.accept();
    if (!stream) co_return;
    const std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    const std::string_view drop = "x";
    auto written = co_await (*stream)->write_all(head, deadline);
    while (written) {
        ++bytes;
        co_await loop.sleep(milliseconds(5));
        written = co_await (*stream)->write_all(drop, deadline);
    }
}

TEST_F(ClientTest, OA10_a_dripping_or_silent_peer_meets_the_total_deadline) {
    options.total_time = milliseconds(150);
    auto listener = net::Listener::loopback(loop, 0);
    ASSERT_TRUE(listener);
    int bytes = 0;
    loop.spawn("drip", drip(loop, *listener, bytes));
    Client client = make();
    const auto started = std::chrono::steady_clock::now();
    const std::string url = "http://127.0.0.1:" + std::to_string(listener->port()) + "/";
    auto response = send(client, request("GET", url));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::timeout);
    EXPECT_GT(bytes, 1);
    RawPeer silent(loop, {Script{{""}}});
    response = send(client, request("GET", silent.url()));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::timeout);
    EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
    loop.run_until(loop.sleep(milliseconds(30)));  // lets drip() see the closed connection while `bytes` lives
}

TEST_F(ClientTest, PX17_broken_answers_are_errors) {
    const std::string head = "HTTP/1.1 200 OK\r\n";
    for (const std::string& answer :
         {head + "Content-Length: 10\r\n\r\nshort", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
          head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
          head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", std::string("HTTP/1.1 200 O"),
          std::string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), std::string("<html>"),
          head + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nz", [] {
              std::string interims;
              for (int i = 0; i < 17; ++i) interims += "HTTP/1.1 103 E\r\n\r\n";
              return interims + kOk;
          }()}) {
        RawPeer peer(loop, {Script{{answer, true}}});
        Client client = make();
        auto response = send(client, request("GET", peer.url()));
        ASSERT_FALSE(response) << answer;
        EXPECT_EQ(response.error().code, ErrorCode::protocol) << answer << response.error().describe();
    }
}

TEST_F(ClientTest, interim_answers_are_passed_over) {
    RawPeer peer(loop, {Script{{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + kOk}}});
    Client client = make();
    auto response = send(client, request("POST", peer.url(), "x"));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->fields.count("link"), 0u);
}

TEST_F(ClientTest, PX18_surplus_bytes_end_the_connection) {
    for (const std::string& surplus : {std::string("x"), kOk, std::string("HTTP/1.1 200 OK\r\n\r\n")}) {
        RawPeer peer(loop, {Script{{kOk + surplus}, {kOk}}, Script{{kOk}}});
        Client client = make();
        ASSERT_TRUE(send(client, request("GET", peer.url())));
        loop.run_until(loop.sleep(milliseconds(10)));
        ASSERT_TRUE(send(client, request("GET", peer.url())));
        EXPECT_EQ(peer.connections, 2);
    }
    // A body in answer to HEAD would become the next answer.
    RawPeer peer(loop, {Script{{kOk}, {kOk}}, Script{{kOk}}});
    Client client = make();
    auto head = send(client, request("HEAD", peer.url()));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->body, "");
    loop.run_until(loop.sleep(milliseconds(10)));
    ASSERT_TRUE(send(client, request("GET", peer.url())));
    EXPECT_EQ(peer.connections, 2);
}

TEST_F(ClientTest, PX18_pools_of_different_keys_share_nothing) {
    RawPeer peer(loop, {Script{{kOk}}});
    Client client = make();
    const auto url = *net::Url::parse(peer.url());
    const auto deadline = net::in(milliseconds(10'000));
    auto first = loop.run_until(client.acquire("tenant-a", url, deadline));
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->reused);
    client.give_back("tenant-a", url, std::move(first->connection));
    auto other = loop.run_until(client.acquire("tenant-b", url, deadline));
    ASSERT_TRUE(other);
    EXPECT_FALSE(other->reused);
    auto again = loop.run_until(client.acquire("tenant-a", url, deadline));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->reused);
    auto sent = send(client, request("GET", peer.url()));
    ASSERT_TRUE(sent);
    EXPECT_EQ(peer.connections, 3) << "send() has a pool of its own";
}

net::Task<void> answer_over_tls(net::StreamPtr tcp, net::TlsServerContext identity, int& requests) {
    const net::Deadline deadline = net::in(milliseconds(20'000));
    auto tls = co_await net::tls_accept(std::move(tcp), std::move(identity), deadline);
    if (!tls) co_return;
    Connection connection(std::move(tls->stream), Limits{});
    while (true) {
        auto head = co_await connection.read_request_head(deadline);
        if (!head) co_return;
        ++requests;
        ResponseHead answer;
        answer.status = 200;
        answer.framing.kind = BodyFraming::Kind::length;
        answer.framing.length = 2;
        const std::string_view body = "ok";
        auto written = co_await connection.write_message(std::move(answer), body, deadline);
        if (!written) co_return;
    }
}

net::Task<void> serve_tls(net::Loop& loop, net::Listener& listener, net::TlsServerContext identity, int& requests) {
    while (true) {
        auto tcp = co_await listener.accept();
        if (!tcp) co_return;
        loop.spawn("tls connection", answer_over_tls(std::move(*tcp), identity, requests));
    }
}

TEST_F(ClientTest, OA09_https_to_the_right_name_with_the_right_authority_only) {
    crypto::CertificateAuthority::Options chosen;
    chosen.permitted_hosts = {"localhost"};
    chosen.now = base::SystemClock().now();
    auto authority = crypto::CertificateAuthority::make(chosen);
    ASSERT_TRUE(authority) << authority.error().describe();
    auto leaf = authority->mint("localhost", chosen.now);
    ASSERT_TRUE(leaf) << leaf.error().describe();
    auto identity = net::TlsServerContext::make(leaf->chain_pem, leaf->key_pem);
    ASSERT_TRUE(identity);
    auto listener = net::Listener::loopback(loop, 0);
    ASSERT_TRUE(listener);
    int requests = 0;
    loop.spawn("tls peer", serve_tls(loop, *listener, *identity, requests));
    const std::string port = ":" + std::to_string(listener->port()) + "/";

    Client stranger = make();
    auto refused = send(stranger, request("GET", "https://localhost" + port));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::tls) << refused.error().describe();

    options.extra_ca_pem = authority->certificate_pem();
    Client client = make();
    for (int i = 1; i <= 2; ++i) {
        auto response = send(client, request("GET", "https://localhost" + port));
        ASSERT_TRUE(response) << response.error().describe();
        EXPECT_EQ(response->body, "ok");
    }
    auto other_name = send(client, request("GET", "https://127.0.0.1" + port));
    ASSERT_FALSE(other_name);
    EXPECT_EQ(other_name.error().code, ErrorCode::tls) << other_name.error().describe();
    EXPECT_EQ(requests, 2);
    listener->close();
}

}  // namespace
}  // namespace claviger::http
