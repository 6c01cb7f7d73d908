#include "net/tcp.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace claviger::net {
namespace {

using base::ErrorCode;
using base::Result;
using std::chrono::milliseconds;

constexpr milliseconds kLong{20'000};

AddressPolicy loopback_allowed() {
    AddressPolicy policy;
    policy.allow_loopback = true;
    return policy;
}

struct Pair {
    StreamPtr client, server;
};

Task<void> accept_into(Listener& listener, StreamPtr& into) {
    auto accepted = co_await listener.accept();
    if (accepted) into = std::move(*accepted);
}

Task<Pair> connected(Loop& loop, Listener& listener) {
    Pair pair;
    loop.spawn("accept", accept_into(listener, pair.server));
    TcpTarget target{"127.0.0.1", listener.port()};
    auto policy = loopback_allowed();
    auto client = co_await connect_tcp(loop, std::move(target), std::move(policy), in(kLong));
    EXPECT_TRUE(client.has_value());
    if (client) pair.client = std::move(*client);
    while (!pair.server) co_await loop.sleep(milliseconds{0});
    co_return pair;
}

struct TcpTest : testing::Test {
    Loop loop;
    Listener listener = std::move(*Listener::loopback(loop, 0));
    Pair pair = loop.run_until(connected(loop, listener));
};

Task<std::string> read_to_end(Stream& stream) {
    std::string all;
    std::vector<char> buffer(65536);
    for (;;) {
        auto count = co_await stream.read_some(buffer, in(kLong));
        if (!count) co_return "error: " + std::string(base::to_string(count.error().code));
        if (*count == 0) co_return all;
        all.append(buffer.data(), *count);
    }
}

Task<Result<std::size_t>> read_once(Stream& stream, std::vector<char>& buffer, Deadline deadline) {
    auto count = co_await stream.read_some(buffer, deadline);
    co_return count;
}

Task<void> send_and_end(Stream& stream, std::string text) {
    auto written = co_await stream.write_all(text, in(kLong));
    EXPECT_TRUE(written.has_value());
    auto ended = co_await stream.shutdown_write(in(kLong));
    EXPECT_TRUE(ended.has_value());
}

TEST_F(TcpTest, half_close_leaves_the_other_direction_open) {
    loop.spawn("client", send_and_end(*pair.client, "question"));
    EXPECT_EQ(loop.run_until(read_to_end(*pair.server)), "question");
    loop.spawn("server", send_and_end(*pair.server, "answer"));
    EXPECT_EQ(loop.run_until(read_to_end(*pair.client)), "answer");
}

TEST_F(TcpTest, the_end_is_seen_when_it_came_together_with_the_data) {
    for (int round = 0; round < 50; ++round) {
        Pair fresh = loop.run_until(connected(loop, listener));
        loop.run_until(send_and_end(*fresh.client, "x"));
        EXPECT_EQ(loop.run_until(read_to_end(*fresh.server)), "x");
    }
}

std::string pattern(std::size_t size, unsigned seed) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>((seed = seed * 1664525U + 1013904223U) >> 24);
    return text;
}

Task<void> receive_all(Stream& stream, std::string& into) {
    auto all = co_await read_to_end(stream);
    into = std::move(all);
}

TEST_F(TcpTest, big_transfers_in_both_directions_at_once) {
    const std::string to_server = pattern(24U << 20U, 1);
    const std::string to_client = pattern(17U << 20U, 2);
    std::string at_server, at_client;
    loop.spawn("a", send_and_end(*pair.client, to_server));
    loop.spawn("b", send_and_end(*pair.server, to_client));
    loop.spawn("c", receive_all(*pair.client, at_client));
    loop.spawn("d", receive_all(*pair.server, at_server));
    loop.run();
    EXPECT_TRUE(at_server == to_server);
    EXPECT_TRUE(at_client == to_client);
}

Task<void> send_two(Stream& stream, std::string_view first, std::string_view second) {
    auto written = co_await stream.write_all2(first, second, in(kLong));
    EXPECT_TRUE(written.has_value());
    auto ended = co_await stream.shutdown_write(in(kLong));
    EXPECT_TRUE(ended.has_value());
}

TEST_F(TcpTest, two_pieces_arrive_in_order_whatever_their_sizes) {
    for (const std::size_t first_size : {std::size_t{0}, std::size_t{1}, std::size_t{8'000'001}}) {
        for (const std::size_t second_size : {std::size_t{0}, std::size_t{1}, std::size_t{8'000'001}}) {
            Pair fresh = loop.run_until(connected(loop, listener));
            const std::string first = pattern(first_size, 3);
            const std::string second = pattern(second_size, 4);
            loop.spawn("send", send_two(*fresh.client, first, second));
            EXPECT_TRUE(loop.run_until(read_to_end(*fresh.server)) == first + second);
        }
    }
}

TEST_F(TcpTest, a_read_ends_at_its_deadline) {
    std::vector<char> buffer(10);
    auto read = loop.run_until(read_once(*pair.client, buffer, in(milliseconds{10})));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::timeout);
    // An alarm that was armed for a later deadline must not delay an earlier one.
    loop.spawn("later", [](Stream& stream, std::vector<char>& into) -> Task<void> {
        auto late = co_await stream.read_some(into, in(kLong));
        EXPECT_TRUE(late.has_value());
    }(*pair.server, buffer));
    auto write = [](Stream& stream) -> Task<void> {
        auto written = co_await stream.write_all("x", in(kLong));
        EXPECT_TRUE(written.has_value());
    };
    loop.run_until(write(*pair.client));
    loop.run();
    const auto begin = std::chrono::steady_clock::now();
    read = loop.run_until(read_once(*pair.server, buffer, in(milliseconds{10})));
    ASSERT_FALSE(read);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, kLong / 2);
}

Task<Result<void>> write_with(Stream& stream, std::string_view text, Deadline deadline) {
    auto written = co_await stream.write_all(text, deadline);
    co_return written;
}

TEST_F(TcpTest, a_write_to_a_peer_that_does_not_read_ends_at_its_deadline) {
    const std::string much(64U << 20U, 'x');
    auto written = loop.run_until(write_with(*pair.client, much, in(milliseconds{50})));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::timeout);
}

Task<void> close_soon(Loop& loop, Stream& stream) {
    co_await loop.sleep(milliseconds{5});
    stream.close();
}

Task<void> destroy_soon(Loop& loop, StreamPtr& stream) {
    co_await loop.sleep(milliseconds{5});
    stream.reset();
}

TEST_F(TcpTest, close_wakes_the_reader_and_the_writer_with_cancelled) {
    const std::string much(64U << 20U, 'x');
    std::vector<char> buffer(10);
    Result<void> written;
    loop.spawn("write", [](Stream& stream, const std::string& text, Result<void>& result) -> Task<void> {
        result = co_await stream.write_all(text, in(kLong));
    }(*pair.client, much, written));
    loop.spawn("close", close_soon(loop, *pair.client));
    auto read = loop.run_until(read_once(*pair.client, buffer, in(kLong)));
    loop.run();
    ASSERT_FALSE(read);
    ASSERT_FALSE(written);
    EXPECT_EQ(read.error().code, ErrorCode::cancelled);
    EXPECT_EQ(written.error().code, ErrorCode::cancelled);
    read = loop.run_until(read_once(*pair.client, buffer, in(kLong)));
    EXPECT_EQ(read.error().code, ErrorCode::cancelled) << "and every later operation";
}

TEST_F(TcpTest, a_stream_may_be_destroyed_under_a_read) {
    std::vector<char> buffer(10);
    loop.spawn("destroy", destroy_soon(loop, pair.client));
    auto read = loop.run_until(read_once(*pair.client, buffer, in(kLong)));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::cancelled);
}

TEST_F(TcpTest, a_second_reader_is_refused) {
    std::vector<char> buffer(10);
    Result<std::size_t> first = 0U;
    loop.spawn("first", [](Stream& stream, Result<std::size_t>& result) -> Task<void> {
        std::vector<char> own(10);
        result = co_await stream.read_some(own, in(milliseconds{30}));
    }(*pair.client, first));
    loop.run_until([](Loop& l) -> Task<void> { co_await l.sleep(milliseconds{1}); }(loop));
    auto second = loop.run_until(read_once(*pair.client, buffer, in(kLong)));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::internal);
    loop.run();
    EXPECT_EQ(first.error().code, ErrorCode::timeout);
}

TEST_F(TcpTest, writing_to_a_peer_that_is_gone_is_an_error_not_a_signal) {
    pair.server.reset();
    Result<void> written;
    for (int i = 0; i < 100 && written; ++i) written = loop.run_until(write_with(*pair.client, "x", in(kLong)));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::network);
}

TEST_F(TcpTest, idle_and_open_sees_data_and_the_end) {
    EXPECT_TRUE(pair.server->idle_and_open());
    loop.run_until(write_with(*pair.client, "x", in(kLong)));
    EXPECT_FALSE(pair.server->idle_and_open());
    EXPECT_TRUE(pair.client->idle_and_open());
    pair.server.reset();
    EXPECT_FALSE(pair.client->idle_and_open());
    pair.client->close();
    EXPECT_FALSE(pair.client->idle_and_open());
}

TEST_F(TcpTest, peer_address_is_known_on_both_sides) {
    EXPECT_EQ(pair.client->peer_address(), "127.0.0.1");
    EXPECT_EQ(pair.server->peer_address(), "127.0.0.1");
}

Task<void> flood(Stream& stream, bool& stop, std::size_t& sent) {
    const std::string block(65536, 'x');
    while (!stop) {
        auto written = co_await stream.write_all(block, in(kLong));
        if (!written) co_return;
        sent += block.size();
    }
    stream.close();
}

Task<void> ping(Loop& loop, Stream& a, Stream& b, int& rounds) {
    std::vector<char> buffer(10);
    for (rounds = 0; rounds < 50; ++rounds) {
        auto written = co_await a.write_all("p", in(kLong));
        EXPECT_TRUE(written.has_value());
        auto read = co_await b.read_some(buffer, in(kLong));
        EXPECT_TRUE(read.has_value());
        co_await loop.sleep(milliseconds{0});
    }
}

TEST_F(TcpTest, a_flood_does_not_starve_the_others) {
    Pair other = loop.run_until(connected(loop, listener));
    bool stop = false;
    std::size_t sent = 0;
    int rounds = 0;
    std::string received;
    loop.spawn("flood", flood(*pair.client, stop, sent));
    loop.spawn("drain", receive_all(*pair.server, received));
    loop.run_until(ping(loop, *other.client, *other.server, rounds));
    stop = true;
    loop.run();
    EXPECT_EQ(rounds, 50);
    EXPECT_GT(sent, 0U);
    EXPECT_EQ(received.size(), sent);
}

TEST(Listener, LB01_listens_on_ipv4_loopback_only) {
    Loop loop;
    auto listener = Listener::loopback(loop, 0);
    ASSERT_TRUE(listener);
    auto second = Listener::loopback(loop, listener->port());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::busy);
}

// A plain socket, as any other program would make one.
int foreign_bind(std::uint16_t port, std::initializer_list<int> options, in_addr_t address) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    for (const int option : options) ::setsockopt(fd, SOL_SOCKET, option, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(address);
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 && ::listen(fd, 1) == 0;
    ::close(fd);
    return bound ? 0 : -1;
}

TEST(Listener, LB01_nobody_else_can_bind_the_port_too) {
    Loop loop;
    auto listener = Listener::loopback(loop, 0);
    ASSERT_TRUE(listener);
    for (const in_addr_t address : {INADDR_LOOPBACK, INADDR_ANY}) {
        EXPECT_EQ(foreign_bind(listener->port(), {}, address), -1);
        EXPECT_EQ(foreign_bind(listener->port(), {SO_REUSEADDR}, address), -1);
        EXPECT_EQ(foreign_bind(listener->port(), {SO_REUSEPORT}, address), -1);
        EXPECT_EQ(foreign_bind(listener->port(), {SO_REUSEADDR, SO_REUSEPORT}, address), -1);
    }
}

TEST(Listener, LB09_a_busy_port_names_its_holder) {
    Loop loop;
    auto listener = Listener::loopback(loop, 0);
    auto second = Listener::loopback(loop, listener->port());
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos) << second.error().message;
}

TEST(Listener, the_port_is_free_again_after_close) {
    Loop loop;
    auto listener = Listener::loopback(loop, 0);
    const auto port = listener->port();
    Pair pair = loop.run_until(connected(loop, *listener));
    pair.server.reset();
    pair.client.reset();
    listener->close();
    EXPECT_TRUE(Listener::loopback(loop, port));
}

TEST(Listener, close_wakes_accept_with_cancelled) {
    Loop loop;
    auto listener = Listener::loopback(loop, 0);
    Result<StreamPtr> accepted;
    loop.spawn("accept", [](Listener& l, Result<StreamPtr>& result) -> Task<void> { result = co_await l.accept(); }(*listener, accepted));
    loop.spawn("close", [](Loop& l, Listener& which) -> Task<void> {
        co_await l.sleep(milliseconds{1});
        which.close();
    }(loop, *listener));
    loop.run();
    ASSERT_FALSE(accepted);
    EXPECT_EQ(accepted.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace claviger::net
