// Answers that end before they are whole (PX-17): no client may take one for whole, of either version of HTTP, nor get
// the answer to another request behind it. The client here reads by our own strict reader, which would believe any end
// that a client may believe.
#include <array>
#include <cstdio>

#include "crypto/certificate_authority.hpp"
#include "http/codec.hpp"
#include "net/tls.hpp"
#include "proxy/tunnel.hpp"
#include "proxy/wire_test_support.hpp"

namespace claviger::proxy {
namespace {

using namespace test;
using base::Result;

// "hello, world, hello, world" in gzip.
const std::string kGzip("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\x28\xcf\x2f\xca\x49\xd1\x51\xc8\x40\xe2\x01\x00\xce\xbb\x3c\xb1\x1a\x00\x00\x00", 37);
const std::string kPlain = "hello, world, hello, world";

std::string sized(const std::string& body, std::size_t length, const std::string& more = "") {
    return "HTTP/1.1 200 OK\r\n" + more + "Content-Length: " + std::to_string(length) + "\r\n\r\n" + body;
}
std::string chunked(const std::string& rest, const std::string& more = "") {
    return "HTTP/1.1 200 OK\r\n" + more + "Transfer-Encoding: chunked\r\n\r\n" + rest;
}
std::string chunk(const std::string& body) {
    char size[17];
    std::snprintf(size, sizeof size, "%zx", body.size());
    return size + ("\r\n" + body) + "\r\n";
}

// The body of the whole answer to a GET that comes on `client`.
net::Task<Result<std::string>> whole_answer(http::Connection& client, bool head_is_read) {
    const net::Deadline deadline = net::in(kPatience);
    if (!head_is_read) {
        auto head = co_await client.read_response_head("GET", deadline);
        if (!head) co_return base::fail(std::move(head).error());
    }
    std::string body;
    std::array<char, 4096> buffer{};
    const std::span<char> space(buffer);
    while (!client.body_complete()) {
        auto got = co_await client.read_body(space, deadline);
        if (!got) co_return base::fail(std::move(got).error());
        body.append(buffer.data(), *got);
    }
    co_return body;
}

struct Answer {
    const char* name;
    std::string text;
    bool whole = false;
    bool reset = false;  // it ends so, instead of in order
};

struct CutAnswers : WireTest {
    // Twice on one connection, so that an answer to the second could be taken for the rest of the first.
    void ask_twice(const std::string& version) {
        ask("GET", "\r\n", version);
        ask("GET", "X-Second: 1\r\n\r\n", version);
    }

    Result<std::string> outcome(const Answer& answer, const std::string& version, bool with_key, bool head_first) {
        begin(with_key);
        ask_twice(version);
        upstream.reset();
        arrives();
        http::Connection reader(std::move(client), http::Limits());
        const auto end_of_head = answer.text.find("\r\n\r\n") + 4;
        if (head_first) {
            answers(std::string_view(answer.text).substr(0, end_of_head));
            auto head = loop.run_until(reader.read_response_head("GET", net::in(kPatience)));
            EXPECT_TRUE(head);
            if (!head) return base::fail(head.error());
        }
        answers(std::string_view(answer.text).substr(head_first ? end_of_head : 0));
        if (answer.reset) upstream->abort();
        else upstream->close();
        auto got = loop.run_until(whole_answer(reader, head_first));
        if (!answer.whole) {
            auto next = loop.run_until(reader.read_response_head("GET", net::in(kPatience)));
            EXPECT_FALSE(next) << "an answer behind one that was cut";
            EXPECT_TRUE(nothing_accepted()) << "and the second request is not sent for nobody";
        }
        options = ProxyOptions{policy::Router({}), Unmatched::allow, {}, {}, {}, 256, {}};
        return got;
    }

    void expect(const std::vector<Answer>& rows, bool with_key, const std::string& body) {
        for (const auto& row : rows) {
            for (const char* version : {"1.1", "1.0"}) {
                for (const bool head_first : {false, true}) {
                    SCOPED_TRACE(std::string(row.name) + " to HTTP/" + version + (head_first ? ", the head first" : ""));
                    const auto got = outcome(row, version, with_key, head_first);
                    EXPECT_EQ(got.has_value(), row.whole) << (got ? *got : got.error().describe());
                    if (row.whole && got) EXPECT_EQ(*got, body);
                }
            }
        }
    }
};

TEST_F(CutAnswers, PX17_are_never_taken_for_whole) {
    expect({{"a length kept", sized("0123456789", 10), true},
            {"a length not kept", sized("01234", 10)},
            {"a length not kept, with a reset", sized("01234", 10), false, true},
            {"chunks with their end", chunked(chunk("01234") + chunk("56789") + "0\r\n\r\n"), true},
            {"a cut between chunks", chunked(chunk("01234"))},
            {"a cut in a chunk", chunked("a\r\n01234")},
            {"a cut behind a chunk", chunked("5\r\n01234")},
            {"a cut in a chunk's size", chunked(chunk("01234") + "5")},
            {"a cut behind the last chunk", chunked(chunk("01234") + "0\r\n")},
            {"a cut in the trailers", chunked(chunk("01234") + "0\r\nX-Sum: 1\r\n")},
            {"chunks with a reset", chunked(chunk("01234")), false, true},
            {"the end of the connection as the end", "HTTP/1.0 200 OK\r\n\r\n0123456789", true},
            {"a reset as the end", "HTTP/1.0 200 OK\r\n\r\n01234", false, true}},
           false, "0123456789");
}

TEST_F(CutAnswers, PX17_nor_what_is_decoded_on_its_way) {
    const std::string gzip = "Content-Encoding: gzip\r\n", half = kGzip.substr(0, 24);
    expect({{"a whole one", sized(kGzip, kGzip.size(), gzip), true},
            {"a whole one in chunks", chunked(chunk(kGzip.substr(0, 20)) + chunk(kGzip.substr(20)) + "0\r\n\r\n", gzip), true},
            {"a length not kept", sized(half, kGzip.size(), gzip)},
            {"half of one, its length kept", sized(half, half.size(), gzip)},
            {"half of one in whole chunks", chunked(chunk(half) + "0\r\n\r\n", gzip)},
            {"all but its checksum", sized(kGzip.substr(0, 29), 29, gzip)},
            {"a cut between chunks", chunked(chunk(half), gzip)},
            {"a whole one without the last chunk", chunked(chunk(kGzip), gzip)}},
           true, kPlain);
}

TEST_F(CutAnswers, PX17_a_server_that_cut_one_is_not_used_again) {
    begin();
    for (const auto& cut : {sized("01234", 10), chunked(chunk("01234"))}) {
        client = dial();
        ask("GET", "\r\n");
        upstream.reset();
        arrives();
        answers(cut);
        upstream->close();
        EXPECT_TRUE(has(gets(""), "01234"));
        client = dial();
        ask("GET", "\r\n");
        upstream.reset();
        arrives();
        answers(sized("another", 7));
        EXPECT_TRUE(gets("another").ends_with("\r\n\r\nanother"));
    }
}

// An answer that ends with its connection, over TLS on both sides: only a close_notify ends it (RFC 8446 section 6.1).
struct CutOverTls : CutAnswers {
    std::optional<crypto::CertificateAuthority> ca;
    std::optional<net::TlsServerContext> identity;
    net::StreamPtr relay_in, relay_out;  // the server's end of the network, so that it can be cut

    void begin_tls() {
        crypto::CertificateAuthority::Options chosen;
        chosen.permitted_hosts = {"127.0.0.1"};
        chosen.now = clock.now();
        auto made = crypto::CertificateAuthority::make(chosen);
        ASSERT_TRUE(made);
        ca.emplace(std::move(*made));
        auto leaf = ca->mint("127.0.0.1", clock.now());
        ASSERT_TRUE(leaf);
        identity.emplace(std::move(*net::TlsServerContext::make(leaf->chain_pem, leaf->key_pem)));
        options.extra_ca_pem = ca->certificate_pem();
        scheme = "https";
        begin(true);
        net::TlsClientContext::Options trust;
        trust.extra_ca_pem = proxy->ca_certificate_pem();
        auto context = net::TlsClientContext::make(trust);
        ASSERT_TRUE(context);
        send(*client, "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n" + authorization + "\r\n");
        EXPECT_TRUE(gets().starts_with("HTTP/1.1 200 "));
        auto secured = loop.run_until(net::tls_connect(std::move(client), *context, "127.0.0.1", net::in(kPatience)));
        ASSERT_TRUE(secured) << secured.error().describe();
        client = std::move(*secured);
    }

    // The proxy's connection, led through a relay to a TLS server that the test is.
    void accept_tls() {
        auto behind = net::Listener::loopback(loop, 0);
        ASSERT_TRUE(behind);
        auto came = loop.run_until(listener->accept());
        ASSERT_TRUE(came);
        relay_in = std::move(*came);
        net::AddressPolicy policy;
        policy.allow_loopback = true;
        auto out = loop.run_until(net::connect_tcp(loop, {"127.0.0.1", behind->port()}, policy, net::in(kPatience)));
        ASSERT_TRUE(out);
        relay_out = std::move(*out);
        loop.spawn("relay", tunnel_between(loop, *relay_in, *relay_out, relayed));
        auto accepted = loop.run_until(behind->accept());
        ASSERT_TRUE(accepted);
        auto secured = loop.run_until(net::tls_accept(std::move(*accepted), *identity, net::in(kPatience)));
        ASSERT_TRUE(secured) << secured.error().describe();
        upstream = std::move(secured->stream);
    }
    TunnelCount relayed;
};

TEST_F(CutOverTls, PX17_an_end_without_close_notify_is_none) {
    for (const char* version : {"1.1", "1.0"}) {
        for (const bool notified : {true, false}) {
            SCOPED_TRACE(std::string(version) + (notified ? " with close_notify" : " without"));
            begin_tls();
            if (HasFatalFailure()) return;
            send(*client, "GET /x HTTP/" + std::string(version) + "\r\nHost: " + authority + "\r\n\r\n");
            accept_tls();
            if (HasFatalFailure()) return;
            arrives();
            answers("HTTP/1.0 200 OK\r\n\r\n0123456789");
            http::Connection reader(std::move(client), http::Limits());
            auto head = loop.run_until(reader.read_response_head("GET", net::in(kPatience)));
            ASSERT_TRUE(head) << head.error().describe();
            if (notified) upstream->close();
            else relay_in->close();
            const auto got = loop.run_until(whole_answer(reader, true));
            EXPECT_EQ(got.has_value(), notified) << (got ? *got : got.error().describe());
            if (notified && got) EXPECT_EQ(*got, "0123456789");
            upstream.reset();
            loop.run_until(loop.sleep(std::chrono::milliseconds(1)));  // the relay ends before its streams
            options = ProxyOptions{policy::Router({}), Unmatched::allow, {}, {}, {}, 256, {}};
        }
    }
}

}  // namespace
}  // namespace claviger::proxy
