// The table of responses that must be refused (PX-17): read as strictly as requests, since a response that two
// readers understand differently poisons the connection for the next request.
#include <gtest/gtest.h>

#include "http/codec.hpp"

namespace claviger::http {
namespace {

using namespace std::string_literals;

struct Row {
    std::string text;
    const char* why;
    const char* method = "GET";
};

const std::string kOk = "HTTP/1.1 200 OK\r\n";

std::vector<Row> rows() {
    const char* te = "transfer-encoding is not chunked";
    const char* cl = "content-length is not a number";
    const char* both = "both content-length and transfer-encoding";
    const char* first = "first line is malformed";
    const char* line = "status line is malformed";
    const char* code = "status code is not valid";
    const char* byte = "forbidden byte";
    const char* name = "name is malformed";
    const char* body = "cannot have a body announces one";
    const char* lf = "without carriage return";
    std::vector<Row> table = {
        {kOk + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", both},
        {kOk + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", both},
        {kOk + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "is repeated"},
        {kOk + "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", "content-length is repeated"},
        {kOk + "Content-Length: 3\r\ncontent-length: 4\r\n\r\n", "content-length is repeated"},
        {kOk + "Content_Length: 3\r\n\r\n", "spelled with '_'"},
        {kOk + "Transfer_Encoding: chunked\r\n\r\n", "spelled with '_'"},
        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0"},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", body},
        {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", body},
        {"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n", body},
        {"HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n", body},
        {"HTTP/1.1 103 Early Hints\r\nContent-Length: 1\r\n\r\n", body},
        {"HTTP/1.1 101 Switching\r\nContent-Length: 1\r\n\r\n", body},
        {"HTTP/1.1 101 Switching\r\nTransfer-Encoding: chunked\r\n\r\n", body},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n\r\n", cl},
        {kOk + "Content-Length: 3, 3\r\n\r\n", cl, "HEAD"},
        {kOk + "Transfer-Encoding: gzip\r\n\r\n", te, "HEAD"},
        {kOk + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", both, "HEAD"},
        {"HTTP/1.1 407 Auth\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", both, "CONNECT"},
        {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", lf},
        {"HTTP/1.1 200 OK\r\nA: b\n\r\n", lf},
        {"HTTP/1.1 200 OK\r\nA: b\r\n\n", lf},
        {kOk + "A: b\rC: d\r\n\r\n", byte},
        {kOk + "A: b\0\r\n\r\n"s, byte},
        {kOk + "A: b\x7f\r\n\r\n", byte},
        {kOk + "A: b\x0b\r\n\r\n", byte},
        {kOk + "A: b\x1b[2J\r\n\r\n", byte},
        {"HTTP/1.1 200 O\x01K\r\n\r\n", byte},
        {"HTTP/1.1 200 O\rK\r\n\r\n", byte},
        {"HTTP/1.1 200 O\0K\r\n\r\n"s, byte},
        {"HTTP/1.1 200 OK\r\r\n\r\n", byte},
        {kOk + "A: b\r\n c\r\n\r\n", "folded"},
        {kOk + "A: b\r\n\tc\r\n\r\n", "folded"},
        {kOk + " A: b\r\n\r\n", "folded"},
        {kOk + "Transfer-Encoding:\r\n chunked\r\n\r\n", "folded"},
        {kOk + "A : b\r\n\r\n", name},
        {kOk + "Content-Length : 5\r\n\r\n", name},
        {kOk + "Transfer-Encoding\t: chunked\r\n\r\n", name},
        {kOk + ": b\r\n\r\n", name},
        {kOk + "A B: c\r\n\r\n", name},
        {kOk + "A\xc3\xa9: c\r\n\r\n", name},
        {kOk + "A\0B: c\r\n\r\n"s, name},
        {kOk + "A(B): c\r\n\r\n", name},
        {kOk + "nonsense\r\n\r\n", "no colon"},
        {kOk + "HTTP/1.1 200 OK\r\n\r\n", "no colon"},
        {"HTTP/0.9 200 OK\r\n\r\n", "not supported"},
        {"HTTP/1.2 200 OK\r\n\r\n", "not supported"},
        {"HTTP/2.0 200 OK\r\n\r\n", "not supported"},
        {"HTTP/2 200\r\n\r\n", line},
        {"http/1.1 200 OK\r\n\r\n", first},
        {"HTTPS1.1 200 OK\r\n\r\n", first},
        {"HTTP/1,1 200 OK\r\n\r\n", first},
        {"HTTP/a.b 200 OK\r\n\r\n", first},
        {"HTTP/11. 200 OK\r\n\r\n", first},
        {"ICY 200 OK\r\n\r\n", line},
        {"HTTP/1.1\r\n\r\n", line},
        {"HTTP/1.1 \r\n\r\n", line},
        {"HTTP/1.1 20\r\n\r\n", line},
        {"HTTP/1.1  200 OK\r\n\r\n", code},
        {"HTTP/1.1\t200 OK\r\n\r\n", line},
        {"HTTP/1.10 200 OK\r\n\r\n", line},
        {"HTTP/1.1 2000 OK\r\n\r\n", line},
        {"HTTP/1.1 200OK\r\n\r\n", line},
        {"HTTP/1.1 200\tOK\r\n\r\n", line},
        {"HTTP/1.1 099 OK\r\n\r\n", code},
        {"HTTP/1.1 000 OK\r\n\r\n", code},
        {"HTTP/1.1 600 OK\r\n\r\n", code},
        {"HTTP/1.1 999 OK\r\n\r\n", code},
        {"HTTP/1.1 +20 OK\r\n\r\n", code},
        {"HTTP/1.1 2x0 OK\r\n\r\n", code},
        {"HTTP/1.1 OK OK\r\n\r\n", code},
        {"\r\nHTTP/1.1 200 OK\r\n\r\n", "not HTTP"},
        {" HTTP/1.1 200 OK\r\n\r\n", "not HTTP"},
        {"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"s, "not HTTP"},
        {"<html>\r\n\r\n", "not HTTP"},
        {"SSH-2.0-x\r\n\r\n", line},
        {kOk, "incomplete"},
        {"", "incomplete"},
        {kOk + "\r\nbody", "bytes behind"},
    };
    for (const char* value : {"xchunked", "chunked, gzip", "gzip, chunked", "identity", "chunked;a", "", "chunked,"}) {
        table.push_back({kOk + "Transfer-Encoding: " + value + "\r\n\r\n", te});
    }
    for (const char* value : {"+3", "-3", "0x3", "3,3", "3 3", "", "9223372036854775808", "99999999999999999999"}) {
        table.push_back({kOk + "Content-Length: " + value + "\r\n\r\n", cl});
    }
    return table;
}

TEST(HostileResponse, PX17_table) {
    EXPECT_GE(rows().size(), 80u);
    for (const Row& row : rows()) {
        const auto head = parse_response_head(row.text, row.method, Limits{});
        ASSERT_FALSE(head) << ::testing::PrintToString(row.text);
        EXPECT_EQ(head.error().code, base::ErrorCode::protocol);
        EXPECT_NE(head.error().message.find(row.why), std::string::npos)
            << ::testing::PrintToString(row.text) << " was refused because " << head.error().message;
    }
}

TEST(Response, ordinary_messages_are_read) {
    using Kind = BodyFraming::Kind;
    struct Good {
        std::string text;
        const char* method;
        int status;
        Kind kind;
        std::uint64_t length;
    };
    const std::vector<Good> good = {
        {kOk + "\r\n", "GET", 200, Kind::until_close, 0},
        {"HTTP/1.0 200 OK\r\n\r\n", "GET", 200, Kind::until_close, 0},
        {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "GET", 200, Kind::length, 0},
        {"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", "GET", 200, Kind::length, 5},
        {"HTTP/1.1 404 N\xc3\xb6 such\tthing\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", 404, Kind::chunked, 0},
        {"HTTP/1.1 204 No Content\r\n\r\n", "GET", 204, Kind::none, 0},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "GET", 204, Kind::none, 0},
        {"HTTP/1.1 304 Not Modified\r\n\r\n", "GET", 304, Kind::none, 0},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "GET", 304, Kind::length, 9},
        {kOk + "\r\n", "HEAD", 200, Kind::none, 0},
        {kOk + "Content-Length: 1234\r\n\r\n", "HEAD", 200, Kind::length, 1234},
        {"HTTP/1.1 100 Continue\r\n\r\n", "POST", 100, Kind::none, 0},
        {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "GET", 103, Kind::none, 0},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "GET", 101, Kind::until_close, 0},
        {"HTTP/1.1 200 Connection established\r\nTransfer-Encoding: junk\r\n\r\n", "CONNECT", 200, Kind::none, 0},
        {"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\n", "CONNECT", 407, Kind::length, 2},
    };
    for (const Good& row : good) {
        const auto head = parse_response_head(row.text, row.method, Limits{});
        ASSERT_TRUE(head) << ::testing::PrintToString(row.text) << head.error().message;
        EXPECT_EQ(head->status, row.status);
        EXPECT_EQ(head->framing.kind, row.kind) << ::testing::PrintToString(row.text);
        EXPECT_EQ(head->framing.length, row.length) << ::testing::PrintToString(row.text);
    }
}

}  // namespace
}  // namespace claviger::http
