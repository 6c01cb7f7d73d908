#include "http2/translation.hpp"

#include <gtest/gtest.h>

namespace claviger::http2 {
namespace {

using Kind = http::BodyFraming::Kind;
using Lines = std::vector<std::pair<std::string, std::string>>;

http::Fields fields_of(const Lines& lines) {
    http::Fields fields;
    for (const auto& [name, value] : lines) fields.add(name, value);
    return fields;
}

Lines lines_of(const http::Fields& fields) {
    Lines lines;
    for (const auto& field : fields.items()) lines.emplace_back(field.name, std::string(field.value));
    return lines;
}

Lines request_with(const Lines& more, const std::string& method = "POST", const std::string& path = "/a.B/C?d") {
    Lines all{{":method", method}, {":scheme", "https"}, {":authority", "api.acme.com"}, {":path", path}};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

TEST(Translation, a_request_and_back) {
    const auto made = request_from(fields_of(request_with({{"content-type", "application/grpc"}, {"te", "trailers"}, {"cookie", "a=1"}, {"cookie", "b=2"}, {"x", ""}})), false);
    ASSERT_TRUE(made) << made.error().describe();
    EXPECT_EQ(made->method + " " + made->target, "POST /a.B/C?d");
    EXPECT_EQ(made->framing.kind, Kind::chunked);
    EXPECT_EQ(lines_of(made->fields), (Lines{{"content-type", "application/grpc"}, {"x", ""}, {"cookie", "a=1; b=2"}, {"Host", "api.acme.com"}, {"TE", "trailers"}, {"Connection", "TE"}}));
    EXPECT_EQ(lines_of(request_of(*made)), request_with({{"content-type", "application/grpc"}, {"x", ""}, {"cookie", "a=1; b=2"}, {"te", "trailers"}}));
}

TEST(Translation, how_long_a_request_is) {
    const struct { Lines more; bool ended; Kind kind; std::uint64_t length; } rows[] = {
        {{}, true, Kind::none, 0}, {{}, false, Kind::chunked, 0}, {{{"content-length", "7"}}, false, Kind::length, 7}, {{{"content-length", "0"}}, true, Kind::length, 0},
    };
    for (const auto& row : rows) {
        const auto made = request_from(fields_of(request_with(row.more)), row.ended);
        ASSERT_TRUE(made);
        EXPECT_EQ(made->framing.kind, row.kind);
        EXPECT_EQ(made->framing.length, row.length);
        EXPECT_EQ(made->fields.count("content-length"), 0U);
    }
}

TEST(Translation, PX19_what_would_be_two_messages_is_none) {
    const std::vector<Lines> bad = {
        {}, {{":method", "GET"}}, request_with({}, "GE T"), request_with({}, ""), request_with({}, "GET / HTTP/1.1\r\nX: y"), request_with({}, "GET", ""), request_with({}, "GET", "*"),
        request_with({}, "GET", "a"), request_with({}, "GET", "/ HTTP/1.1"), request_with({}, "GET", "/\r\nX: y"), request_with({}, "GET", "/\x7f"), request_with({}, "GET", "/\xc3\xa4"),
        request_with({}, "GET", "http://other/"), request_with({{"host", "evil.example"}}), request_with({{"content-length", "1"}, {"content-length", "1"}}),
        request_with({{"content-length", "+1"}}), request_with({{"content-length", "1, 1"}}), request_with({{"content-length", ""}}), request_with({{"content-length", "99999999999999999999"}}),
        {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}}, {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}},
        {{":method", "GET"}, {":scheme", "https"}, {":authority", "a b"}, {":path", "/"}}, {{":method", "GET"}, {":scheme", "https"}, {":authority", ""}, {":path", "/"}},
        {{":method", "GET"}, {":scheme", "https"}, {":authority", "u@a"}, {":path", "/"}}, {{":method", "GET"}, {":scheme", "https"}, {":authority", "a:1:2"}, {":path", "/"}}, request_with({}, "GET", "/a#b"),
    };
    for (const auto& lines : bad) {
        const auto made = request_from(fields_of(lines), true);
        EXPECT_FALSE(made) << (lines.size() > 3 ? lines[0].second + " " + lines[3].second : "");
    }
    const auto proxied = request_from(fields_of(request_with({{"proxy-authorization", "x"}, {"te", "Trailers"}})), true);
    ASSERT_TRUE(proxied);
    EXPECT_EQ(lines_of(proxied->fields), (Lines{{"Host", "api.acme.com"}, {"TE", "trailers"}, {"Connection", "TE"}}));
}

// RFC 9113 section 8.2.2.
TEST(Translation, PX19_what_belongs_to_a_connection_makes_a_message_malformed) {
    for (const auto& [name, value] : Lines{{"connection", "x-a"}, {"Connection", "close"}, {"keep-alive", "1"}, {"proxy-connection", "keep-alive"}, {"transfer-encoding", "chunked"},
                                           {"transfer-encoding", ""}, {"upgrade", "h2c"}, {"te", "gzip"}, {"te", "trailers, gzip"}, {"te", ""}}) {
        EXPECT_FALSE(request_from(fields_of(request_with({{name, value}})), true)) << name << ": " << value;
        EXPECT_FALSE(request_from(fields_of(request_with({{"te", "trailers"}, {name, value}})), true)) << name << ": " << value;
        EXPECT_FALSE(answer_from(fields_of({{":status", "200"}, {name, value}}), true, "GET")) << name << ": " << value;
    }
}

TEST(Translation, answers_both_ways) {
    const struct { Lines head; bool ended; std::string method; Kind kind; std::uint64_t length; } rows[] = {
        {{{":status", "200"}}, false, "GET", Kind::chunked, 0}, {{{":status", "200"}}, true, "GET", Kind::length, 0}, {{{":status", "200"}, {"content-length", "5"}}, false, "GET", Kind::length, 5},
        {{{":status", "200"}, {"content-length", "5"}}, true, "HEAD", Kind::length, 5}, {{{":status", "304"}}, true, "GET", Kind::none, 0}, {{{":status", "204"}}, true, "GET", Kind::none, 0},
        {{{":status", "103"}, {"link", "x"}}, false, "GET", Kind::none, 0},
    };
    for (const auto& row : rows) {
        const auto made = answer_from(fields_of(row.head), row.ended, row.method);
        ASSERT_TRUE(made) << made.error().describe();
        EXPECT_EQ(made->framing.kind, row.kind) << row.head[0].second;
        EXPECT_EQ(made->framing.length, row.length) << row.head[0].second;
        EXPECT_EQ(answer_of(*made).find(":status"), row.head[0].second);
    }
    for (const auto* status : {"", "20", "2000", "abc", "101", "099", "-20"}) EXPECT_FALSE(answer_from(fields_of({{":status", status}}), true, "GET")) << status;
    EXPECT_FALSE(answer_from(fields_of({{"server", "x"}}), true, "GET"));
    http::ResponseHead head;
    head.status = 200;
    head.fields = fields_of({{"Content-Type", "a"}, {"Connection", "close"}, {"Transfer-Encoding", "chunked"}, {"X-B", "1"}});
    EXPECT_EQ(lines_of(answer_of(head)), (Lines{{":status", "200"}, {"content-type", "a"}, {"x-b", "1"}}));
    EXPECT_EQ(lines_of(trailers_of(fields_of({{"Grpc-Status", "0"}, {"Connection", "x"}}))), (Lines{{"grpc-status", "0"}}));
}

}  // namespace
}  // namespace claviger::http2
