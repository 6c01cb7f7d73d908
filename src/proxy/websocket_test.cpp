#include "proxy/websocket.hpp"

#include "inject/test_connection.hpp"
#include "proxy/session_test_support.hpp"

namespace claviger::proxy {
namespace {

using namespace test;

constexpr std::string_view kKey = "k3y-of-the-service";

using Lines = std::vector<std::pair<std::string, std::string>>;

// The example of RFC 6455 section 1.3.
const Lines kRequest{{"Connection", "keep-alive, Upgrade"}, {"Upgrade", "WebSocket"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"Sec-WebSocket-Version", "13"},
                     {"Sec-WebSocket-Protocol", "chat, superchat"}, {"Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"}};
const Lines kAnswer{{"Connection", "upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}};

// `changed` replaces or adds; an empty value takes out.
Lines with(Lines lines, const Lines& changed) {
    for (const auto& [name, value] : changed) {
        std::erase_if(lines, [&other = name](const auto& line) { return line.first == other; });
        if (!value.empty()) lines.emplace_back(name, value);
    }
    return lines;
}

template <class Head>
Head head_of(const Lines& lines) {
    Head head;
    for (const auto& [name, value] : lines) head.fields.add(name, value);
    return head;
}

http::RequestHead request_of(const Lines& lines) {
    auto head = head_of<http::RequestHead>(lines);
    head.method = "GET";
    return head;
}

TEST(WebSocket, PX33_only_a_whole_request_for_it_is_one) {
    EXPECT_TRUE(asks_for_websocket(request_of(kRequest)));
    for (const Lines& change : std::vector<Lines>{{{"Connection", ""}}, {{"Connection", "keep-alive"}}, {{"Upgrade", ""}}, {{"Upgrade", "h2c"}}, {{"Upgrade", "websockets"}}}) {
        EXPECT_FALSE(asks_for_websocket(request_of(with(kRequest, change))));
    }
    EXPECT_TRUE(asks_for_websocket(request_of(with(kRequest, {{"Upgrade", "h2c, websocket"}})))) << "a server could take it for one";
}

TEST(WebSocket, RFC6455_4_2_1_of_the_request) {
    EXPECT_TRUE(check_websocket_request(request_of(kRequest)));
    for (const Lines& change : std::vector<Lines>{{{"Sec-WebSocket-Key", ""}}, {{"Sec-WebSocket-Key", "dGhl"}}, {{"Sec-WebSocket-Key", "?"}}, {{"Sec-WebSocket-Version", "8"}}, {{"Sec-WebSocket-Version", ""}}}) {
        EXPECT_FALSE(check_websocket_request(request_of(with(kRequest, change))));
    }
    auto twice = request_of(kRequest);
    twice.fields.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    EXPECT_FALSE(check_websocket_request(twice));
    auto posted = request_of(kRequest);
    posted.method = "POST";
    EXPECT_FALSE(check_websocket_request(posted));
    auto body = request_of(kRequest);
    body.framing = {http::BodyFraming::Kind::length, 3};
    EXPECT_FALSE(check_websocket_request(body));
    auto old = request_of(kRequest);
    old.minor_version = 0;
    EXPECT_FALSE(check_websocket_request(old));
}

TEST(WebSocket, RFC6455_4_1_of_the_answer) {
    struct Row { Lines change; bool good; };
    for (const auto& [change, good] : std::vector<Row>{
             {{}, true},
             {{{"Sec-WebSocket-Protocol", "chat"}, {"Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover"}}, true},
             {{{"Upgrade", "h2c"}}, false},
             {{{"Upgrade", ""}}, false},
             {{{"Connection", "close"}}, false},
             {{{"Sec-WebSocket-Accept", ""}}, false},
             {{{"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO="}}, false},
             {{{"Sec-WebSocket-Protocol", "Chat"}}, false},
             {{{"Sec-WebSocket-Protocol", "chat, superchat"}}, false},
             {{{"Sec-WebSocket-Extensions", "permessage-deflate, x-other"}}, false},
         }) {
        EXPECT_EQ(check_websocket_answer(request_of(kRequest), head_of<http::ResponseHead>(with(kAnswer, change))).has_value(), good)
            << (change.empty() ? "" : change.front().first + change.front().second);
    }
}

struct WebSocketThroughTheProxy : ProxyTest {
    struct Source final : CredentialSource {
        CredentialPtr current;
        net::Task<base::Result<CredentialPtr>> credential(std::string, std::string, net::Cancellation&) override { co_return current; }
        net::Task<base::Result<CredentialPtr>> replacement(std::string, std::string, CredentialPtr, net::Cancellation&) override { co_return CredentialPtr(); }
        void wants_stronger_login(const std::string&, const std::string&) override {}
        bool connected = true;
        bool stands(const std::string&, const std::string&) override { return connected; }
    } source;
    std::optional<net::Listener> listener;
    net::StreamPtr client, upstream;
    std::string authority;

    void begin(bool allowed) {
        listener.emplace(std::move(*net::Listener::loopback(loop, 0)));
        authority = "127.0.0.1:" + std::to_string(listener->port());
        auto definition = inject::testing::definition_of(provider::AuthType::api_key);
        definition.api_urls = {"http://" + authority};
        definition.websocket = allowed;
        auto injection = inject::Injection::make(definition, inject::testing::connection_to(definition, {{"api_key", std::string(kKey)}}), inject::testing::kNow);
        ASSERT_TRUE(injection) << injection.error().describe();
        source.current = std::make_shared<const Credential>(Credential{std::move(*injection), {}, scrub::Needles::make({kKey}, random)});
        options.addresses.allow_loopback = true;
        options.router = policy::Router({route_to({"http://" + authority})});
        auto started = ForwardProxy::start(loop, std::move(options), source, clock, random, log);
        ASSERT_TRUE(started) << started.error().describe();
        proxy = std::move(*started);
        const auto url = net::Url::parse(proxy->proxy_url().reveal());
        authorization = "Proxy-Authorization: Basic " + base::base64_encode(url->username() + ":" + url->password()) + "\r\n";
        client = dial();
    }
    static std::string text_of(const Lines& lines) {
        std::string text;
        for (const auto& [name, value] : lines) text += name + ": " + value + "\r\n";
        return text + "\r\n";
    }
    void ask(const Lines& lines) {
        send(*client, "GET http://" + authority + "/socket HTTP/1.1\r\nHost: " + authority + "\r\n" + authorization + text_of(lines));
    }
    std::string arrives() {
        auto accepted = loop.run_until(listener->accept());
        EXPECT_TRUE(accepted);
        upstream = std::move(*accepted);
        return receive(*upstream, "\r\n\r\n");
    }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(WebSocketThroughTheProxy, PX33_is_refused_unless_the_definition_allows_it) {
    begin(false);
    ask(kRequest);
    const std::string answer = receive(*client, "}\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
    EXPECT_TRUE(has(answer, "Claviger-Reason: websocket_not_allowed\r\n")) << answer;
    send(*client, "GET http://" + authority + "/x HTTP/1.1\r\nHost: " + authority + "\r\n" + authorization + "\r\n");
    EXPECT_TRUE(arrives().starts_with("GET /x ")) << "nothing else is hindered, and nothing of the handshake arrived";
}

TEST_F(WebSocketThroughTheProxy, PX33_the_handshake_alone_gets_the_credential_and_the_rest_is_bytes) {
    begin(true);
    ask(with(kRequest, {{"X-Mine", "1"}, {"Connection", "Upgrade, X-Mine"}}));
    const std::string request = arrives();
    for (const char* part : {"GET /socket HTTP/1.1\r\n", "Authorization: Bearer k3y-of-the-service\r\n", "Connection: Upgrade\r\n", "Upgrade: websocket\r\n", "Sec-WebSocket-Version: 13\r\n"}) {
        EXPECT_TRUE(has(request, part)) << part << request;
    }
    EXPECT_FALSE(has(request, "X-Mine")) << request;
    const std::string frame = std::string("\x81\x05") + "hello";
    send(*upstream, "HTTP/1.1 101 Switching Protocols\r\n" + text_of(kAnswer) + frame);
    const std::string answer = receive(*client, frame);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 ")) << answer;
    EXPECT_TRUE(has(answer, "Connection: Upgrade\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n" + frame)) << "a frame that came with the head";
    const std::string bytes = "\x81\x85 any bytes HTTP/1.1\r\n\r\n!";
    send(*client, bytes);
    EXPECT_EQ(receive(*upstream, "!"), bytes);
    send(*upstream, bytes);
    EXPECT_EQ(receive(*client, "!"), bytes);
    upstream->close();
    EXPECT_EQ(receive(*client, ""), "");
}

TEST_F(WebSocketThroughTheProxy, PX29_ends_when_its_connection_is_logged_out) {
    std::vector<std::string> reasons;
    options.on_served = [&reasons](const Served& served) { reasons.push_back(served.reason); };
    begin(true);
    ask(kRequest);
    arrives();
    send(*upstream, "HTTP/1.1 101 Switching Protocols\r\n" + text_of(kAnswer));
    receive(*client, "\r\n\r\n");
    send(*client, "more");
    EXPECT_EQ(receive(*upstream, "more"), "more");
    source.connected = false;
    EXPECT_EQ(receive(*client, ""), "") << "ended";
    EXPECT_EQ(receive(*upstream, ""), "") << "on both sides";
    EXPECT_TRUE(eventually([&] { return reasons == std::vector<std::string>{"withdrawn"}; }));
}

TEST_F(WebSocketThroughTheProxy, PX20_the_head_that_switches_does_not_show_the_credential) {
    begin(true);
    ask(kRequest);
    arrives();
    send(*upstream, "HTTP/1.1 101 Switching Protocols\r\n" + text_of(with(kAnswer, {{"X-Copy", std::string(kKey)}, {"Set-Cookie", "session=1"}})));
    const std::string answer = receive(*client, "\r\n\r\n");
    EXPECT_TRUE(has(answer, "X-Copy: " + std::string(kKey.size(), '*') + "\r\n")) << answer;
    EXPECT_FALSE(has(answer, "Set-Cookie")) << answer;
}

TEST_F(WebSocketThroughTheProxy, RFC6455_another_answer_than_the_one_asked_for_is_not_passed_on) {
    begin(true);
    ask(kRequest);
    arrives();
    send(*upstream, "HTTP/1.1 101 Switching Protocols\r\n" + text_of(with(kAnswer, {{"Sec-WebSocket-Accept", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}})));
    const std::string answer = receive(*client, "}\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 502 ")) << answer;
    EXPECT_TRUE(has(answer, "upstream_protocol")) << answer;
    EXPECT_EQ(receive(*upstream, ""), "") << "closed";
}

TEST_F(WebSocketThroughTheProxy, an_answer_that_does_not_switch_is_an_answer) {
    begin(true);
    ask(kRequest);
    arrives();
    send(*upstream, "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 7\r\nContent-Length: 2\r\n\r\nno");
    const std::string answer = receive(*client, "no");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 426 ") && has(answer, "Sec-WebSocket-Version: 7\r\n")) << answer;
}

TEST_F(WebSocketThroughTheProxy, a_handshake_that_is_none_is_answered_here) {
    begin(true);
    ask(with(kRequest, {{"Sec-WebSocket-Key", "short"}}));
    EXPECT_TRUE(receive(*client, "}\n").starts_with("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace claviger::proxy
