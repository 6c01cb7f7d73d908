// Connection's reading half over a scripted stream.
#include <gtest/gtest.h>

#include "http/transcript_test_support.hpp"

namespace claviger::http {
namespace {

using base::ErrorCode;
using test::in_pieces;
using test::MemoryStream;
using test::split_at;
using test::transcript_of_requests;
using test::transcript_of_responses;
using test::Wire;

const net::Deadline kLater = net::in(std::chrono::minutes(10));

struct Reading : testing::Test {
    net::Loop loop;
    std::shared_ptr<Wire> wire = std::make_shared<Wire>();
    Limits limits;

    Connection connect(std::string_view text) {
        wire->pieces = in_pieces(text, 1 << 20);
        return Connection(std::make_unique<MemoryStream>(wire), limits);
    }
    static std::string request(const std::string& rest) { return "POST / HTTP/1.1\r\nHost: a.example\r\n" + rest; }
};

std::vector<std::string> representative_requests() {
    const std::string post = "POST /p HTTP/1.1\r\nHost: a.example\r\n";
    const std::string get = "GET /g HTTP/1.1\r\nHost: a.example\r\n\r\n";
    return {
        get,
        get + get,
        post + "Content-Length: 5\r\n\r\nhello" + get,
        post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n00a;x=\"y\\\"\"\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n" + get,
        post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX",
        post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 4\r\n\r\n",
        post + "Content-Length: 9\r\n\r\nhello",
        post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get,
        get + "GET / HTTP/1.1\nHost: a\n\n",
        get + "\r\n" + get,
        "GET / HTTP/1.0\r\nA: b\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n\x16\x03\x01",
        "GET /" + std::string(200, 'x') + " HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nB: " + std::string(300, 'x') + "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nB: 1\r\nC: 2\r\nD: 3\r\nE: 4\r\n\r\n",
    };
}

Limits small_limits() {
    Limits limits;
    limits.request_line = 128;
    limits.header_bytes = 256;
    limits.header_count = 4;
    return limits;
}

TEST_F(Reading, PX15_every_split_of_a_request_gives_the_same_result) {
    for (const std::string& text : representative_requests()) {
        const std::string whole = transcript_of_requests(loop, {text}, 4096, small_limits());
        for (std::size_t at = 0; at <= text.size(); ++at) {
            ASSERT_EQ(transcript_of_requests(loop, split_at(text, at), 4096, small_limits()), whole) << at << " " << text;
        }
        for (const std::size_t piece : {1u, 2u, 3u, 7u}) {
            for (const std::size_t space : {1u, 3u, 4096u}) {
                ASSERT_EQ(transcript_of_requests(loop, in_pieces(text, piece), space, small_limits()), whole)
                    << piece << " " << space << " " << text;
            }
        }
    }
}

TEST_F(Reading, PX17_every_split_of_a_response_gives_the_same_result) {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    for (const std::string& text :
         {ok + "Content-Length: 5\r\n\r\nhello" + ok + "\r\nrest", "HTTP/1.1 100 Continue\r\n\r\n" + ok + "\r\nto the end",
          ok + "Transfer-Encoding: chunked\r\n\r\n1;a\r\nx\r\n2\r\nyz\r\n0\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n",
          ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nxy", ok + "Content-Length: 50\r\n\r\nshort",
          std::string("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
          std::string("HTTP/1.1 101 Switching Protocols\r\n\r\nraw\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), ok + "A: b\n\r\n"}) {
        for (const char* method : {"GET", "HEAD"}) {
            const std::string whole = transcript_of_responses(loop, {text}, method, 4096);
            for (std::size_t at = 0; at <= text.size(); ++at) {
                ASSERT_EQ(transcript_of_responses(loop, split_at(text, at), method, 4096), whole) << at << " " << text;
            }
            ASSERT_EQ(transcript_of_responses(loop, in_pieces(text, 1), method, 1), whole) << text;
        }
    }
}

TEST_F(Reading, pipelined_requests_come_one_after_the_other) {
    auto connection = connect(request("Content-Length: 2\r\n\r\nab") + "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n");
    auto first = loop.run_until(connection.read_request_head(kLater));
    ASSERT_TRUE(first);
    EXPECT_FALSE(connection.body_complete());
    auto early = loop.run_until(connection.read_request_head(kLater));
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, ErrorCode::internal);
    std::string body(10, '-');
    auto got = loop.run_until(connection.read_body(body, kLater));
    ASSERT_TRUE(got);
    EXPECT_EQ(*got, 2u);
    EXPECT_TRUE(connection.body_complete());
    EXPECT_FALSE(connection.reusable()) << "bytes are unread";
    auto second = loop.run_until(connection.read_request_head(kLater));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->target, "/2");
    EXPECT_TRUE(connection.reusable());
    auto end = loop.run_until(connection.read_request_head(kLater));
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, ErrorCode::cancelled);
    EXPECT_EQ(connection.refusal_status(), 0);
    EXPECT_FALSE(connection.may_continue());
}

TEST_F(Reading, PX15_refusals_have_their_status) {
    struct Row {
        std::string text;
        int status;
        ErrorCode code;
    };
    limits = small_limits();
    const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
    for (const Row& row : std::vector<Row>{
             {"GET / HTTP/1.1\r\n\r\n", 400, ErrorCode::protocol},
             {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, ErrorCode::protocol},
             {"GET /" + std::string(200, 'a'), 414, ErrorCode::limit},
             {post + std::string(300, 'a'), 431, ErrorCode::limit},
             {post + "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n", 431, ErrorCode::limit},
             {"GET / HT", 0, ErrorCode::protocol},
             {"", 0, ErrorCode::cancelled},
         }) {
        auto connection = connect(row.text);
        auto head = loop.run_until(connection.read_request_head(kLater));
        ASSERT_FALSE(head) << row.text;
        EXPECT_EQ(head.error().code, row.code) << row.text;
        EXPECT_EQ(connection.refusal_status(), row.status) << row.text;
        EXPECT_FALSE(connection.may_continue());
        auto again = loop.run_until(connection.read_request_head(kLater));
        EXPECT_FALSE(again) << "nothing is resynchronised";
    }
}

TEST_F(Reading, a_slow_header_is_408_and_a_silent_peer_is_not) {
    wire->hangs = true;
    auto half = connect("GET / HTTP");
    auto head = loop.run_until(half.read_request_head(kLater));
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, ErrorCode::timeout);
    EXPECT_EQ(half.refusal_status(), 408);
    auto silent = connect("");
    head = loop.run_until(silent.read_request_head(kLater));
    ASSERT_FALSE(head);
    EXPECT_EQ(silent.refusal_status(), 0);
    EXPECT_FALSE(silent.received_any());
}

TEST_F(Reading, PX17_sixteen_interim_responses_and_no_more) {
    for (const int interims : {16, 17}) {
        std::string text;
        for (int i = 0; i < interims; ++i) text += "HTTP/1.1 103 Early Hints\r\n\r\n";
        auto connection = connect(text + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        int seen = 0;
        auto head = loop.run_until(connection.read_response_head("GET", kLater));
        while (head && head->status < 200) {
            ++seen;
            head = loop.run_until(connection.read_response_head("GET", kLater));
        }
        EXPECT_EQ(seen, 16);
        EXPECT_EQ(head.has_value(), interims == 16);
    }
}

TEST_F(Reading, may_continue_by_version_and_fields_and_framing) {
    struct Row {
        std::string text;
        const char* method;
        bool expected;
    };
    const std::string sized = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
    for (const Row& row : std::vector<Row>{
             {sized + "\r\n", "GET", true},
             {sized + "Connection: close\r\n\r\n", "GET", false},
             {sized + "Connection: x, CLOSE\r\n\r\n", "GET", false},
             {sized + "Connection: x\r\nConnection: ,close,\r\n\r\n", "GET", false},
             {sized + "Connection: closed\r\n\r\n", "GET", true},
             {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", false},
             {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", "GET", false},
             {"HTTP/1.1 200 OK\r\n\r\n", "GET", false},
             {"HTTP/1.1 200 OK\r\n\r\n", "HEAD", true},
             {"HTTP/1.1 204 No Content\r\n\r\n", "GET", true},
             {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "GET", true},
             {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "GET", false},
             {"HTTP/1.1 200 OK\r\n\r\n", "CONNECT", false},
         }) {
        auto connection = connect(row.text);
        auto head = loop.run_until(connection.read_response_head(row.method, kLater));
        ASSERT_TRUE(head) << row.text;
        EXPECT_EQ(connection.may_continue(), row.expected) << row.method << " " << row.text;
    }
}

TEST_F(Reading, PX18_bytes_behind_an_answer_make_a_connection_unfit) {
    auto connection = connect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    wire->pieces.back() += "HTTP/1.1 200 OK\r\n\r\n";
    auto head = loop.run_until(connection.read_response_head("HEAD", kLater));
    ASSERT_TRUE(head);
    EXPECT_TRUE(connection.body_complete());
    EXPECT_TRUE(connection.may_continue());
    EXPECT_FALSE(connection.reusable());
}

TEST_F(Reading, a_tunnel_takes_the_stream_only_when_nothing_came_early) {
    const std::string connect_text = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
    auto clean = connect(connect_text);
    ASSERT_TRUE(loop.run_until(clean.read_request_head(kLater)));
    auto stream = clean.release();
    ASSERT_TRUE(stream);
    EXPECT_NE(*stream, nullptr);
    EXPECT_FALSE(clean.may_continue());
    auto eager = connect(connect_text + "\x16\x03\x01");
    ASSERT_TRUE(loop.run_until(eager.read_request_head(kLater)));
    auto refused = eager.release();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::protocol);
}

TEST_F(Reading, large_headers_and_bodies_pass_through_the_growing_buffer) {
    const std::string filler(60'000, 'f');
    const std::string body(300'000, 'b');
    std::string chunked;
    for (std::size_t at = 0; at < body.size(); at += 30'000) chunked += "7530\r\n" + body.substr(at, 30'000) + "\r\n";
    const std::string head = request("X: " + filler + "\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string whole = transcript_of_requests(loop, {head + chunked + "0\r\n\r\n"}, 16'384);
    EXPECT_NE(whole.find("body [" + body + "] complete true"), std::string::npos);
    EXPECT_NE(whole.find("[" + filler + "]"), std::string::npos);
}

}  // namespace
}  // namespace claviger::http
