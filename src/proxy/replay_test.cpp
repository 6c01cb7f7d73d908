// What the proxy does with a 401 of the API, against a real server on loopback; the source of credentials is the test's.
#include <deque>

#include "http/server.hpp"
#include "inject/test_connection.hpp"
#include "proxy/exchange.hpp"
#include "proxy/session_test_support.hpp"

namespace claviger::proxy {
namespace {

using namespace test;

CredentialPtr bearer(std::uint16_t port, const std::string& token, bool replaceable = true) {
    auto definition = inject::testing::definition_of(provider::AuthType::oauth2);
    definition.api_urls = {"http://127.0.0.1:" + std::to_string(port)};
    auto connection = inject::testing::connection_to(definition, {});
    connection.access_token = base::Secret(token);
    auto injection = inject::Injection::make(definition, connection, inject::testing::kNow);
    EXPECT_TRUE(injection);
    base::SystemRandom random;
    return std::make_shared<const Credential>(Credential{std::move(*injection), replaceable ? base::Secret(token) : base::Secret(), scrub::Needles::make({token}, random)});
}

struct Source final : CredentialSource {
    CredentialPtr current;
    std::deque<base::Result<CredentialPtr>> next;  // what replacement() gives; empty: null
    int replacements = 0, stronger = 0;
    bool hold = false, cancelled = false;
    net::Loop* loop = nullptr;

    net::Task<base::Result<CredentialPtr>> credential(std::string, std::string, net::Cancellation& gone) override {
        if (hold) co_await wait(gone);
        co_return current;
    }
    net::Task<base::Result<CredentialPtr>> replacement(std::string, std::string, CredentialPtr refused, net::Cancellation& gone) override {
        ++replacements;
        EXPECT_EQ(refused, current);
        if (hold) co_await wait(gone);
        if (next.empty()) co_return CredentialPtr();
        auto given = std::move(next.front());
        next.pop_front();
        if (given && *given) current = *given;
        co_return given;
    }
    void wants_stronger_login(const std::string&, const std::string&) override { ++stronger; }
    bool stands(const std::string&, const std::string&) override { return true; }

    net::Task<void> wait(net::Cancellation& gone) {
        net::Event event(*loop);
        gone.on_cancel([&event] { event.set(); });
        auto waited = co_await event.wait(net::in(kPatience));
        cancelled = waited.has_value();
        gone.on_cancel(nullptr);
    }
};

struct ReplayTest : ProxyTest {
    Source source;
    std::unique_ptr<http::Server> api;
    std::vector<std::string> seen;    // "METHOD token body-bytes"
    std::string accepted = "none";    // the token that is good
    std::string challenge = "Bearer error=\"invalid_token\"", nonce;
    net::StreamPtr client;

    void begin() {
        auto listener = net::Listener::loopback(loop, 0);
        ASSERT_TRUE(listener);
        http::Server::Options of_api;
        of_api.max_body = 1 << 20;
        api = std::make_unique<http::Server>(loop, std::move(*listener), of_api, [this](http::ServerRequest request) { return answer(std::move(request)); });
        source.loop = &loop;
        source.current = bearer(api->port(), "old");
        options.addresses.allow_loopback = true;
        options.router = policy::Router({route_to({"http://127.0.0.1:" + std::to_string(api->port())})});
        auto started = ForwardProxy::start(loop, std::move(options), source, clock, random, log);
        ASSERT_TRUE(started) << started.error().describe();
        proxy = std::move(*started);
        const auto url = net::Url::parse(proxy->proxy_url().reveal());
        authorization = "Proxy-Authorization: Basic " + base::base64_encode(url->username() + ":" + url->password()) + "\r\n";
        client = dial();
    }
    net::Task<http::ServerResponse> answer(http::ServerRequest request) {
        const std::string token(request.head.fields.find("Authorization").value_or("-"));
        seen.push_back(request.head.method + " " + token + " " + std::to_string(request.body.size()));
        http::ServerResponse response;
        response.status = token == "Bearer " + accepted ? 200 : 401;
        if (response.status == 401) response.fields.add("WWW-Authenticate", challenge);
        if (!nonce.empty()) response.fields.add("DPoP-Nonce", nonce);
        response.body = response.status == 200 ? "fine" : "refused";
        co_return response;
    }
    std::string ask(const std::string& method, const std::string& more = "\r\n", const std::string& body = "") {
        const std::string authority = "127.0.0.1:" + std::to_string(api->port());
        send(*client, method + " http://" + authority + "/x HTTP/1.1\r\nHost: " + authority + "\r\n" + authorization + more + body);
        std::string text = receive(*client, "\r\n\r\n");
        for (const char* end : {"fine", "refused", "}\n"}) {
            if (text.find(end) != std::string::npos) return text;
        }
        return text + receive(*client, text.find("problem+json") != std::string::npos ? "}\n" : text.starts_with("HTTP/1.1 200") ? "fine" : "refused");
    }
    static std::string length(std::size_t n) { return "Content-Length: " + std::to_string(n) + "\r\n\r\n"; }
};

TEST_F(ReplayTest, RF10_a_refused_token_is_replaced_and_the_request_sent_once_more) {
    begin();
    accepted = "new";
    source.next.push_back(bearer(api->port(), "new"));
    EXPECT_TRUE(ask("GET").starts_with("HTTP/1.1 200")) << "the client never sees the 401";
    EXPECT_TRUE(ask("GET").starts_with("HTTP/1.1 200")) << "on the same connection";
    EXPECT_EQ(seen, (std::vector<std::string>{"GET Bearer old 0", "GET Bearer new 0", "GET Bearer new 0"}));
    EXPECT_EQ(source.replacements, 1);
}

TEST_F(ReplayTest, RF10_an_api_that_always_refuses_is_asked_twice_and_its_answer_passes) {
    begin();
    source.next.push_back(bearer(api->port(), "new"));
    const std::string answer = ask("GET");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 401")) << answer;
    EXPECT_NE(answer.find("refused"), std::string::npos);
    EXPECT_EQ(seen.size(), 2U);
    EXPECT_EQ(source.replacements, 1);
    EXPECT_TRUE(ask("GET").starts_with("HTTP/1.1 401"));
    EXPECT_EQ(seen.size(), 3U) << "no other token: one call";
}

TEST_F(ReplayTest, PX20_an_answer_to_the_refused_token_does_not_show_it_although_there_is_a_newer_one) {
    begin();
    const std::string old = "old-token-of-some-length";
    challenge = "Bearer error=\"invalid_token\", error_description=\"" + old + "\"";
    source.current = bearer(api->port(), old);
    source.next = {bearer(api->port(), "new-token-of-some-length")};
    const std::string answer = ask("POST", length(kReplayableBody + 1), std::string(kReplayableBody + 1, 'b'));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 401")) << answer;
    EXPECT_EQ(answer.find(old), std::string::npos) << answer;
    EXPECT_TRUE(source.next.empty()) << "the newer one is for the next request";
}

TEST_F(ReplayTest, RF10_bodies_up_to_64_KiB_are_sent_again_and_longer_ones_pass_the_401) {
    begin();
    accepted = "new";
    struct Row { std::size_t size; bool again; };
    for (const auto& [size, again] : {Row{1, true}, {16 * 1024, true}, {16 * 1024 + 1, true}, {kReplayableBody, true}, {kReplayableBody + 1, false}}) {
        seen.clear();
        source.current = bearer(api->port(), "old");
        source.next = {bearer(api->port(), "new")};
        const std::string answer = ask("POST", length(size), std::string(size, 'b'));
        EXPECT_TRUE(answer.starts_with(again ? "HTTP/1.1 200" : "HTTP/1.1 401")) << size << answer;
        const std::string bytes = " " + std::to_string(size);
        std::vector<std::string> expected{"POST Bearer old" + bytes};
        if (again) expected.push_back("POST Bearer new" + bytes);
        EXPECT_EQ(seen, expected);
        EXPECT_TRUE(source.next.empty()) << "the token is replaced for the next request anyway";
    }
}

TEST_F(ReplayTest, RF10_a_chunked_body_is_sent_again_too) {
    begin();
    accepted = "new";
    source.next.push_back(bearer(api->port(), "new"));
    const std::string answer = ask("POST", "Transfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
    EXPECT_EQ(seen, (std::vector<std::string>{"POST Bearer old 5", "POST Bearer new 5"}));
}

TEST_F(ReplayTest, RF10_what_cannot_be_replaced_passes_unchanged) {
    begin();
    source.current = bearer(api->port(), "key", false);
    const std::string answer = ask("GET");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 401")) << answer;
    EXPECT_NE(answer.find("WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"), std::string::npos);
    EXPECT_EQ(answer.find("Claviger-Reason"), std::string::npos);
    EXPECT_EQ(seen.size(), 1U);
    EXPECT_EQ(source.replacements, 0);
}

TEST_F(ReplayTest, OA19_a_dead_grant_is_answered_with_the_command_that_mends_it) {
    begin();
    source.next.push_back(base::fail(base::ErrorCode::needs_login, "the connection default of acme needs a new login", "run: claviger login acme --force"));
    const std::string answer = ask("GET");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 424")) << answer;
    EXPECT_NE(answer.find("Claviger-Reason: needs_login"), std::string::npos);
    EXPECT_NE(answer.find("\"command\":\"claviger login acme --force\""), std::string::npos) << answer;
    EXPECT_EQ(answer.find("refused"), std::string::npos);
    accepted = "old";
    EXPECT_TRUE(ask("GET").starts_with("HTTP/1.1 200")) << "the connection goes on";
}

TEST_F(ReplayTest, OA23_a_stronger_login_is_said_once_and_never_refreshed_for) {
    begin();
    challenge = "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\"";
    source.next.push_back(bearer(api->port(), "new"));
    const std::string answer = ask("GET");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 401")) << answer;
    EXPECT_NE(answer.find("Claviger-Reason: insufficient_user_authentication\r\n"), std::string::npos);
    EXPECT_NE(answer.find("acr_values"), std::string::npos) << "the API's own words pass too";
    EXPECT_EQ(seen.size(), 1U);
    EXPECT_EQ(source.replacements, 0);
    EXPECT_EQ(source.stronger, 1);
}

TEST_F(ReplayTest, RFC9449_a_nonce_that_the_api_asks_for_is_tried_once) {
    begin();
    challenge = "DPoP error=\"use_dpop_nonce\"";
    nonce = "n-1";
    EXPECT_TRUE(ask("POST", length(3), "abc").starts_with("HTTP/1.1 401"));
    EXPECT_EQ(seen, (std::vector<std::string>{"POST Bearer old 3", "POST Bearer old 3"}));
    EXPECT_EQ(source.replacements, 0);
}

TEST_F(ReplayTest, PX31_a_client_that_leaves_during_the_refresh_holds_nothing) {
    begin();
    source.hold = true;
    const std::string authority = "127.0.0.1:" + std::to_string(api->port());
    send(*client, "GET http://" + authority + "/x HTTP/1.1\r\nHost: " + authority + "\r\n" + authorization + "\r\n");
    loop.run_until(loop.sleep(std::chrono::milliseconds(1)));
    client->close();
    EXPECT_TRUE(eventually([&] { return source.cancelled; }));
}

TEST(ServerNoncesTest, the_newest_of_each_server_within_bounds) {
    ServerNonces nonces;
    EXPECT_EQ(nonces.of("a"), "");
    nonces.learn("a", "1");
    nonces.learn("a", "2");
    nonces.learn("b", "3");
    nonces.learn("b", std::string(1025, 'x'));
    nonces.learn("b", "");
    EXPECT_EQ(nonces.of("a"), "2");
    EXPECT_EQ(nonces.of("b"), "3");
    for (int i = 0; i < 1000; ++i) nonces.learn(std::to_string(i), "n");
    EXPECT_EQ(nonces.of("999"), "n");
}

}  // namespace
}  // namespace claviger::proxy
