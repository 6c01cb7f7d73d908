// Both sides against each other: HTTP/1.1 at either end, HTTP/2 in between.
#include <gtest/gtest.h>

#include <optional>

#include "http/codec.hpp"
#include "http2/client.hpp"
#include "http2/server.hpp"
#include "net/pipe.hpp"

namespace claviger::http2 {
namespace {

using net::Task;
using Kind = http::BodyFraming::Kind;

constexpr std::chrono::seconds kPatience{20};

// What a request becomes, and what is answered.
struct Seen {
    http::RequestHead head;
    std::string body;
    http::Fields trailers;
};

struct Http2 : testing::Test {
    net::Loop loop;
    std::vector<Seen> seen;
    std::vector<std::string> refused;  // what was no request
    std::function<Task<void>(http::Connection&)> answer = [](http::Connection& h1) { return echo(h1); };
    std::optional<http::Connection> client;
    bool answers_early = false;

    static Task<std::string> read_all(http::Connection& h1) {
        std::string text;
        std::array<char, 1000> buffer{};
        while (!h1.body_complete()) {
            auto got = co_await h1.read_body(std::span<char>(buffer), net::in(kPatience));
            if (!got) co_return text + "<broken>";
            text.append(buffer.data(), *got);
        }
        co_return text;
    }
    static Task<void> echo(http::Connection& h1) {
        http::ResponseHead head;
        head.status = 200;
        head.framing = {Kind::chunked, 0};
        auto sent = co_await h1.write_head(std::move(head), "answer", net::in(kPatience));
        http::Fields trailers;
        trailers.add("X-Sum", "9");
        auto ended = co_await h1.finish_body(std::move(trailers), net::in(kPatience));
        (void)sent, (void)ended;
    }
    static Task<void> refuse(Http2& self, net::StreamPtr stream, base::Error why) {
        self.refused.push_back(std::string(to_string(why.code)) + (stream ? " answered" : ""));
        if (!stream) co_return;
        http::Connection h1(std::move(stream), http::Limits());
        http::ResponseHead head;
        head.status = 400;
        head.framing = {Kind::length, 2};
        auto sent = co_await h1.write_message(std::move(head), "no", net::in(kPatience));
        (void)sent;
    }
    Service service() {
        return {[this](net::StreamPtr one) { return serve(*this, std::move(one)); }, [this](net::StreamPtr one, base::Error why) { return refuse(*this, std::move(one), std::move(why)); }};
    }
    static Task<void> serve(Http2& self, net::StreamPtr stream) {
        http::Connection h1(std::move(stream), http::Limits());
        auto head = co_await h1.read_request_head(net::in(kPatience));
        if (!head) co_return;
        self.seen.push_back({std::move(*head), "", {}});
        const auto at = self.seen.size() - 1;
        if (!self.answers_early) {
            auto body = co_await read_all(h1);
            self.seen[at].body = std::move(body);
            self.seen[at].trailers = h1.trailers();
        }
        co_await self.answer(h1);
    }
    void begin() {
        auto ends = net::make_pipe(loop, "h2");
        loop.spawn("server", serve_connection(loop, std::move(ends.second), Limits(), service()));
        auto stream = as_http1(loop, std::move(ends.first));
        ASSERT_TRUE(stream);
        client.emplace(std::move(*stream), http::Limits());
    }
    static Task<void> answer_once(net::Stream& wire, std::string bytes) {
        std::array<char, 4096> asked{};
        for (bool all = false; !all;) {  // the frame of the request's head: HEADERS, END_STREAM and END_HEADERS, stream 1
            auto got = co_await wire.read_some(std::span<char>(asked), net::in(kPatience));
            if (!got || *got == 0) co_return;
            all = std::string_view(asked.data(), *got).find(std::string_view("\x01\x05\x00\x00\x00\x01", 6)) != std::string_view::npos;
        }
        auto written = co_await wire.write_all(bytes, net::in(kPatience));
        (void)written;
    }
    static http::RequestHead request(const std::string& method, http::BodyFraming framing = {}) {
        http::RequestHead head;
        head.method = method;
        head.target = "/x?y";
        head.fields.add("Host", "api.acme.com");
        head.fields.add("X-A", "1");
        head.framing = framing;
        return head;
    }
    Task<std::string> exchange_one(http::RequestHead head, std::string body) {
        const std::string method = head.method;
        auto sent = co_await client->write_head(std::move(head), body, net::in(kPatience));
        if (!sent) co_return "not sent";
        auto finished = co_await client->finish_body(net::in(kPatience));
        if (!finished) co_return "not finished";
        auto answered = co_await client->read_response_head(method, net::in(kPatience));
        if (!answered) co_return "no answer: " + answered.error().message;
        auto text = co_await read_all(*client);
        co_return std::to_string(answered->status) + " " + text;
    }
};

TEST_F(Http2, a_message_is_the_same_at_both_ends) {
    begin();
    const std::string big(300'000, 'b');
    EXPECT_EQ(loop.run_until(exchange_one(request("POST", {Kind::chunked, 0}), big)), "200 answer");
    EXPECT_EQ(client->trailers().find("x-sum"), "9");
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].head.method + " " + seen[0].head.target, "POST /x?y");
    EXPECT_EQ(seen[0].head.fields.find("Host"), "api.acme.com");
    EXPECT_EQ(seen[0].head.fields.find("x-a"), "1");
    EXPECT_EQ(seen[0].body, big) << "more than any window";
    EXPECT_EQ(loop.run_until(exchange_one(request("GET"), "")), "200 answer") << "and another on the same connection";
    EXPECT_EQ(loop.run_until(exchange_one(request("PUT", {Kind::length, 3}), "abc")), "200 answer");
    EXPECT_EQ(seen[2].head.framing.length, 3U);
    EXPECT_EQ(seen[2].body, "abc");
}

TEST_F(Http2, answers_without_a_body_and_interim_ones) {
    answer = [](http::Connection& h1) -> Task<void> {
        for (const int status : {103, 204}) {
            http::ResponseHead head;
            head.status = status;
            auto sent = co_await h1.write_head(std::move(head), "", net::in(kPatience));
            (void)sent;
        }
    };
    begin();
    loop.run_until([](Http2& self) -> Task<void> {
        auto sent = co_await self.client->write_message(request("GET"), "", net::in(kPatience));
        EXPECT_TRUE(sent);
        for (const int status : {103, 204}) {
            auto head = co_await self.client->read_response_head("GET", net::in(kPatience));
            EXPECT_TRUE(head) << status;
            if (head) EXPECT_EQ(head->status, status);
        }
        EXPECT_TRUE(self.client->body_complete());
    }(*this));
}

TEST_F(Http2, an_answer_may_come_before_the_end_of_its_request) {
    answers_early = true;
    begin();
    loop.run_until([](Http2& self) -> Task<void> {
        auto sent = co_await self.client->write_head(request("POST", {Kind::chunked, 0}), "the beginning", net::in(kPatience));
        EXPECT_TRUE(sent);
        auto head = co_await self.client->read_response_head("POST", net::in(kPatience));
        EXPECT_TRUE(head) << (head ? "" : head.error().message);
        auto text = co_await read_all(*self.client);
        EXPECT_EQ(text, "answer");
        EXPECT_EQ(self.client->trailers().find("x-sum"), "9");
        self.client->close();
        co_await self.loop.sleep(std::chrono::milliseconds(50));
    }(*this));
}

TEST_F(Http2, PX17_an_answer_that_breaks_off_is_seen_to) {
    answer = [](http::Connection& h1) -> Task<void> {
        http::ResponseHead head;
        head.status = 200;
        head.framing = {Kind::chunked, 0};
        auto sent = co_await h1.write_head(std::move(head), "half", net::in(kPatience));
        (void)sent;
        h1.close();
    };
    begin();
    EXPECT_EQ(loop.run_until(exchange_one(request("GET"), "")), "200 half<broken>");
}

TEST_F(Http2, who_serves_learns_that_its_client_has_left) {
    bool left = false;
    answer = [&left](http::Connection& h1) -> Task<void> {
        std::array<char, 10> buffer{};
        auto got = co_await h1.stream().read_some(std::span<char>(buffer), net::in(kPatience));
        left = !got || *got == 0;
    };
    begin();
    loop.run_until([](Http2& self) -> Task<void> {
        auto sent = co_await self.client->write_message(request("GET"), "", net::in(kPatience));
        EXPECT_TRUE(sent);
        co_await self.loop.sleep(std::chrono::milliseconds(30));
        self.client->close();
        for (int i = 0; i < 200; ++i) co_await self.loop.sleep(std::chrono::milliseconds(5));
    }(*this));
    EXPECT_TRUE(left);
}

// A client of the library that keeps to no rule of HTTP.
struct Rude {
    nghttp2_session* session = nullptr;
    Rude() {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_option* option = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_option_new(&option);
        nghttp2_option_set_no_http_messaging(option, 1);
        nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
        nghttp2_session_client_new2(&session, callbacks, nullptr, option);
        nghttp2_session_callbacks_del(callbacks);
        nghttp2_option_del(option);
        nghttp2_submit_settings(session, 0, nullptr, 0);
    }
    ~Rude() { nghttp2_session_del(session); }
    Rude(const Rude&) = delete;
    Rude& operator=(const Rude&) = delete;
    std::int32_t ask(const std::vector<std::pair<std::string, std::string>>& lines) const {
        std::vector<nghttp2_nv> pairs;
        for (const auto& [name, value] : lines) {
            pairs.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())), reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), 0});
        }
        return nghttp2_submit_request(session, nullptr, pairs.data(), pairs.size(), nullptr, nullptr);
    }
    [[nodiscard]] std::string bytes() const {
        std::string all;
        const std::uint8_t* data = nullptr;
        for (;;) {
            const auto size = nghttp2_session_mem_send(session, &data);
            if (size <= 0) return all;
            all.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
        }
    }
};

struct RudeClient : Http2 {
    net::StreamPtr wire;
    bool over = false;
    static Task<void> serve_and_tell(RudeClient& self, net::StreamPtr stream) {
        co_await serve_connection(self.loop, std::move(stream), Limits(), self.service());
        self.over = true;
    }
    void connect() {
        auto ends = net::make_pipe(loop, "h2");
        wire = std::move(ends.first);
        loop.spawn("server", serve_and_tell(*this, std::move(ends.second)));
    }
    void send(const std::string& bytes) {
        auto sent = loop.run_until(wire->write_all(bytes, net::in(kPatience)));
        (void)sent;
        loop.run_until(loop.sleep(std::chrono::milliseconds(30)));
    }
};

TEST_F(RudeClient, PX19_heads_that_break_a_rule_are_not_served) {
    const std::vector<std::pair<std::string, std::string>> good{{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/x"}};
    const std::vector<std::pair<std::string, std::string>> more[] = {
        {{"a b", "1"}}, {{"x", "1\r\ny: 2"}}, {{"x", std::string("1\0", 2)}}, {{"connection", "close"}}, {{"transfer-encoding", "chunked"}}, {{"te", "gzip"}},
        {{":path", "/other"}}, {{":unknown", "1"}}, {{"host", "b.test"}}, {{"content-length", "5"}}, {{"", "1"}}, {{"x:y", "1"}}, {{"x", std::string(70'000, 'x')}},
    };
    for (const auto& lines : more) {
        connect();
        refused.clear();
        const Rude rude;
        auto all = good;
        all.insert(all.end(), lines.begin(), lines.end());
        rude.ask(all);
        send(rude.bytes());
        for (int i = 0; i < 1000 && refused.empty() && seen.empty(); ++i) loop.run_until(loop.sleep(std::chrono::milliseconds(10)));
        EXPECT_TRUE(seen.empty()) << lines[0].first << ": " << lines[0].second.substr(0, 20);
        EXPECT_EQ(refused.size(), 1U) << lines[0].first << ": " << lines[0].second.substr(0, 20);
        if (lines[0].first == "host") EXPECT_EQ(refused, std::vector<std::string>{"protocol answered"});
        if (lines[0].second.size() > 60'000) EXPECT_EQ(refused, std::vector<std::string>{"limit answered"});
        seen.clear();
    }
    connect();
    const Rude polite;
    polite.ask(good);
    send(polite.bytes());
    EXPECT_EQ(seen.size(), 1U) << "the same without them is served";
}

// CVE-2023-44487: streams that are opened to be broken off.
TEST_F(RudeClient, PX19_resets_for_nothing_end_the_connection) {
    connect();
    const Rude rude;
    std::string all;
    for (int i = 0; i < 2000 && !over; ++i) {
        const auto id = rude.ask({{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/x"}});
        all += rude.bytes();
        nghttp2_submit_rst_stream(rude.session, 0, id, NGHTTP2_CANCEL);
        all += rude.bytes();
    }
    send(all);
    loop.run_until(loop.sleep(std::chrono::milliseconds(100)));
    EXPECT_TRUE(over);
    EXPECT_LT(seen.size(), 600U);
}

// CVE-2025-8671: a peer that makes us break its streams off.
TEST_F(RudeClient, PX19_resets_that_a_peer_provokes_end_the_connection) {
    connect();
    const Rude rude;
    std::string all = rude.bytes();
    for (int i = 0; i < 2000; ++i) {
        const auto id = rude.ask({{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/x"}});
        all += rude.bytes();
        const std::string stream{static_cast<char>(id >> 24), static_cast<char>(id >> 16), static_cast<char>(id >> 8), static_cast<char>(id)};
        all += std::string("\x00\x00\x04\x08\x00", 5) + stream + "\x7f\xff\xff\xff";  // WINDOW_UPDATE beyond all bounds
    }
    send(all);
    loop.run_until(loop.sleep(std::chrono::milliseconds(100)));
    EXPECT_TRUE(over);
}

TEST_F(RudeClient, PX31_heads_of_all_streams_together_have_a_limit) {
    connect();
    answer = [](http::Connection& h1) -> Task<void> {
        std::array<char, 1> byte{};
        auto got = co_await h1.stream().read_some(std::span<char>(byte), net::in(kPatience));  // until it leaves
        (void)got;
    };
    const Rude rude;
    std::string all;
    for (int i = 0; i < 20; ++i) {
        rude.ask({{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/x"}, {"x", std::string(50'000, 'x')}});
        all += rude.bytes();
    }
    send(all);
    loop.run_until(loop.sleep(std::chrono::milliseconds(200)));
    EXPECT_LE(seen.size(), 5U) << "256 KiB of 1,000";
    EXPECT_GE(seen.size(), 4U);
    wire->close();
    loop.run_until(loop.sleep(std::chrono::milliseconds(50)));
}

TEST_F(RudeClient, PX19_a_body_where_none_was_said_is_recorded) {
    connect();
    const std::string head = std::string("\x82\x87\x84\x41\x06", 5) + "a.test" + std::string("\x0f\x0d\x01\x30", 4);  // content-length: 0
    send(Rude().bytes() + std::string("\x00\x00", 2) + static_cast<char>(head.size()) + std::string("\x01\x04\x00\x00\x00\x01", 6) + head);
    send(std::string("\x00\x00\x01\x00\x01\x00\x00\x00\x01", 9) + "x");
    for (int i = 0; i < 1000 && refused.empty(); ++i) loop.run_until(loop.sleep(std::chrono::milliseconds(10)));
    EXPECT_EQ(refused, std::vector<std::string>{"protocol"});
    EXPECT_TRUE(seen.empty());
}

// A service that says where its answer ends and ends the stream long after, or never.
TEST_F(Http2, an_answer_of_a_length_that_was_told_does_not_wait_for_the_end_of_its_stream) {
    auto ends = net::make_pipe(loop, "h2");
    auto stream = as_http1(loop, std::move(ends.first));
    ASSERT_TRUE(stream);
    client.emplace(std::move(*stream), http::Limits());
    const std::string answer = std::string("\x00\x00\x00\x04\x00\x00\x00\x00\x00", 9)  // SETTINGS
                               + std::string("\x00\x00\x05\x01\x04\x00\x00\x00\x01\x88\x0f\x0d\x01\x33", 14)  // 200, content-length: 3
                               + std::string("\x00\x00\x03\x00\x00\x00\x00\x00\x01", 9) + "abc";
    loop.spawn("service", answer_once(*ends.second, answer));
    EXPECT_EQ(loop.run_until(exchange_one(request("GET"), "")), "200 abc");
    EXPECT_NE(loop.run_until(exchange_one(request("GET"), "")).substr(0, 3), "200") << "its connection is no more";
}

// Streams beyond the number that is allowed are refused one by one until our settings are acknowledged.
TEST_F(RudeClient, PX19_frames_that_a_peer_does_not_read_end_the_connection) {
    connect();
    const std::string head = std::string("\x82\x87\x84\x41\x06", 5) + "a.test" + std::string("\x0f\x0d\x01\x30", 4);  // GET, https, /, :authority, content-length: 0
    std::string all = Rude().bytes();
    for (std::uint32_t id = 1; id < 20'000; id += 2) {
        const std::string stream{static_cast<char>(id >> 24), static_cast<char>(id >> 16), static_cast<char>(id >> 8), static_cast<char>(id)};
        all += std::string("\x00\x00", 2) + static_cast<char>(head.size()) + std::string("\x01\x04", 2) + stream + head;
    }
    send(all);
    for (int i = 0; i < 1000 && !over; ++i) loop.run_until(loop.sleep(std::chrono::milliseconds(10)));
    EXPECT_TRUE(over);
    EXPECT_EQ(refused, std::vector<std::string>{"limit"});
}

TEST_F(RudeClient, PX19_frames_for_nothing_end_the_connection) {
    const struct { const char* what; std::string frame; int times; } rows[] = {
        {"ping", std::string("\x00\x00\x08\x06\x00\x00\x00\x00\x00", 9) + "12345678", 20'000}, {"settings", std::string("\x00\x00\x00\x04\x00\x00\x00\x00\x00", 9), 20'000},
        {"priority", std::string("\x00\x00\x05\x02\x00\x00\x00\x00\x03\x00\x00\x00\x00\x10", 14), 20'000},
    };
    for (const auto& row : rows) {
        over = false;
        connect();
        const Rude rude;
        std::string all = rude.bytes();
        for (int i = 0; i < row.times; ++i) all += row.frame;
        send(all);
        loop.run_until(loop.sleep(std::chrono::milliseconds(100)));
        EXPECT_TRUE(over) << row.what;
    }
}

TEST_F(RudeClient, what_is_no_http2_ends_the_connection) {
    for (const std::string text : {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame"}) {
        over = false;
        connect();
        send(text);
        wire->close();
        loop.run_until(loop.sleep(std::chrono::milliseconds(50)));
        EXPECT_TRUE(over) << text;
    }
}

}  // namespace
}  // namespace claviger::http2
