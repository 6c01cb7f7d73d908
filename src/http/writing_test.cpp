// Connection's writing half over a scripted stream, and that what is written is what is read again.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "http/transcript_test_support.hpp"

namespace claviger::http {
namespace {

using base::ErrorCode;
using Kind = BodyFraming::Kind;
using test::MemoryStream;
using test::Wire;

const net::Deadline kLater = net::in(std::chrono::minutes(10));

RequestHead request(const std::string& method, BodyFraming framing) {
    RequestHead head;
    head.method = method;
    head.target = "/x";
    head.fields.add("Host", "a.example");
    head.framing = framing;
    return head;
}
ResponseHead response(int status, BodyFraming framing) {
    ResponseHead head;
    head.status = status;
    head.reason = "R";
    head.framing = framing;
    return head;
}

struct Writing : testing::Test {
    net::Loop loop;
    std::shared_ptr<Wire> wire = std::make_shared<Wire>();
    Connection connection{std::make_unique<MemoryStream>(wire), Limits{}};

    void reset() {
        wire = std::make_shared<Wire>();
        connection = Connection(std::make_unique<MemoryStream>(wire), Limits{});
    }
    // Makes the connection a server's that has read this request.
    void receive(const std::string& text) {
        reset();
        wire->pieces = {text};
        ASSERT_TRUE(loop.run_until(connection.read_request_head(kLater)));
    }
    template <class Head>
    base::Result<void> write(Head head, std::string_view body = {}) {
        return loop.run_until(connection.write_head(std::move(head), body, kLater));
    }
    template <class Head>
    base::Result<void> write_message(Head head, std::string_view body) {
        return loop.run_until(connection.write_message(std::move(head), body, kLater));
    }
    base::Result<void> body(std::string_view bytes) { return loop.run_until(connection.write_body(bytes, kLater)); }
    base::Result<void> finish() { return loop.run_until(connection.finish_body(kLater)); }
};

TEST_F(Writing, head_and_first_body_are_one_write) {
    ASSERT_TRUE(write(request("POST", {Kind::length, 5}), "hello"));
    EXPECT_EQ(wire->written, "POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(wire->writes.size(), 1u);
    ASSERT_TRUE(finish());
    EXPECT_TRUE(connection.reusable());
}

TEST_F(Writing, each_piece_of_a_chunked_body_is_one_write) {
    ASSERT_TRUE(write(request("POST", {Kind::chunked, 0}), "hello"));
    ASSERT_TRUE(body(""));
    ASSERT_TRUE(body(std::string(16, 'x')));
    EXPECT_FALSE(connection.reusable());
    ASSERT_TRUE(finish());
    ASSERT_TRUE(finish()) << "a second end is ignored";
    EXPECT_EQ(wire->written,
              "POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
              "10\r\nxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
    EXPECT_EQ(wire->writes.size(), 3u);
    EXPECT_TRUE(connection.reusable());
}

TEST_F(Writing, a_whole_chunked_message_is_one_write) {
    ASSERT_TRUE(write_message(response(200, {Kind::chunked, 0}), "hi"));
    EXPECT_EQ(wire->written, "HTTP/1.1 200 R\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
    EXPECT_EQ(wire->writes.size(), 1u);
}

TEST_F(Writing, trailers_stand_behind_a_chunked_body_alone) {
    Fields trailers;
    trailers.add("X-Checksum", "12");
    trailers.add("Content-Length", "5");  // framing is never copied
    ASSERT_TRUE(write(response(200, {Kind::chunked, 0}), "hi"));
    ASSERT_TRUE(loop.run_until(connection.finish_body(trailers, kLater)));
    EXPECT_EQ(wire->written, "HTTP/1.1 200 R\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Checksum: 12\r\n\r\n");

    reset();
    ASSERT_TRUE(write(response(200, {Kind::length, 2}), "hi"));
    ASSERT_TRUE(loop.run_until(connection.finish_body(trailers, kLater)));
    EXPECT_EQ(wire->written, "HTTP/1.1 200 R\r\nContent-Length: 2\r\n\r\nhi");

    reset();
    Fields broken;
    broken.add("X-A", "1\r\nX-B: 2");
    ASSERT_TRUE(write(response(200, {Kind::chunked, 0}), "hi"));
    EXPECT_FALSE(loop.run_until(connection.finish_body(broken, kLater)));
    EXPECT_FALSE(connection.may_continue());
}

TEST_F(Writing, large_chunks_are_not_copied_and_come_whole) {
    const std::string large(100'000, 'l');
    ASSERT_TRUE(write(response(200, {Kind::chunked, 0}), large));
    ASSERT_TRUE(body(large));
    ASSERT_TRUE(finish());
    const std::string text = test::transcript_of_responses(loop, {wire->written}, "GET", 5000);
    EXPECT_NE(text.find("body [" + large + large + "] complete true"), std::string::npos);
}

TEST_F(Writing, a_length_is_kept) {
    ASSERT_TRUE(write(response(200, {Kind::length, 3}), "ab"));
    auto longer = body("cd");
    ASSERT_FALSE(longer);
    EXPECT_EQ(longer.error().code, ErrorCode::internal);
    auto end = finish();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, ErrorCode::protocol);
    EXPECT_FALSE(connection.may_continue());

    reset();
    EXPECT_FALSE(write(response(200, {Kind::length, 3}), "abcd"));
    EXPECT_EQ(wire->written, "");
    reset();
    EXPECT_FALSE(write_message(response(200, {Kind::length, 3}), "ab"));
    EXPECT_EQ(wire->written, "");
    reset();
    EXPECT_FALSE(write(request("GET", {}), "body of a message that announces none"));
    EXPECT_EQ(wire->written, "");
}

TEST_F(Writing, PX16_received_framing_fields_are_not_copied) {
    RequestHead head = request("POST", {Kind::length, 1});
    head.fields.add("Content-Length", "99");
    head.fields.add("transfer-encoding", "chunked");
    head.fields.add("Content_Length", "98");
    ASSERT_TRUE(write(std::move(head), "x"));
    EXPECT_EQ(wire->written, "POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\n\r\nx");
}

TEST_F(Writing, PX12_nothing_that_could_split_a_message_is_written) {
    const std::vector<std::pair<std::string, std::string>> bad_fields = {
        {"A", "b\r\nC: d"}, {"A", "b\n"},  {"A", "b\r"}, {"A", std::string("b\0", 2)}, {"A", " b"}, {"A", "b "},
        {"A", "b\x7f"},     {"A\r\nB", "c"}, {"", "b"},    {"A ", "b"},                  {"A:", "b"}, {"Host", "b.example"},
    };
    for (const auto& [name, value] : bad_fields) {
        reset();
        RequestHead head = request("GET", {});
        head.fields.add(name, value);
        auto written = write(std::move(head));
        ASSERT_FALSE(written) << name;
        EXPECT_EQ(written.error().code, ErrorCode::invalid_input);
        EXPECT_EQ(wire->written, "");
    }
    for (const char* target : {"", "x", "/a b", "/a\r\nHost: evil", "/a#b", "*", "/\xc3\xa9", "http://b.example/"}) {
        reset();
        RequestHead head = request("GET", {});
        head.target = target;
        EXPECT_FALSE(write(std::move(head))) << target;
        EXPECT_EQ(wire->written, "");
    }
    for (const char* method : {"", "G T", "GET\r\n", "G:"}) {
        reset();
        EXPECT_FALSE(write(request(method, {}))) << method;
    }
    RequestHead no_host = request("GET", {});
    no_host.fields.remove("host");
    EXPECT_FALSE(write(std::move(no_host)));
    EXPECT_FALSE(write(request("GET", {Kind::until_close, 0})));
    EXPECT_FALSE(write(response(99, {})));
    EXPECT_FALSE(write(response(600, {})));
    ResponseHead phrase = response(200, {});
    phrase.reason = "OK\r\nSet-Cookie: a=b";
    ASSERT_TRUE(write(std::move(phrase)));
    EXPECT_EQ(wire->written, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
}

TEST_F(Writing, an_absent_body_is_said_aloud_where_it_would_surprise) {
    for (const char* method : {"POST", "PUT", "PATCH"}) {
        reset();
        ASSERT_TRUE(write(request(method, {})));
        EXPECT_NE(wire->written.find("Content-Length: 0\r\n"), std::string::npos) << method;
    }
    reset();
    ASSERT_TRUE(write(request("GET", {})));
    EXPECT_EQ(wire->written, "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
}

TEST_F(Writing, responses_mind_the_request) {
    struct Row {
        std::string text;
        ResponseHead head;
        std::string expected;
        bool continues;
    };
    const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string old = "GET / HTTP/1.0\r\n\r\n";
    const std::string closing = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const std::string tunnel = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n";
    for (const Row& row : std::vector<Row>{
             {get, response(200, {Kind::length, 2}), "HTTP/1.1 200 R\r\nContent-Length: 2\r\n\r\nhi", true},
             {head, response(200, {Kind::length, 2}), "HTTP/1.1 200 R\r\nContent-Length: 2\r\n\r\n", true},
             {head, response(200, {Kind::chunked, 0}), "HTTP/1.1 200 R\r\nTransfer-Encoding: chunked\r\n\r\n", true},
             {get, response(304, {Kind::length, 2}), "HTTP/1.1 304 R\r\nContent-Length: 2\r\n\r\n", true},
             {get, response(200, {Kind::until_close, 0}), "HTTP/1.1 200 R\r\nConnection: close\r\n\r\nhi", false},
             {old, response(200, {Kind::chunked, 0}), "HTTP/1.1 200 R\r\nConnection: close\r\n\r\nhi", false},
             {old, response(200, {Kind::length, 2}), "HTTP/1.1 200 R\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", false},
             {closing, response(200, {Kind::length, 2}), "HTTP/1.1 200 R\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", false},
         }) {
        receive(row.text);
        ASSERT_TRUE(write_message(row.head, "hi")) << row.text;
        EXPECT_EQ(wire->written, row.expected);
        EXPECT_EQ(connection.may_continue(), row.continues) << row.expected;
    }
    receive(get);
    ASSERT_TRUE(write(response(204, {})));
    EXPECT_EQ(wire->written, "HTTP/1.1 204 R\r\n\r\n");
    receive(tunnel);
    ASSERT_TRUE(write(response(200, {})));
    EXPECT_EQ(wire->written, "HTTP/1.1 200 R\r\n\r\n");
    EXPECT_FALSE(connection.may_continue());
    receive(get);
    ASSERT_TRUE(write(response(100, {})));
    ASSERT_TRUE(write(response(200, {Kind::length, 0})));
    EXPECT_EQ(wire->written, "HTTP/1.1 100 R\r\n\r\nHTTP/1.1 200 R\r\nContent-Length: 0\r\n\r\n");
    receive(old);
    ASSERT_TRUE(write(response(100, {})));
    EXPECT_EQ(wire->written, "") << "HTTP/1.0 knows no interim response";
    receive(get);
    ASSERT_TRUE(write(response(101, {}), "raw"));
    ASSERT_TRUE(body("more"));
    EXPECT_EQ(wire->written, "HTTP/1.1 101 R\r\n\r\nrawmore");
    EXPECT_FALSE(connection.may_continue());
}

// Where the end of the connection is the end of the body, only its writer may end it: not close(), not the end of the object.
TEST_F(Writing, PX17_a_body_that_ends_with_its_connection_is_cut_visibly) {
    for (const bool whole : {false, true}) {
        for (const bool closes : {false, true}) {
            receive("GET / HTTP/1.0\r\n\r\n");
            ASSERT_TRUE(write(response(200, {Kind::until_close, 0})));
            ASSERT_TRUE(body("half"));
            if (whole) ASSERT_TRUE(finish());
            const auto kept = wire;
            if (closes) connection.close();
            else { [[maybe_unused]] const Connection gone(std::move(connection)); }
            EXPECT_EQ(kept->aborted, !whole) << (closes ? "close()" : "destroyed");
        }
    }
}

TEST_F(Writing, a_refusal_can_be_written_after_a_bad_request) {
    reset();
    wire->pieces = {"GET / HTTP/1.1\r\n\r\n"};
    ASSERT_FALSE(loop.run_until(connection.read_request_head(kLater)));
    ASSERT_TRUE(write_message(response(connection.refusal_status(), {}), ""));
    EXPECT_EQ(wire->written, "HTTP/1.1 400 R\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_F(Writing, heads_and_bodies_keep_their_order) {
    ASSERT_TRUE(write(response(200, {Kind::length, 3})));
    EXPECT_FALSE(write(response(200, {Kind::length, 3}))) << "the first body is not finished";
    ASSERT_TRUE(body("abc"));
    EXPECT_FALSE(body("d"));
    ASSERT_TRUE(write(response(200, {Kind::length, 0})));
    reset();
    wire->fails_writes = true;
    EXPECT_FALSE(write(response(200, {Kind::length, 0})));
    EXPECT_FALSE(connection.may_continue());
    wire->fails_writes = false;
    EXPECT_FALSE(write(response(200, {Kind::length, 0}))) << "after a failed write nothing more is written";
}

// Generators of what may be written.
std::string text_of(std::string_view alphabet, std::size_t least) {
    const auto size = *rc::gen::inRange<std::size_t>(least, 20);
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += alphabet[*rc::gen::inRange<std::size_t>(0, alphabet.size())];
    return text;
}

Fields any_fields() {
    Fields fields;
    fields.add("Host", "a.example");
    const auto count = *rc::gen::inRange(0, 6);
    for (int i = 0; i < count; ++i) {
        const std::string value = text_of("abz019:;,=\"\\()[]{}\x80\xff~ \t", 0);
        const std::size_t from = value.find_first_not_of(" \t");
        const std::size_t to = value.find_last_not_of(" \t");
        fields.add("X-" + text_of("abcXYZ09-_.!#$%&'*+^`|~", 1),
                   from == std::string::npos ? "" : value.substr(from, to - from + 1));
    }
    return fields;
}

bool same_fields(const Fields& written, const Fields& read) {
    for (std::size_t i = 0; i < written.items().size(); ++i) {
        if (written.items()[i].name != read.items()[i].name || written.items()[i].value != read.items()[i].value) return false;
    }
    return true;
}

RC_GTEST_PROP(RoundTrip, PX16_a_written_request_is_read_as_the_same, ()) {
    net::Loop loop;
    auto wire = std::make_shared<Wire>();
    Connection writer(std::make_unique<MemoryStream>(wire), Limits{});
    RequestHead head;
    head.method = text_of("ABCabc-.!", 1);
    head.target = "/" + text_of("abc/?&=%09-._~!$'()*+,;:@[]{}|^`\"<>", 0);
    head.fields = any_fields();
    const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::arbitrary<std::string>());
    std::string body;
    for (const std::string& piece : pieces) body += piece;
    if (*rc::gen::arbitrary<bool>()) {
        head.framing = {Kind::chunked, 0};
    } else {
        head.framing = {Kind::length, body.size()};
    }
    RC_ASSERT(loop.run_until(writer.write_head(head, "", kLater)).has_value());
    for (const std::string& piece : pieces) RC_ASSERT(loop.run_until(writer.write_body(piece, kLater)).has_value());
    RC_ASSERT(loop.run_until(writer.finish_body(kLater)).has_value());
    RC_ASSERT(writer.may_continue());

    auto back = std::make_shared<Wire>();
    back->pieces = test::in_pieces(wire->written, *rc::gen::inRange<std::size_t>(1, 50));
    Connection reader(std::make_unique<MemoryStream>(back), Limits{});
    auto read = loop.run_until(reader.read_request_head(kLater));
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->method == head.method);
    RC_ASSERT(read->target == head.target);
    RC_ASSERT(read->fields.items().size() == head.fields.items().size() + 1);  // the framing field
    RC_ASSERT(same_fields(head.fields, read->fields));
    RC_ASSERT(read->framing.kind == head.framing.kind);
    bool failed = false;
    const std::string text = loop.run_until(test::body_transcript(reader, 17, failed));
    RC_ASSERT(text == "body [" + body + "] complete true continue true\n");
    RC_ASSERT(back->pieces.empty());
}

RC_GTEST_PROP(RoundTrip, PX16_a_written_response_is_read_as_the_same, ()) {
    net::Loop loop;
    auto wire = std::make_shared<Wire>();
    Connection writer(std::make_unique<MemoryStream>(wire), Limits{});
    ResponseHead head;
    head.status = *rc::gen::inRange(200, 600);
    head.reason = text_of("abc \t\xc3", 0);
    head.fields = any_fields();
    const std::string body = head.status == 204 || head.status == 304 ? "" : *rc::gen::arbitrary<std::string>();
    const int kind = *rc::gen::inRange(0, 3);
    head.framing = {kind == 0 ? Kind::chunked : kind == 1 ? Kind::length : Kind::until_close, body.size()};
    RC_ASSERT(loop.run_until(writer.write_message(head, body, kLater)).has_value());

    auto back = std::make_shared<Wire>();
    back->pieces = test::in_pieces(wire->written, *rc::gen::inRange<std::size_t>(1, 50));
    Connection reader(std::make_unique<MemoryStream>(back), Limits{});
    auto read = loop.run_until(reader.read_response_head("GET", kLater));
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->status == head.status);
    RC_ASSERT(read->reason == head.reason);
    RC_ASSERT(same_fields(head.fields, read->fields));
    bool failed = false;
    const std::string text = loop.run_until(test::body_transcript(reader, 17, failed));
    RC_ASSERT(text.starts_with("body [" + body + "] complete true"));
}

}  // namespace
}  // namespace claviger::http
