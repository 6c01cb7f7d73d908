// HTTP's finer points through the proxy, byte by byte: the test is the client and the upstream server.
#include <memory>

#include "proxy/wire_test_support.hpp"

namespace claviger::proxy {
namespace {

using namespace test;

using ProtocolsTest = WireTest;

TEST_F(ProtocolsTest, PX14_hop_by_hop_fields_end_here_in_both_directions) {
    begin();
    ask("POST", "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: gzip, Trailers\r\nTrailer: X-Sum\r\nUpgrade: h2c\r\n"
                "Proxy-Connection: keep-alive\r\nVia: 1.0 gateway\r\nMax-Forwards: 3\r\nRange: bytes=0-4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    const std::string request = arrives();
    for (const char* gone : {"keep-alive", "X-Mine", "Keep-Alive", "gzip", "Upgrade", "h2c", "Proxy-", "claviger:"}) EXPECT_FALSE(has(request, gone)) << gone << request;
    for (const char* kept : {"TE: trailers\r\n", "Connection: TE\r\n", "Trailer: X-Sum\r\n", "Range: bytes=0-4\r\n", "Max-Forwards: 3\r\n",
                             "Via: 1.0 gateway\r\nMax-Forwards: 3\r\nRange", "Via: 1.1 claviger\r\n"}) {
        EXPECT_TRUE(has(request, kept)) << kept << request;
    }
    answers("HTTP/1.0 206 Partial Content\r\nConnection: X-Theirs, close\r\nX-Theirs: 1\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\nKeep-Alive: 9\r\n"
            "Content-Range: bytes 0-1/9\r\nContent-Length: 2\r\nVia: 1.1 cdn\r\n\r\nhi");
    const std::string answer = gets("hi");
    for (const char* gone : {"X-Theirs", "Upgrade", "Proxy-Authenticate", "Keep-Alive"}) EXPECT_FALSE(has(answer, gone)) << gone << answer;
    for (const char* kept : {"HTTP/1.1 206 Partial Content\r\n", "Content-Range: bytes 0-1/9\r\n", "Content-Length: 2\r\n", "Via: 1.1 cdn\r\n", "Via: 1.0 claviger\r\n"}) {
        EXPECT_TRUE(has(answer, kept)) << kept << answer;
    }
}

TEST_F(ProtocolsTest, PX14_max_forwards_counts_for_options_alone) {
    struct Row { const char *method, *sent, *arrives; };
    begin();
    for (const auto& [method, sent, expected] : {Row{"OPTIONS", "2", "1"}, {"OPTIONS", "1", "0"}, {"OPTIONS", "x", "x"}, {"OPTIONS", "-1", "-1"}, {"GET", "0", "0"}}) {
        ask(method, "Max-Forwards: " + std::string(sent) + "\r\n\r\n");
        EXPECT_TRUE(has(arrives(), "Max-Forwards: " + std::string(expected) + "\r\n")) << method << sent;
        answers("HTTP/1.1 204 No Content\r\n\r\n");
        EXPECT_TRUE(has(gets(), " 204 "));
    }
    ask("OPTIONS", "Max-Forwards: 0\r\n\r\n");
    EXPECT_TRUE(gets().starts_with("HTTP/1.1 204 ")) << "this proxy is the end";
    upstream.reset();
    EXPECT_TRUE(nothing_accepted());
}

TEST_F(ProtocolsTest, PX21_echoes_and_tunnels_are_no_requests_in_any_spelling) {
    begin();
    for (const char* method : {"TRACE", "TRACK", "trace", "Track", "connect"}) {
        ask(method, "\r\n");
        EXPECT_TRUE(gets("}\n").starts_with("HTTP/1.1 405 ")) << method;
    }
    EXPECT_TRUE(nothing_accepted());
}

TEST_F(ProtocolsTest, a_body_that_is_held_back_is_asked_for_by_the_server) {
    begin();
    ask("PUT", "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
    EXPECT_TRUE(has(arrives(), "Expect: 100-continue\r\n"));
    answers("HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\n");
    const std::string interim = gets();
    EXPECT_TRUE(interim.starts_with("HTTP/1.1 100 ")) << interim;
    send(*client, "abc");
    EXPECT_EQ(receive(*upstream, "abc"), "abc");
    answers("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(gets("ok").starts_with("HTTP/1.1 200 ")) << "a second 100 says nothing";
    ask("GET", "\r\n");
    EXPECT_TRUE(arrives().starts_with("GET ")) << "both connections go on";
}

TEST_F(ProtocolsTest, a_body_that_is_not_wanted_is_not_asked_for) {
    begin();
    ask("PUT", "Expect: 100-continue\r\nContent-Length: 300000\r\n\r\n");
    arrives();
    answers("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    const std::string answer = gets("no");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
    EXPECT_TRUE(has(answer, "Connection: close\r\n")) << "the body may come or not";
    EXPECT_EQ(gets(""), "") << "closed";
    EXPECT_EQ(receive(*upstream, ""), "") << "nothing of the body, and closed";
}

TEST_F(ProtocolsTest, a_server_that_ignores_the_expectation_gets_the_body_too) {
    begin();
    ask("PUT", "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
    arrives();
    EXPECT_EQ(receive(*upstream, "abc"), "abc");
    answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(gets("ok").starts_with("HTTP/1.1 200 "));
}

TEST_F(ProtocolsTest, a_broken_upstream_is_answered_though_the_body_is_held_back) {
    begin();
    ask("PUT", "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    arrives();
    upstream->close();
    EXPECT_TRUE(gets("}\n").starts_with("HTTP/1.1 502 "));
}

TEST_F(ProtocolsTest, expectations_of_old_clients_and_unknown_ones) {
    begin();
    ask("PUT", "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", "1.0");
    std::string request = arrives();
    if (!has(request, "abc")) request += receive(*upstream, "abc");
    EXPECT_FALSE(has(request, "Expect")) << request;
    answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(gets("ok").starts_with("HTTP/1.1 200 ")) << "RFC 9110 section 10.1.1: no 100 for HTTP/1.0";
    for (const char* fields : {"Expect: 200-ok\r\n", "Expect: 100-continue\r\nExpect: x\r\n"}) {
        client = dial();
        ask("PUT", std::string(fields) + "Content-Length: 3\r\n\r\n");
        EXPECT_TRUE(gets("}\n").starts_with("HTTP/1.1 417 ")) << fields;
    }
}

TEST_F(ProtocolsTest, RF10_a_body_that_is_still_held_back_can_be_asked_for_with_the_new_credential) {
    begin(true);
    ask("PUT", "Expect: 100-continue\r\nContent-Length: 300000\r\n\r\n");
    EXPECT_TRUE(has(arrives(), "X-Api-Key: old\r\n"));
    answers("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    upstream.reset();
    const std::string again = arrives();
    EXPECT_TRUE(has(again, "X-Api-Key: new\r\n")) << again;
    EXPECT_TRUE(has(again, "Expect: 100-continue\r\n")) << again;
    answers("HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_TRUE(gets().starts_with("HTTP/1.1 100 "));
    send(*client, std::string(299'999, 'x') + "!");
    EXPECT_EQ(receive(*upstream, "!").size(), 300'000U);
    answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(gets("ok").starts_with("HTTP/1.1 200 "));
}

TEST_F(ProtocolsTest, interim_answers_pass_without_their_hop_by_hop_fields) {
    begin();
    ask("GET", "\r\n");
    arrives();
    answers("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: X-T\r\nX-T: 1\r\n\r\n");
    const std::string hints = gets();
    EXPECT_TRUE(hints.starts_with("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n")) << hints;
    EXPECT_FALSE(has(hints, "X-T"));
    answers("HTTP/1.1 102 Processing\r\n\r\n");
    EXPECT_TRUE(gets().starts_with("HTTP/1.1 102 "));
    answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(gets("ok").starts_with("HTTP/1.1 200 "));

    client = dial();
    ask("GET", "\r\n", "1.0");
    arrives();
    answers("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(gets("ok").starts_with("HTTP/1.1 200 ")) << "HTTP/1.0 knows none";
}

TEST_F(ProtocolsTest, PX17_interim_answers_without_end_are_an_error) {
    begin();
    ask("GET", "\r\n");
    arrives();
    for (int i = 0; i < 17; ++i) answers("HTTP/1.1 103 Early Hints\r\n\r\n");
    const std::string all = gets("}\n");
    EXPECT_TRUE(has(all, "HTTP/1.1 502 ")) << all;
}

TEST_F(ProtocolsTest, trailers_pass_in_both_directions) {
    begin();
    ask("POST", "TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nx-other: 2\r\n\r\n");
    std::string request = arrives();
    if (!has(request, "x-other")) request += receive(*upstream, "x-other: 2\r\n\r\n");
    EXPECT_TRUE(request.ends_with("0\r\nX-Sum: 1\r\nx-other: 2\r\n\r\n")) << request;
    answers("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_TRUE(has(gets(), "Trailer: X-Sum\r\n"));
    answers("2\r\nok\r\n0\r\nX-Sum: 3\r\n\r\n");
    EXPECT_EQ(gets("3\r\n\r\n"), "2\r\nok\r\n0\r\nX-Sum: 3\r\n\r\n");
    ask("GET", "\r\n");
    arrives();
    answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 4\r\n\r\n");
    EXPECT_TRUE(gets("4\r\n\r\n").ends_with("2\r\nok\r\n0\r\nX-Sum: 4\r\n\r\n")) << "also when all comes at once";
}

TEST_F(ProtocolsTest, PX13_trailers_carry_no_copy_of_the_credential_also_when_sent_again) {
    begin(true);
    ask("POST", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nx_api_key: mine\r\nX-Private-Token: mine\r\nX_Auth_Token: mine\r\nX-HTTP-Method-Override: DELETE\r\n\r\n");
    for (const char* key : {"old", "new"}) {
        std::string request = arrives();
        if (!request.ends_with("X-Sum: 1\r\n\r\n")) request += receive(*upstream, "X-Sum: 1\r\n\r\n");
        EXPECT_TRUE(has(request, "X-Api-Key: " + std::string(key) + "\r\n")) << request;
        EXPECT_TRUE(request.ends_with("abc\r\n0\r\nX-Sum: 1\r\n\r\n")) << request;
        answers("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
        upstream.reset();
    }
    EXPECT_TRUE(has(gets("no"), " 401 "));
}

constexpr const char* kOtherPaths = "X-Original-URL: /admin\r\nX_Rewrite_Url: /admin\r\nX-Other: 1\r\n\r\n";

TEST_F(ProtocolsTest, PX32_no_field_takes_another_path_where_the_path_decides) {
    begin(true, {"/x"});
    ask("GET", kOtherPaths);
    const auto request = arrives();
    EXPECT_TRUE(has(request, "X-Api-Key: old\r\n") && has(request, "X-Other: 1\r\n")) << request;
    EXPECT_FALSE(has(request, "/admin")) << request;
}

TEST_F(ProtocolsTest, PX32_elsewhere_such_fields_are_a_services_own_affair) {
    begin(true);
    ask("GET", kOtherPaths);
    const auto request = arrives();
    EXPECT_TRUE(has(request, "X-Original-URL: /admin\r\n") && has(request, "X_Rewrite_Url: /admin\r\n")) << request;
}

TEST_F(ProtocolsTest, PX02_no_field_tells_the_token_of_the_reverse_form) {
    begin();
    const std::string reverse(proxy->reverse_url().reveal());
    ask("GET", "Referer: " + reverse + "/acme/page\r\nX-Base: at " + reverse + "\r\nX-Other: 1\r\n\r\n");
    const auto request = arrives();
    EXPECT_TRUE(has(request, "X-Other: 1\r\n")) << request;
    EXPECT_FALSE(has(request, reverse.substr(reverse.rfind('/') + 1))) << request;
}

TEST_F(ProtocolsTest, PX29_a_stream_ends_when_its_connection_is_logged_out) {
    begin(true);
    ask("GET", "\r\n");
    arrives();
    answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst \r\n");
    EXPECT_TRUE(has(gets("first"), "first"));
    loop.run_until(loop.sleep(std::chrono::milliseconds(1500)));
    answers("5\r\nnext!\r\n");
    EXPECT_TRUE(has(gets("next!"), "next!")) << "looked at, and let go on";
    keys.connected = false;
    EXPECT_FALSE(has(gets(""), "0\r\n\r\n")) << "broken off visibly (PX-17)";
    EXPECT_EQ(receive(*upstream, ""), "") << "and nothing is waited for";
}

net::Task<void> after(net::Loop& loop, std::chrono::milliseconds time, std::shared_ptr<bool> over) {
    co_await loop.sleep(time);
    *over = true;
}

// By the loop's own clock, on which a busy machine delays both alike: timers of one loop ring in their order.
TEST_F(ProtocolsTest, PX29_the_end_of_a_permission_is_seen_within_a_second) {
    begin(true);
    for (const int phase : {0, 250, 500}) {
        keys.connected = true;
        client = dial();
        upstream.reset();
        ask("GET", "\r\n");
        arrives();
        answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst \r\n");
        EXPECT_TRUE(has(gets("first"), "first"));
        loop.run_until(loop.sleep(std::chrono::milliseconds(phase)));
        const auto a_second_is_over = std::make_shared<bool>(false);
        int refusals = 0;
        keys.looked = [&] {
            if (keys.connected) return;
            ++refusals;
            EXPECT_FALSE(*a_second_is_over) << phase;
        };
        loop.spawn("a second", after(loop, std::chrono::seconds(1), a_second_is_over));
        keys.connected = false;
        EXPECT_FALSE(has(gets(""), "0\r\n\r\n"));
        EXPECT_EQ(refusals, 1) << "the look that sees it ends the stream";
        keys.looked = nullptr;
    }
}

// Lets everything through until it changes its mind.
struct Fickle final : RequestGate {
    bool admits = true;
    net::Task<Admission> admit(GateRequest, net::Cancellation&) override { co_return Admission{}; }
    bool still_admits(const GateRequest& request) override { return admits || request.route != nullptr; }
};

TEST_F(ProtocolsTest, PX29_what_goes_on_without_a_credential_ends_with_its_permission_too) {
    Fickle gate;
    std::vector<std::string> records;
    const auto begin_again = [&] {
        gate.admits = true;
        options = ProxyOptions{policy::Router({}), Unmatched::allow, {}, {}, {}, 256, [&](const Served& served) { records.push_back(served.method + " " + served.reason); }};
        options.gate = &gate;
        begin();
    };
    begin_again();
    ask("GET", "\r\n");
    arrives();
    answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst \r\n");
    EXPECT_TRUE(has(gets("first"), "first"));
    gate.admits = false;
    EXPECT_FALSE(has(gets(""), "0\r\n\r\n"));
    EXPECT_EQ(receive(*upstream, ""), "");

    begin_again();
    upstream.reset();
    send(*client, "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n" + authorization + "\r\n");
    EXPECT_TRUE(gets().starts_with("HTTP/1.1 200 "));
    auto accepted = loop.run_until(listener->accept());
    ASSERT_TRUE(accepted);
    upstream = std::move(*accepted);
    loop.run_until(loop.sleep(std::chrono::milliseconds(1500)));
    send(*client, "still!");
    EXPECT_EQ(receive(*upstream, "!"), "still!") << "looked at, and let go on";
    gate.admits = false;
    EXPECT_EQ(gets(""), "");
    EXPECT_EQ(receive(*upstream, ""), "");
    EXPECT_TRUE(eventually([&] { return records == std::vector<std::string>{"GET withdrawn", "CONNECT withdrawn"}; }));
}

TEST_F(ProtocolsTest, PX36_nothing_is_cached) {
    begin();
    for (int i = 0; i < 2; ++i) {
        ask("GET", "\r\n");
        EXPECT_TRUE(arrives().starts_with("GET /x ")) << i;
        answers("HTTP/1.1 200 OK\r\nCache-Control: public, max-age=999999\r\nETag: \"1\"\r\nContent-Length: 2\r\n\r\nok");
        EXPECT_TRUE(has(gets("ok"), "max-age"));
    }
}

// As one session with two logins, and as two sessions: each request goes to the API with its own key, whatever the API
// allows caches to do, and is answered with what came for it alone.
TEST_F(ProtocolsTest, PX36_nobody_gets_what_was_answered_to_another_connection) {
    begin(true);
    Keys others;
    ProxyOptions more{policy::Router({route_to({"http://" + authority})}), Unmatched::allow, {}, {}, {}, 256, {}};
    more.addresses.allow_loopback = true;
    auto other = ForwardProxy::start(loop, std::move(more), others, clock, random, log);
    ASSERT_TRUE(other) << other.error().describe();
    const auto asks_and_gets = [&](const std::string& who, const std::string& more_fields) {
        ask("GET", more_fields + "\r\n");
        upstream.reset();  // connections of another's are not used
        const std::string request = arrives();
        EXPECT_TRUE(has(request, "X-Api-Key: " + who + "\r\n")) << request;
        EXPECT_TRUE(more_fields.empty() || has(request, more_fields)) << request;
        answers("HTTP/1.1 200 OK\r\nCache-Control: public, max-age=999999, immutable\r\nETag: \"1\"\r\nVary: Accept\r\nConnection: close\r\nContent-Length: " +
                std::to_string(who.size()) + "\r\n\r\n" + who);
        const std::string answer = gets(who);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n" + who)) << answer;
    };
    for (const char* fields : {"", "If-None-Match: \"1\"\r\n", "Cache-Control: only-if-cached\r\n"}) {
        for (const char* who : {"alice", "bob", "alice"}) {
            keys.first = key_of("http://" + authority, who);
            asks_and_gets(who, fields);
        }
    }
    others.first = key_of("http://" + authority, "carol");
    proxy.swap(*other);
    const auto url = net::Url::parse(proxy->proxy_url().reveal());
    authorization = "Proxy-Authorization: Basic " + base::base64_encode(url->username() + ":" + url->password()) + "\r\n";
    client = dial();
    asks_and_gets("carol", "");
    proxy.swap(*other);
}

TEST_F(ProtocolsTest, answers_to_head_keep_their_length_and_the_connection) {
    begin();
    for (const char* framing : {"Content-Length: 12345\r\n", "Transfer-Encoding: chunked\r\n", ""}) {
        ask("HEAD", "\r\n");
        EXPECT_TRUE(arrives().starts_with("HEAD /x HTTP/1.1\r\n"));
        answers("HTTP/1.1 200 OK\r\n" + std::string(framing) + "\r\n");
        EXPECT_TRUE(has(gets(), framing)) << framing;
    }
}

TEST_F(ProtocolsTest, PX37_a_tunnel_is_said_to_be_open_after_it_is) {
    begin();
    const std::string authority_of_nobody = "127.0.0.1:1";
    send(*client, "CONNECT " + authority_of_nobody + " HTTP/1.1\r\nHost: " + authority_of_nobody + "\r\n" + authorization + "\r\n");
    EXPECT_TRUE(gets("}\n").starts_with("HTTP/1.1 502 "));
    client = dial();
    send(*client, "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n" + authorization + "\r\n");
    EXPECT_TRUE(gets().starts_with("HTTP/1.1 200 "));
    auto accepted = loop.run_until(listener->accept());
    ASSERT_TRUE(accepted);
    upstream = std::move(*accepted);
    const std::string bytes = "\x16\x03\x01 GET / HTTP/1.1\r\nX-Api-Key: mine\r\n\r\n\r\n!";
    send(*client, bytes);
    EXPECT_EQ(receive(*upstream, "!"), bytes) << "nothing is read or changed";
    answers(bytes);
    EXPECT_EQ(gets("!"), bytes);
}

}  // namespace
}  // namespace claviger::proxy
