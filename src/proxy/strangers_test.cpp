// PX-31: who has no credential cannot keep the session's clients out.
#include <algorithm>
#include <list>

#include "proxy/session_test_support.hpp"
#include "proxy/strangers.hpp"

namespace claviger::proxy {
namespace {

using namespace test;

struct StrangersTest : ProxyTest {
    std::vector<Served> records;
    [[nodiscard]] std::ptrdiff_t without_a_place() const {
        return std::count_if(records.begin(), records.end(), [](const Served& one) { return one.reason == "no_room" && one.host.empty() && one.status == 0; });
    }
    void start_small() {
        options.on_served = [this](const Served& served) { records.push_back(served); };
        options.addresses.allow_loopback = true;
        options.max_connections = 4;
        start();
    }
    void expect_served(net::Stream& client, SilentServer& server) {
        send(client, get(server.authority()));
        EXPECT_NE(receive(client, "hi").find("200 OK"), std::string::npos);
    }
};

TEST_F(StrangersTest, PX31_silent_connections_keep_no_client_of_the_session_out) {
    start_small();
    SilentServer server(loop, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    auto early = dial();
    expect_served(*early, server);
    std::vector<net::StreamPtr> silent;
    for (std::size_t i = 0; i < 3 * Strangers::kMost; ++i) silent.push_back(dial());
    auto late = dial();
    expect_served(*late, server);
    expect_served(*early, server);  // whose connection is known keeps its place
    std::size_t closed = 0;
    ASSERT_TRUE(eventually([&] {
        closed = 0;
        for (const auto& stream : silent) closed += stream->idle_and_open() ? 0 : 1;
        return closed >= 2 * Strangers::kMost;
    }));
    EXPECT_LE(closed, 2 * Strangers::kMost + 1) << "the newest ones may still say who they are";
    const auto recorded = static_cast<std::size_t>(without_a_place());
    EXPECT_GE(recorded, closed) << "each is recorded";
    EXPECT_LE(recorded, 2 * Strangers::kMost + 1);
    EXPECT_TRUE(silent.back()->idle_and_open());
    expect_served(*silent.back(), server);
}

TEST_F(StrangersTest, PX31_a_wrong_credential_is_still_a_strangers) {
    start_small();
    std::vector<net::StreamPtr> wrong;
    for (std::size_t i = 0; i <= Strangers::kMost; ++i) {
        wrong.push_back(dial());
        send(*wrong.back(), "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic eA==\r\n\r\n");
        EXPECT_NE(receive(*wrong.back(), "\r\n\r\n").find(" 407 "), std::string::npos);
    }
    EXPECT_TRUE(eventually([&] { return !wrong.front()->idle_and_open(); }));
}

TEST_F(StrangersTest, PX31_who_lost_its_place_counts_until_its_connection_has_ended) {
    start_small();
    auto stream = dial();
    Strangers strangers;
    std::list<Strangers::Seat> seats;
    for (std::size_t i = 0; i <= Strangers::kMost; ++i) seats.emplace_back(strangers, *stream);
    EXPECT_EQ(strangers.count(), Strangers::kMost + 1);
    seats.back().leave();
    EXPECT_EQ(strangers.count(), Strangers::kMost);
    seats.pop_front();  // which had lost its place
    EXPECT_EQ(strangers.count(), Strangers::kMost - 1);
    seats.clear();
    EXPECT_EQ(strangers.count(), 0U);
}

TEST_F(StrangersTest, PX31_clients_of_the_session_have_a_limit_of_their_own) {
    start_small();
    SilentServer server(loop, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    std::vector<net::StreamPtr> known;
    for (int i = 0; i < 4; ++i) {
        known.push_back(dial());
        expect_served(*known.back(), server);
    }
    EXPECT_EQ(without_a_place(), 0);
    auto fifth = dial();
    EXPECT_TRUE(eventually([&] { return !fifth->idle_and_open(); }));
    EXPECT_TRUE(eventually([&] { return without_a_place() == 1; }));
}

}  // namespace
}  // namespace claviger::proxy
