#include "net/tls.hpp"

#include <gtest/gtest.h>

#include "net/certificate_fixture.hpp"

namespace claviger::net {
namespace {

using base::ErrorCode;
using base::Result;
using std::chrono::milliseconds;

constexpr milliseconds kLong{20'000};

struct TlsPair {
    StreamPtr client, server;
    std::string sni;
};

Task<void> accept_tls(Listener& listener, TlsServerContext context, Result<TlsAccepted>& into) {
    auto tcp = co_await listener.accept();
    if (!tcp) co_return;
    into = co_await tls_accept(std::move(*tcp), std::move(context), in(kLong));
}

Task<StreamPtr> dial(Loop& loop, std::uint16_t port) {
    AddressPolicy policy;
    policy.allow_loopback = true;
    TcpTarget target{"127.0.0.1", port};
    auto tcp = co_await connect_tcp(loop, std::move(target), std::move(policy), in(kLong));
    EXPECT_TRUE(tcp.has_value());
    co_return std::move(*tcp);
}

Task<Result<StreamPtr>> dial_tls(Loop& loop, std::uint16_t port, TlsClientContext context, std::string host) {
    auto tcp = co_await dial(loop, port);
    auto tls = co_await tls_connect(std::move(tcp), std::move(context), std::move(host), in(kLong));
    co_return tls;
}

struct TlsTest : testing::Test {
    Loop loop;
    Listener listener = std::move(*Listener::loopback(loop, 0));
    fixture::Identity identity{"api.acme.test"};
    TlsServerContext server = std::move(*TlsServerContext::make(fixture::pem(identity.leaf) + fixture::pem(identity.root), base::Secret(fixture::pem(identity.key))));
    TlsClientContext client = std::move(*TlsClientContext::make({fixture::pem(identity.root)}));

    TlsPair connect() {
        Result<TlsAccepted> accepted = base::fail(ErrorCode::internal, "nothing yet");
        loop.spawn("accept", accept_tls(listener, server, accepted));
        auto connected = loop.run_until(dial_tls(loop, listener.port(), client, "API.acme.test."));
        loop.run();
        EXPECT_TRUE(connected.has_value()) << connected.error().describe();
        EXPECT_TRUE(accepted.has_value()) << accepted.error().describe();
        TlsPair pair;
        if (connected) pair.client = std::move(*connected);
        if (accepted) pair.server = std::move(accepted->stream), pair.sni = accepted->sni;
        return pair;
    }
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

Task<void> receive_all(Stream& stream, std::string& into) {
    auto all = co_await read_to_end(stream);
    into = std::move(all);
}

Task<void> send_and_end(Stream& stream, std::string_view first, std::string_view second) {
    auto written = co_await stream.write_all2(first, second, in(kLong));
    EXPECT_TRUE(written.has_value());
    auto ended = co_await stream.shutdown_write(in(kLong));
    EXPECT_TRUE(ended.has_value());
}

Task<Result<void>> write(Stream& stream, std::string_view text, Deadline deadline) {
    auto written = co_await stream.write_all(text, deadline);
    co_return written;
}

Task<Result<std::size_t>> read_once(Stream& stream, std::vector<char>& buffer, Deadline deadline) {
    auto count = co_await stream.read_some(buffer, deadline);
    co_return count;
}

TEST_F(TlsTest, handshake_shows_the_lower_case_name_to_the_server) {
    const TlsPair pair = connect();
    EXPECT_EQ(pair.sni, "api.acme.test");
    EXPECT_EQ(pair.client->peer_address(), "127.0.0.1");
    EXPECT_EQ(pair.server->peer_address(), "127.0.0.1");
}

TEST_F(TlsTest, each_direction_ends_by_itself) {
    TlsPair pair = connect();
    loop.spawn("client", send_and_end(*pair.client, "quest", "ion"));
    EXPECT_EQ(loop.run_until(read_to_end(*pair.server)), "question");
    loop.spawn("server", send_and_end(*pair.server, "", "answer"));
    EXPECT_EQ(loop.run_until(read_to_end(*pair.client)), "answer");
}

std::string pattern(std::size_t size, unsigned seed) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>((seed = seed * 1664525U + 1013904223U) >> 24);
    return text;
}

TEST_F(TlsTest, big_transfers_in_both_directions_at_once) {
    TlsPair pair = connect();
    const std::string to_server = pattern(12U << 20U, 1);
    const std::string to_client = pattern(9U << 20U, 2);
    std::string at_server, at_client;
    loop.spawn("a", send_and_end(*pair.client, to_server, "tail"));
    loop.spawn("b", send_and_end(*pair.server, "head", to_client));
    loop.spawn("c", receive_all(*pair.client, at_client));
    loop.spawn("d", receive_all(*pair.server, at_server));
    loop.run();
    EXPECT_TRUE(at_server == to_server + "tail");
    EXPECT_TRUE(at_client == "head" + to_client);
}

TEST_F(TlsTest, two_pieces_arrive_in_order_whatever_their_sizes) {
    for (const std::size_t first_size : {std::size_t{0}, std::size_t{1}, std::size_t{16383}, std::size_t{16384}, std::size_t{40'000}}) {
        for (const std::size_t second_size : {std::size_t{0}, std::size_t{1}, std::size_t{16384}, std::size_t{3'000'001}}) {
            TlsPair pair = connect();
            const std::string first = pattern(first_size, 3);
            const std::string second = pattern(second_size, 4);
            loop.spawn("send", send_and_end(*pair.client, first, second));
            EXPECT_TRUE(loop.run_until(read_to_end(*pair.server)) == first + second) << first_size << " " << second_size;
        }
    }
}

TEST_F(TlsTest, small_pieces_travel_in_one_record) {
    TlsPair pair = connect();
    loop.spawn("send", send_and_end(*pair.client, "head and ", "body"));
    std::vector<char> buffer(100);
    auto count = loop.run_until(read_once(*pair.server, buffer, in(kLong)));
    ASSERT_TRUE(count);
    EXPECT_EQ(std::string(buffer.data(), *count), "head and body");
    loop.run();
}

TEST_F(TlsTest, deadlines_end_reads_and_writes) {
    TlsPair pair = connect();
    std::vector<char> buffer(10);
    EXPECT_EQ(loop.run_until(read_once(*pair.client, buffer, in(milliseconds{10}))).error().code, ErrorCode::timeout);
    const std::string much(64U << 20U, 'x');
    EXPECT_EQ(loop.run_until(write(*pair.client, much, in(milliseconds{50}))).error().code, ErrorCode::timeout);
}

TEST_F(TlsTest, close_and_destruction_wake_a_reader_with_cancelled) {
    TlsPair pair = connect();
    std::vector<char> buffer(10);
    loop.spawn("close", [](Loop& l, Stream& stream) -> Task<void> {
        co_await l.sleep(milliseconds{2});
        stream.close();
    }(loop, *pair.client));
    EXPECT_EQ(loop.run_until(read_once(*pair.client, buffer, in(kLong))).error().code, ErrorCode::cancelled);
    loop.spawn("destroy", [](Loop& l, StreamPtr& stream) -> Task<void> {
        co_await l.sleep(milliseconds{2});
        stream.reset();
    }(loop, pair.server));
    auto read = loop.run_until(read_once(*pair.server, buffer, in(kLong)));
    EXPECT_TRUE(!read || *read == 0) << "the client's close_notify, or the destruction";
}

TEST_F(TlsTest, close_says_goodbye) {
    TlsPair pair = connect();
    pair.client->close();
    EXPECT_EQ(loop.run_until(read_to_end(*pair.server)), "");
}

TEST_F(TlsTest, idle_and_open_does_not_take_a_ticket_for_data) {
    TlsPair pair = connect();
    EXPECT_TRUE(pair.client->idle_and_open()) << "the server's session ticket is waiting in the socket";
    EXPECT_TRUE(pair.client->idle_and_open());
    EXPECT_TRUE(pair.server->idle_and_open());
    ASSERT_TRUE(loop.run_until(write(*pair.server, "x", in(kLong))));
    EXPECT_FALSE(pair.client->idle_and_open());
    std::vector<char> buffer(10);
    EXPECT_EQ(loop.run_until(read_once(*pair.client, buffer, in(kLong))).value(), 1U) << "what was seen is not lost";
    EXPECT_TRUE(pair.client->idle_and_open());
    pair.server->close();
    EXPECT_FALSE(pair.client->idle_and_open());
}

TEST_F(TlsTest, idle_and_open_sees_a_reset) {
    TlsPair pair = connect();
    ASSERT_TRUE(loop.run_until(write(*pair.client, "unread", in(kLong))));
    pair.server.reset();
    EXPECT_FALSE(pair.client->idle_and_open());
    EXPECT_FALSE(pair.client->idle_and_open());
}

TEST_F(TlsTest, PX25_the_environment_adds_no_trust) {
    char file[] = "/tmp/claviger-net-XXXXXX";
    const int fd = ::mkstemp(file);
    const std::string root = fixture::pem(identity.root);
    ASSERT_EQ(::write(fd, root.data(), root.size()), static_cast<ssize_t>(root.size()));
    ::close(fd);
    ::setenv("SSL_CERT_FILE", file, 1);
    ::setenv("SSL_CERT_DIR", "/tmp", 1);
    auto context = TlsClientContext::make({});
    ::unsetenv("SSL_CERT_FILE");
    ::unsetenv("SSL_CERT_DIR");
    ASSERT_TRUE(context);
    Result<TlsAccepted> accepted = base::fail(ErrorCode::internal, "nothing yet");
    loop.spawn("accept", accept_tls(listener, server, accepted));
    auto connected = loop.run_until(dial_tls(loop, listener.port(), *context, "api.acme.test"));
    loop.run();
    ::unlink(file);
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().code, ErrorCode::tls);
    ASSERT_FALSE(accepted);
    EXPECT_EQ(accepted.error().message, "the client does not trust our certificate authority");
}

TEST_F(TlsTest, a_server_that_does_not_speak_TLS_gets_a_clear_message) {
    loop.spawn("plain", [](Listener& l) -> Task<void> {
        auto tcp = co_await l.accept();
        auto written = co_await (*tcp)->write_all("HTTP/1.1 400 Bad Request\r\n\r\n", in(kLong));
        EXPECT_TRUE(written.has_value());
        std::vector<char> buffer(4096);
        auto read = co_await (*tcp)->read_some(buffer, in(kLong));
        EXPECT_TRUE(read.has_value());
    }(listener));
    auto connected = loop.run_until(dial_tls(loop, listener.port(), client, "api.acme.test"));
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().message, "api.acme.test does not speak TLS");
    loop.run();
}

TEST_F(TlsTest, a_plain_request_to_a_TLS_server_gets_a_clear_message) {
    Result<TlsAccepted> accepted = base::fail(ErrorCode::internal, "nothing yet");
    loop.spawn("accept", accept_tls(listener, server, accepted));
    auto tcp = loop.run_until(dial(loop, listener.port()));
    ASSERT_TRUE(loop.run_until(write(*tcp, "GET / HTTP/1.1\r\nHost: api.acme.test\r\n\r\n", in(kLong))));
    loop.run();
    ASSERT_FALSE(accepted);
    EXPECT_EQ(accepted.error().message, "the client spoke plain HTTP where TLS is expected");
}

TEST_F(TlsTest, a_handshake_that_stalls_ends_at_its_deadline) {
    auto tcp = loop.run_until(dial(loop, listener.port()));
    auto connected = loop.run_until(tls_connect(std::move(tcp), client, "api.acme.test", in(milliseconds{20})));
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().code, ErrorCode::timeout);
}

TEST_F(TlsTest, contexts_refuse_what_is_no_certificate_or_key) {
    const base::Secret key(fixture::pem(identity.key));
    const std::string leaf = fixture::pem(identity.leaf);
    EXPECT_EQ(TlsServerContext::make("", key).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(TlsServerContext::make(leaf, base::Secret("nonsense")).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(TlsServerContext::make(leaf, base::Secret(fixture::pem(fixture::ec_key()))).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(TlsClientContext::make({"nonsense"}).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(TlsClientContext::make({leaf + leaf.substr(0, leaf.size() / 2)}).error().code, ErrorCode::invalid_input);
    const std::string encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIH=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    EXPECT_EQ(TlsServerContext::make(leaf, base::Secret(encrypted)).error().code, ErrorCode::invalid_input);
}

}  // namespace
}  // namespace claviger::net
