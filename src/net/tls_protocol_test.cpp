// Against a plain OpenSSL peer: versions, ALPN, resumption, broken ends.
#include <gtest/gtest.h>

#include "net/tls.hpp"
#include "net/tls_peer.hpp"

namespace claviger::net {
namespace {

using namespace fixture;
using base::ErrorCode;
using base::Result;

constexpr std::chrono::milliseconds kLong{20'000};
const std::string kHost = "api.acme.test";

Task<Result<StreamPtr>> dial_tls(Loop& loop, std::uint16_t port, TlsClientContext context) {
    AddressPolicy policy;
    policy.allow_loopback = true;
    TcpTarget target{"127.0.0.1", port};
    auto tcp = co_await connect_tcp(loop, std::move(target), std::move(policy), in(kLong));
    if (!tcp) co_return base::fail(tcp.error());
    auto tls = co_await tls_connect(std::move(*tcp), std::move(context), kHost, in(kLong));
    co_return tls;
}

// Says hello, reads to the end; what the end was.
Task<std::string> exchange(Loop& loop, std::uint16_t port, TlsClientContext context) {
    auto tls = co_await dial_tls(loop, port, std::move(context));
    if (!tls) co_return "connect: " + tls.error().message;
    auto written = co_await (*tls)->write_all("hello", in(kLong));
    if (!written) co_return "write: " + written.error().message;
    auto ended = co_await (*tls)->shutdown_write(in(kLong));
    if (!ended) co_return "shutdown: " + ended.error().message;
    std::vector<char> buffer(4096);
    std::string all;
    for (;;) {
        auto count = co_await (*tls)->read_some(buffer, in(kLong));
        if (!count) co_return "read: " + std::string(base::to_string(count.error().code));
        if (*count == 0) co_return "end after '" + all + "'";
        all.append(buffer.data(), *count);
    }
}

struct TlsProtocol : testing::Test {
    Loop loop;
    Identity identity{kHost};
    TlsClientContext client = std::move(*TlsClientContext::make({pem(identity.root)}));
    SslContext server(int min_version = TLS1_VERSION, int max_version = 0) { return server_context({identity.leaf}, identity.key, min_version, max_version); }
};

TEST_F(TlsProtocol, PX25_versions_before_1_2_are_refused) {
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
        Peer peer(server(TLS1_VERSION, version));
        EXPECT_EQ(loop.run_until(exchange(loop, peer.port(), client)), "connect: api.acme.test offers no TLS version that is still safe");
        EXPECT_EQ(peer.finish().at(0).application_bytes, 0U);
    }
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Peer peer(server(version, version));
        EXPECT_EQ(loop.run_until(exchange(loop, peer.port(), client)), "end after ''");
        EXPECT_EQ(peer.finish().at(0).application_bytes, 5U);
    }
}

TEST_F(TlsProtocol, weak_ciphers_are_refused) {
    for (const char* ciphers : {"AES128-SHA:@SECLEVEL=0", "AES128-GCM-SHA256:@SECLEVEL=0", "NULL:@SECLEVEL=0", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"}) {
        auto context = server(TLS1_2_VERSION, TLS1_2_VERSION);
        ASSERT_EQ(SSL_CTX_set_cipher_list(context.get(), ciphers), 1);
        Peer peer(context);
        EXPECT_TRUE(loop.run_until(exchange(loop, peer.port(), client)).starts_with("connect: ")) << ciphers;
    }
}

TEST_F(TlsProtocol, sessions_are_resumed_with_the_same_host_and_context_only) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        auto context = TlsClientContext::make({pem(identity.root)});
        auto other = TlsClientContext::make({pem(identity.root)});
        Peer peer(server(version, version));
        for (int i = 0; i < 3; ++i) EXPECT_EQ(loop.run_until(exchange(loop, peer.port(), *context)), "end after ''");
        EXPECT_EQ(loop.run_until(exchange(loop, peer.port(), *other)), "end after ''");
        const auto& seen = peer.finish();
        ASSERT_EQ(seen.size(), 4U);
        EXPECT_FALSE(seen[0].resumed);
        EXPECT_TRUE(seen[1].resumed);
        EXPECT_TRUE(seen[2].resumed);
        EXPECT_FALSE(seen[3].resumed);
    }
}

TEST_F(TlsProtocol, a_ticket_does_not_vouch_for_another_server) {
    Peer first(server());
    EXPECT_EQ(loop.run_until(exchange(loop, first.port(), client)), "end after ''");
    Identity impostor{kHost};
    Peer second(server_context({impostor.leaf}, impostor.key));
    EXPECT_TRUE(loop.run_until(exchange(loop, second.port(), client)).starts_with("connect: the certificate of api.acme.test"));
    EXPECT_EQ(second.finish().at(0).application_bytes, 0U);
}

TEST_F(TlsProtocol, an_end_without_close_notify_is_an_error) {
    Peer peer(server(), [](SSL* ssl, Seen&) {
        char buffer[16];
        SSL_read(ssl, buffer, sizeof buffer);
        SSL_write(ssl, "half an ans", 11);
        ::shutdown(SSL_get_fd(ssl), SHUT_WR);
        while (::read(SSL_get_fd(ssl), buffer, sizeof buffer) > 0) {}
    });
    EXPECT_EQ(loop.run_until(exchange(loop, peer.port(), client)), "read: protocol");
}

TEST_F(TlsProtocol, an_end_with_close_notify_is_an_end) {
    Peer peer(server(), [](SSL* ssl, Seen& seen) {
        SSL_write(ssl, "an answer", 9);
        Peer::drain(ssl, seen);
    });
    EXPECT_EQ(loop.run_until(exchange(loop, peer.port(), client)), "end after 'an answer'");
}

TEST_F(TlsProtocol, bytes_that_are_no_record_are_an_error) {
    Peer peer(server(), [](SSL* ssl, Seen& seen) {
        [[maybe_unused]] const auto written = ::write(SSL_get_fd(ssl), "nonsense nonsense", 17);
        Peer::drain(ssl, seen);
    });
    EXPECT_EQ(loop.run_until(exchange(loop, peer.port(), client)), "read: tls");
}

Task<std::string> read_then_answer(Loop& loop, std::uint16_t port, TlsClientContext context) {
    auto tls = co_await dial_tls(loop, port, std::move(context));
    if (!tls) co_return "connect: " + tls.error().message;
    std::vector<char> buffer(100);
    std::string all;
    while (all.size() < 4) {
        auto count = co_await (*tls)->read_some(buffer, in(kLong));
        if (!count || *count == 0) co_return "end after " + all;
        all.append(buffer.data(), *count);
    }
    auto written = co_await (*tls)->write_all("hello", in(kLong));
    if (!written) co_return "write: " + written.error().message;
    co_return all;
}

TEST_F(TlsProtocol, a_key_update_in_the_middle_is_answered_and_not_data) {
    Peer peer(server(TLS1_3_VERSION), [](SSL* ssl, Seen& seen) {
        for (int i = 0; i < 3; ++i) {
            SSL_write(ssl, "x", 1);
            SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        }
        SSL_write(ssl, "y", 1);
        Peer::drain(ssl, seen);
    });
    EXPECT_EQ(loop.run_until(read_then_answer(loop, peer.port(), client)), "xxxy");
    EXPECT_EQ(peer.finish().at(0).application_bytes, 5U);
}

TEST_F(TlsProtocol, renegotiation_is_refused) {
    Peer peer(server(TLS1_2_VERSION, TLS1_2_VERSION), [](SSL* ssl, Seen& seen) {
        SSL_renegotiate(ssl);
        seen.resumed = SSL_do_handshake(ssl) == 1;  // sends the request
        SSL_write(ssl, "x", 1);
        Peer::drain(ssl, seen);
        seen.protocol = SSL_renegotiate_pending(ssl) == 1 ? "pending" : "done";
    });
    const std::string end = loop.run_until(exchange(loop, peer.port(), client));
    EXPECT_NE(peer.finish().at(0).protocol, "done") << end;
}

// Our server, an OpenSSL client.
struct Offer {
    int min_version = TLS1_VERSION, max_version = 0;
    std::string protocols;  // ALPN wire form
    bool send_name = true;
};

struct ClientSaw {
    bool connected = false;
    bool resumed = false;
    std::string protocol;
};

class PlainClient {
public:
    explicit PlainClient(const Offer& offer) : offer_(offer), context_(insecure_context(TLS_client_method(), offer.min_version, offer.max_version)) {}
    ClientSaw connect(std::uint16_t port) {
        ClientSaw saw;
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        set_time_limit(fd);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return saw;
        const std::shared_ptr<SSL> ssl(SSL_new(context_.get()), SSL_free);
        SSL_set_fd(ssl.get(), fd);
        if (offer_.send_name) SSL_set_tlsext_host_name(ssl.get(), "API.acme.test");
        if (!offer_.protocols.empty()) SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(offer_.protocols.data()), static_cast<unsigned>(offer_.protocols.size()));
        if (session_) SSL_set_session(ssl.get(), session_.get());
        char byte = 0;
        // One byte comes after the handshake, and with it any alert and the tickets.
        if (SSL_connect(ssl.get()) == 1 && SSL_read(ssl.get(), &byte, 1) == 1) {
            saw.connected = true;
            saw.resumed = SSL_session_reused(ssl.get()) == 1;
            const unsigned char* chosen = nullptr;
            unsigned size = 0;
            SSL_get0_alpn_selected(ssl.get(), &chosen, &size);
            saw.protocol.assign(reinterpret_cast<const char*>(chosen), size);
            session_ = std::shared_ptr<SSL_SESSION>(SSL_get1_session(ssl.get()), SSL_SESSION_free);
            SSL_shutdown(ssl.get());
        }
        ::close(fd);
        return saw;
    }

private:
    Offer offer_;
    SslContext context_;
    std::shared_ptr<SSL_SESSION> session_;
};

Task<Result<std::string>> serve_one(Listener& listener, TlsServerContext context) {
    auto tcp = co_await listener.accept();
    if (!tcp) co_return base::fail(tcp.error());
    auto accepted = co_await tls_accept(std::move(*tcp), std::move(context), in(kLong));
    if (!accepted) co_return base::fail(accepted.error());
    auto written = co_await accepted->stream->write_all("!", in(kLong));
    if (!written) co_return base::fail(written.error());
    std::vector<char> buffer(10);
    auto end = co_await accepted->stream->read_some(buffer, in(kLong));
    if (!end) co_return base::fail(end.error());
    co_return accepted->sni;
}

struct TlsServer : testing::Test {
    Loop loop;
    Listener listener = std::move(*Listener::loopback(loop, 0));
    Identity identity{kHost};
    TlsServerContext context = std::move(*TlsServerContext::make(pem(identity.leaf) + pem(identity.root), base::Secret(pem(identity.key))));
    Result<std::string> served;

    ClientSaw meet(PlainClient& client) {
        ClientSaw saw;
        std::thread other([&] { saw = client.connect(listener.port()); });
        served = loop.run_until(serve_one(listener, context));
        other.join();
        return saw;
    }
    ClientSaw meet(const Offer& offer) {
        PlainClient client(offer);
        return meet(client);
    }
};

TEST_F(TlsServer, versions_before_1_2_are_refused) {
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
        Offer offer;
        offer.max_version = version;
        EXPECT_FALSE(meet(offer).connected);
        EXPECT_EQ(served.error().message, "the client offers no TLS version that is still safe");
    }
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Offer offer;
        offer.min_version = offer.max_version = version;
        EXPECT_TRUE(meet(offer).connected);
        EXPECT_EQ(served.value(), kHost);
    }
}

TEST_F(TlsServer, chooses_http_1_or_nothing) {
    Offer offer;
    offer.protocols = "\x02h2\x08http/1.0\x08http/1.1";
    EXPECT_EQ(meet(offer).protocol, "http/1.1");
    offer.protocols = "\x08http/1.0";
    EXPECT_EQ(meet(offer).protocol, "http/1.0") << "curl -0 offers this alone";
    offer.protocols = "\x02h2";
    EXPECT_FALSE(meet(offer).connected) << "a client that wants HTTP/2 only must not get something else";
    EXPECT_EQ(served.error().code, ErrorCode::tls);
    offer.protocols = "";
    EXPECT_TRUE(meet(offer).connected);
}

TEST_F(TlsServer, a_client_without_SNI_is_served_with_an_empty_name) {
    Offer offer;
    offer.send_name = false;
    EXPECT_TRUE(meet(offer).connected);
    EXPECT_EQ(served.value(), "");
}

TEST_F(TlsServer, tickets_of_both_versions_resume) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Offer offer;
        offer.min_version = offer.max_version = version;
        PlainClient client(offer);
        EXPECT_FALSE(meet(client).resumed);
        const ClientSaw again = meet(client);
        EXPECT_TRUE(again.connected);
        EXPECT_TRUE(again.resumed);
        EXPECT_EQ(served.value(), kHost) << "the name is known on a resumed connection too";
    }
}

}  // namespace
}  // namespace claviger::net
