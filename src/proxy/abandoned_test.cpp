#include "proxy/session_test_support.hpp"

namespace claviger::proxy {
namespace {

using namespace test;

struct AbandonedTest : ProxyTest {
    void start_small() {
        options.addresses.allow_loopback = true;
        options.max_connections = 4;
        start();
    }
    // Several times as many requests as the session has places; each client goes away while the server thinks.
    void abandon(SilentServer& server, const std::string& request, bool half_close, std::string_view until = {}) {
        for (int round = 0; round < 12; ++round) {
            auto client = dial();
            send(*client, request);
            if (!until.empty()) {
                EXPECT_NE(receive(*client, until).find(until), std::string::npos);
            }
            ASSERT_TRUE(eventually([&] { return server.requests == round + 1; })) << "round " << round;
            ASSERT_EQ(server.open, 1) << "the connections of earlier rounds are gone";
            if (half_close) {
                auto ended = loop.run_until(client->shutdown_write(net::in(kPatience)));
                EXPECT_TRUE(ended);
            } else {
                client->close();
            }
            ASSERT_TRUE(eventually([&] { return server.open == 0; })) << "round " << round;
        }
    }
};

TEST_F(AbandonedTest, PX31_a_client_that_left_holds_nothing_while_the_server_thinks) {
    start_small();
    SilentServer server(loop, "");
    abandon(server, get(server.authority()), false);
}

TEST_F(AbandonedTest, PX31_a_half_closed_request_is_given_up_too) {
    start_small();
    SilentServer server(loop, "");
    abandon(server, get(server.authority()), true);
}

TEST_F(AbandonedTest, PX31_also_with_another_request_already_sent) {
    start_small();
    SilentServer server(loop, "");
    abandon(server, get(server.authority()) + get(server.authority()), false);
}

TEST_F(AbandonedTest, PX31_also_inside_an_answer_that_pauses) {
    start_small();
    SilentServer server(loop, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    abandon(server, get(server.authority()), false, "one");
}

TEST_F(AbandonedTest, PX31_also_while_its_own_body_is_awaited) {
    start_small();
    SilentServer server(loop, "");
    const std::string& authority = server.authority();
    abandon(server, "POST http://" + authority + "/ HTTP/1.1\r\nHost: " + authority + "\r\n" + authorization + "Content-Length: 10\r\n\r\nabc", false);
}

TEST_F(AbandonedTest, PX31_also_before_the_server_has_shaken_hands) {
    start_small();
    SilentServer server(loop, "");
    http::Client::Options of_client;
    of_client.addresses.allow_loopback = true;
    auto client = http::Client::make(loop, of_client);
    ASSERT_TRUE(client);
    net::Cancellation cancellation;
    http::Client::AcquireOptions how;
    how.cancellation = &cancellation;
    bool ended = false;
    auto acquire = [](http::Client& from, net::Url url, http::Client::AcquireOptions chosen, bool& done) -> net::Task<void> {
        const net::Deadline deadline = net::in(kPatience);
        auto lease = co_await from.acquire("none", std::move(url), deadline, chosen);
        EXPECT_FALSE(lease);
        done = true;
    };
    loop.spawn("acquire", acquire(*client, *net::Url::parse("https://" + server.authority() + "/"), how, ended));
    ASSERT_TRUE(eventually([&] { return server.open == 1; }));
    EXPECT_FALSE(ended);
    cancellation.cancel();
    EXPECT_TRUE(eventually([&] { return ended && server.open == 0; }));
}

TEST_F(AbandonedTest, PX31_a_client_that_stays_is_served) {
    start_small();
    SilentServer server(loop, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    auto client = dial();
    for (int round = 0; round < 3; ++round) {
        send(*client, get(server.authority()));
        EXPECT_NE(receive(*client, "hi").find("200 OK"), std::string::npos);
    }
}

}  // namespace
}  // namespace claviger::proxy
